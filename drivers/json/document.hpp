// SPDX-License-Identifier: GPL-2.0-or-later
// Strict JSON (RFC 8259) in UTF-8 within bounds, for the readers of this folder.
#pragma once

#include "policy/base/error.hpp"

#include <cstddef>
#include <memory>
#include <string_view>

#include <yyjson.h>

namespace sekisho::drivers {

using Document = std::unique_ptr<yyjson_doc, void (*)(yyjson_doc*)>;

struct Bounds {
    std::size_t bytes;
    int depth; ///< objects and arrays within each other
};

/// `what` names the text as a whole ("line", "file") in errors of `domain`; where the text is no JSON, the error names
/// the byte.
Result<Document> read_document(std::string_view json, Bounds bounds, Domain domain, std::string_view what);

} // namespace sekisho::drivers

// SPDX-License-Identifier: GPL-2.0-or-later
// What a value type says of a text that it does not take.
#pragma once

#include <expected>
#include <string>

namespace sekisho::config {

struct Refusal {
    std::string why;  ///< a sentence without the parameter's name
    std::string hint; ///< what to do about it; may be empty
};

/// The canonical spelling of a value, or why it is none.
using Canonical = std::expected<std::string, Refusal>;

} // namespace sekisho::config

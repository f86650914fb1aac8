// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"

#include <string_view>

namespace sekisho::ports {

/// A file of the data partition that comes in pieces; there is one, under a fixed name in the Store.
class UploadFile {
public:
    virtual ~UploadFile() = default;

    /// Begins a new, empty file. An earlier one is removed; who has that open keeps it as it is.
    virtual Result<void> begin() = 0;
    virtual Result<void> append(std::string_view bytes) = 0;
    /// What was appended is on the medium when the call returns. No more comes.
    virtual Result<void> finish() = 0;
};

} // namespace sekisho::ports

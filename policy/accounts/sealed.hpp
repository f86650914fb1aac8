// SPDX-License-Identifier: GPL-2.0-or-later
// The form of small texts of lines with words on the data partition: the first line bears the digest of what follows,
// the second the kind and version. Internal to policy/accounts.
#pragma once

#include "policy/base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::accounts {

/// Digest, kind and version, then the lines. `kind` is a name, a space and a number.
[[nodiscard]] std::string sealed(std::string_view kind, std::string_view lines);

/// The lines of a text of this kind whose digest is right, split into words. They are views into `text`.
[[nodiscard]] Result<std::vector<std::vector<std::string_view>>> unsealed(std::string_view kind, std::string_view text);

} // namespace sekisho::accounts

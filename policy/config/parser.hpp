// SPDX-License-Identifier: GPL-2.0-or-later
// Configuration text to tree.
//
//   statement  = key [value] ( ";" | "{" statement* "}" )
//   value      = word | string          string: double quotes, \" and \\ are its only escapes, ends on its line
//                                       (a certificate has several)
//   comment    = "#" to the end of the line | "/*" to "*/"
//
// The text is UTF-8; outside strings and comments only printable ASCII. Lines end with LF. Carriage returns and a byte
// order mark are refused: they would silently travel into every copy.
#pragma once

#include "policy/base/diagnostic.hpp"
#include "policy/config/tree.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace sekisho::config {

inline constexpr std::size_t kMostBytes = 4u << 20; ///< room for 20,000 devices
inline constexpr std::size_t kMostDepth = 16;
inline constexpr std::size_t kMostKeyBytes = 63;

/// Reads a whole configuration. Every problem is put into `diagnostics`, and reading goes on after it where that makes
/// sense. The tree is complete or absent: with any error there is none. Time is linear in the text; a text over
/// kMostBytes is refused unread.
[[nodiscard]] std::optional<Tree> parse(std::string_view bytes, Diagnostics& diagnostics);

} // namespace sekisho::config

// SPDX-License-Identifier: GPL-2.0-or-later
// Base64 with the standard alphabet and padding (RFC 4648 section 4), strictly: every sequence of bytes has one text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::base64 {

/// The bytes of a text. Nothing where it is not the text that encode() gives for some bytes: other characters (white
/// space among them), a length that is no multiple of four, bits behind the last byte.
[[nodiscard]] std::optional<std::string> decode(std::string_view text);

[[nodiscard]] std::string encode(std::string_view bytes);

} // namespace sekisho::base64

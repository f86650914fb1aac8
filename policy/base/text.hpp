// SPDX-License-Identifier: GPL-2.0-or-later
// Small text functions that <format> would do at several seconds of compile time per file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::text {

/// Concatenates pieces: join_all("port ", to_text(443), "/tcp").
template <typename... Pieces>
[[nodiscard]] std::string concat(const Pieces&... pieces) {
    std::string result;
    result.reserve((std::string_view(pieces).size() + ... + 0));
    (result.append(std::string_view(pieces)), ...);
    return result;
}

[[nodiscard]] std::string to_text(std::uint64_t value);
[[nodiscard]] std::string to_text_signed(std::int64_t value);

/// `digits` lower-case hexadecimal digits, padded with zeros on the left.
[[nodiscard]] std::string to_hex(std::uint64_t value, std::size_t digits);

/// Decimal digits only, no sign, no leading or trailing anything; nothing on overflow.
[[nodiscard]] std::optional<std::uint64_t> parse_unsigned(std::string_view text) noexcept;

[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// The character at the beginning of a text (RFC 3629: shortest form, no surrogates, at most U+10FFFF). Where the bytes
/// are no UTF-8: one byte, not valid, `code` its value.
struct Character {
    char32_t code = 0;
    std::size_t length = 1; ///< bytes
    bool valid = false;
};

[[nodiscard]] Character first_character(std::string_view text) noexcept; ///< `text` is not empty

/// Whether a terminal or a reader could be misled by it: C0, DEL, C1, line and paragraph separators, bidirectional,
/// zero-width and other invisible formatting characters.
[[nodiscard]] bool is_control(char32_t code) noexcept;

/// Columns on a terminal: East Asian wide characters count as two, bytes that are no UTF-8 as one.
[[nodiscard]] std::size_t columns_of(std::string_view text) noexcept;

/// Pads with spaces to `width` columns, behind the text or (left) in front of it; longer text stays as it is.
[[nodiscard]] std::string pad_right(std::string_view text, std::size_t width);
[[nodiscard]] std::string pad_left(std::string_view text, std::size_t width);

/// Makes text from outside safe to show on a terminal: control characters (C0, DEL, C1), bidirectional and zero-width
/// formatting characters and bytes that are no UTF-8 appear as \xHH or \u{HHHH}; the backslash stays as it is. Newlines
/// are escaped too.
[[nodiscard]] std::string escape_for_terminal(std::string_view text);

/// Levenshtein distance, bounded: anything above `most` counts as most + 1.
[[nodiscard]] std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t most);

/// The candidate nearest to `word`, if any is near enough to be a likely misspelling, or the only one that begins with
/// it ("prot": "protocol").
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      const std::vector<std::string_view>& candidates);

} // namespace sekisho::text

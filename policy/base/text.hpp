// SPDX-License-Identifier: GPL-2.0-or-later
// Small text functions that <format> would do at several seconds of compile time per file.
#pragma once

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

/// Pads with spaces on the right (left: on the left) to `width` columns; a multi-byte character counts as one column.
[[nodiscard]] std::string pad_right(std::string_view text, std::size_t width);

/// Makes text from outside safe to show on a terminal: control characters (C0, DEL, C1), bidirectional and zero-width formatting characters and
/// bytes that are no UTF-8 appear as \xHH or \u{HHHH}; the backslash stays as it is. Newlines are escaped too.
[[nodiscard]] std::string escape_for_terminal(std::string_view text);

/// Levenshtein distance, bounded: anything above `most` counts as most + 1.
[[nodiscard]] std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t most);

/// The candidate nearest to `word`, if any is near enough to be a likely misspelling.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word, const std::vector<std::string_view>& candidates);

} // namespace sekisho::text

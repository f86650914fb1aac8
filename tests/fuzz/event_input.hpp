// SPDX-License-Identifier: GPL-2.0-or-later
// Events for the targets of encoders, and what their decoders have in common. None of it calls the product's text
// functions: a mistake there must not hide itself.
#pragma once

#include "policy/events/event.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace sekisho::fuzz {

/// Bytes that a text field gets from an input; what is longer is of another test.
inline constexpr std::size_t kMostText = 2048;

/// The input is a row of entries: a byte that chooses the field, two for a length, so many bytes of the value.
inline events::Event event_of(std::string_view input) {
    events::Event event;
    while (input.size() >= 3) {
        const auto byte = [&input](std::size_t place) { return static_cast<unsigned char>(input[place]); };
        const events::FieldRow& row = events::field_table()[byte(0) % events::kFieldCount];
        const std::size_t length = std::min<std::size_t>({input.size() - 3, kMostText, byte(1) * 256U + byte(2)});
        const std::string_view bytes = input.substr(3, length);
        input.remove_prefix(3 + length);
        std::uint64_t number = 0;
        for (const char c : bytes.substr(0, 8)) {
            number = number << 8 | static_cast<unsigned char>(c);
        }
        switch (row.kind) {
        case events::FieldKind::text:
            event.set(row.field, std::string(bytes));
            break;
        case events::FieldKind::number:
            event.set_number(row.field, static_cast<std::int64_t>(number));
            break;
        case events::FieldKind::boolean:
            event.set_boolean(row.field, length % 2 == 1);
            break;
        }
    }
    return event;
}

inline bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/// The character that \xHH or \u{HHHH} at `place` stands for, as UTF-8 or as the byte; `length` is the escape's.
inline std::string escaped_at(std::string_view text, std::size_t place, std::size_t& length) {
    const bool is_byte = text.substr(place, 2) == "\\x";
    if (!is_byte && text.substr(place, 3) != "\\u{") {
        return {};
    }
    const std::size_t begin = place + (is_byte ? 2 : 3);
    std::size_t end = begin;
    std::uint32_t code = 0;
    while (end < text.size() && end - begin < (is_byte ? 2 : 6) && is_hex(text[end])) {
        code = code * 16 + static_cast<std::uint32_t>(text[end] <= '9' ? text[end] - '0' : text[end] - 'a' + 10);
        ++end;
    }
    const std::size_t digits = end - begin;
    if (is_byte ? digits != 2 : (digits < 4 || end == text.size() || text[end] != '}' || code > 0x10'ffff)) {
        return {};
    }
    length = end - place + (is_byte ? 0 : 1);
    const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
    if (is_byte) {
        return {static_cast<char>(code)};
    }
    if (code < 0x80) {
        return {static_cast<char>(code)};
    }
    if (code < 0x800) {
        return {static_cast<char>(0xc0 | code >> 6), tail(0)};
    }
    if (code < 0x1'0000) {
        return {static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)};
    }
    return {static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
}

/// With every escape as what it stands for. A value and its shown form become the same by it, also where somebody typed
/// an escape into the value.
inline std::string without_escapes(std::string_view text) {
    std::string result;
    for (std::size_t place = 0; place < text.size();) {
        std::size_t length = 0;
        const std::string meant = escaped_at(text, place, length);
        result += length > 0 ? meant : std::string(1, text[place]);
        place += length > 0 ? length : 1;
    }
    return result;
}

/// Nothing that a terminal or an editor acts on without showing it: C0, DEL, C1, line separators, directions.
inline bool shows_everything(std::string_view text) {
    if (text.find_first_of(std::string_view("\n\r\t\0\x1b\x7f", 6)) != std::string_view::npos || !is_plain(text)) {
        return false;
    }
    for (const std::string_view hidden :
         {"\xe2\x80\x8b", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa",
          "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa7",
          "\xe2\x81\xa8", "\xe2\x81\xa9"}) {
        if (text.find(hidden) != std::string_view::npos) {
            return false;
        }
    }
    for (std::size_t place = text.find('\xc2'); place != std::string_view::npos; place = text.find('\xc2', place + 1)) {
        if (place + 1 < text.size() && static_cast<unsigned char>(text[place + 1]) < 0xa0) {
            return false;
        }
    }
    return true;
}

/// Strict UTF-8 (RFC 3629).
inline bool is_utf8(std::string_view text) {
    for (std::size_t place = 0; place < text.size();) {
        const auto byte = [&](std::size_t offset) -> unsigned {
            return place + offset < text.size() ? static_cast<unsigned char>(text[place + offset]) : 0U;
        };
        const auto tail = [&](std::size_t offset, unsigned least = 0x80, unsigned most = 0xbf) {
            return byte(offset) >= least && byte(offset) <= most;
        };
        const unsigned lead = byte(0);
        if (lead < 0x80) {
            place += 1;
        } else if (lead >= 0xc2 && lead <= 0xdf && tail(1)) {
            place += 2;
        } else if (lead >= 0xe0 && lead <= 0xef && tail(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) &&
                   tail(2)) {
            place += 3;
        } else if (lead >= 0xf0 && lead <= 0xf4 && tail(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf) &&
                   tail(2) && tail(3)) {
            place += 4;
        } else {
            return false;
        }
    }
    return true;
}

} // namespace sekisho::fuzz

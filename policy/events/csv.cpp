// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/csv.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <array>

namespace sekisho::events {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kLineEnd = "\r\n";

/// What begins a formula, as spreadsheets read it: also in its full-width form, which a Japanese one takes for the
/// same, and a tab or line end, which some pass over.
[[nodiscard]] bool begins_formula(char32_t code) noexcept {
    constexpr std::array<char32_t, 12> kBeginnings{'=',  '+',    '-',    '@',    '\t',   '\r',
                                                   '\n', 0x2212, 0xff1d, 0xff0b, 0xff0d, 0xff20};
    return std::ranges::find(kBeginnings, code) != kBeginnings.end();
}

/// Blanks and quotes, which a spreadsheet may take away before it looks.
[[nodiscard]] bool is_passed_over(char32_t code) noexcept {
    constexpr std::array<char32_t, 11> kPassed{' ',    '"',    '\'',   '`',    0xa0,  0x3000,
                                               0x2018, 0x2019, 0x201c, 0x201d, 0xff02};
    return std::ranges::find(kPassed, code) != kPassed.end() || (code >= 0x2000 && code <= 0x200a) || code == 0xff07;
}

[[nodiscard]] bool looks_like_formula(std::string_view value) noexcept {
    while (!value.empty()) {
        const text::Character character = text::first_character(value);
        if (!character.valid || !is_passed_over(character.code)) {
            return character.valid && begins_formula(character.code);
        }
        value.remove_prefix(character.length);
    }
    return false;
}

/// As much as a cell holds, with room for the apostrophe.
[[nodiscard]] std::string bounded(std::string shown) {
    constexpr std::size_t kMost = kMostCell - 1;
    if (shown.size() <= kMost) { // no character has more code units than bytes
        return shown;
    }
    std::size_t units = 0;
    std::size_t fitting = 0; // bytes that leave room for the mark
    for (std::string_view rest = shown; !rest.empty();) {
        const text::Character character = text::first_character(rest);
        units += character.code > 0xffff ? 2 : 1;
        if (units > kMost) {
            shown.resize(fitting);
            return shown + "…";
        }
        rest.remove_prefix(character.length);
        if (units < kMost) {
            fitting = shown.size() - rest.size();
        }
    }
    return shown;
}

void write_text(std::string& line, const std::string& value) {
    line += '"';
    if (looks_like_formula(value)) {
        line += '\'';
    }
    for (const char c : bounded(text::escape_for_terminal(value))) {
        if (c == '"') {
            line += '"';
        }
        line += c;
    }
    line += '"';
}

} // namespace

std::string to_csv_header() {
    std::string line(kByteOrderMark);
    for (const FieldRow& row : field_table()) {
        // The name of the time would begin like a formula.
        const std::string_view name = row.path.starts_with('@') ? row.path.substr(1) : row.path;
        line += text::concat(row.field == Field{} ? "" : ",", name);
    }
    return line.append(kLineEnd);
}

std::string to_csv_line(const Event& event) {
    std::string line;
    for (const FieldRow& row : field_table()) {
        if (row.field != Field{}) {
            line += ',';
        }
        const Value* value = event.find(row.field);
        if (value == nullptr) {
            continue;
        }
        if (const auto* shown = std::get_if<std::string>(value)) {
            write_text(line, *shown);
        } else {
            line += event.shown(row.field); // digits, or true and false: nothing to escape
        }
    }
    return line.append(kLineEnd);
}

} // namespace sekisho::events

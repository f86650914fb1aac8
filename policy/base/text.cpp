// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sekisho::text {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

struct CodeRange {
    char32_t first;
    char32_t last;
};

template <std::size_t size>
[[nodiscard]] bool in_ranges(const std::array<CodeRange, size>& ranges, char32_t code) noexcept {
    return std::any_of(ranges.begin(), ranges.end(),
                       [code](const CodeRange& range) { return code >= range.first && code <= range.last; });
}

[[nodiscard]] unsigned byte_at(std::string_view text, std::size_t index) noexcept {
    return static_cast<unsigned char>(text[index]);
}

template <typename Number>
[[nodiscard]] std::string decimal(Number value) {
    std::array<char, 24> buffer{};
    const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return {buffer.data(), written.ptr};
}

} // namespace

std::string to_text(std::uint64_t value) {
    return decimal(value);
}

std::string to_text_signed(std::int64_t value) {
    return decimal(value);
}

std::string to_hex(std::uint64_t value, std::size_t digits) {
    std::string result(digits, '0');
    for (auto digit = result.rbegin(); digit != result.rend() && value != 0; ++digit, value >>= 4) {
        *digit = kHexDigits[value & 0xf];
    }
    return result;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec != std::errc{} || parsed.ptr != end) {
        return std::nullopt;
    }
    return value;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string result;
    for (const std::string& part : parts) {
        if (&part != &parts.front()) {
            result += separator;
        }
        result += part;
    }
    return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

Character first_character(std::string_view text) noexcept {
    const unsigned lead = byte_at(text, 0);
    if (lead < 0x80) {
        return {lead, 1, true};
    }
    const Character broken{lead, 1, false};
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) {
        return broken;
    }
    char32_t code = lead & (0x7fU >> length);
    for (std::size_t index = 1; index < length; ++index) {
        const unsigned next = byte_at(text, index);
        if ((next & 0xc0) != 0x80) {
            return broken;
        }
        code = code << 6 | (next & 0x3f);
    }
    const bool too_long = (length == 3 && code < 0x800) || (length == 4 && code < 0x1'0000);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return too_long || surrogate || code > 0x10'ffff ? broken : Character{code, length, true};
}

bool is_control(char32_t code) noexcept {
    static constexpr std::array<CodeRange, 12> kControls{{
        {0x00, 0x1f},       // C0
        {0x7f, 0x9f},       // DEL, C1
        {0xad, 0xad},       // soft hyphen
        {0x61c, 0x61c},     // Arabic letter mark
        {0x180e, 0x180e},   // Mongolian vowel separator
        {0x200b, 0x200f},   // zero width, direction marks
        {0x2028, 0x202e},   // separators, embeddings and overrides
        {0x2060, 0x206f},   // word joiner, isolates
        {0xfe00, 0xfe0f},   // variation selectors
        {0xfeff, 0xfeff},   // byte order mark
        {0xfff9, 0xfffb},   // interlinear annotation
        {0xe0000, 0xe01ef}, // tags, variation selectors
    }};
    return in_ranges(kControls, code);
}

std::size_t columns_of(std::string_view text) noexcept {
    // blocks of Unicode's EastAsianWidth W and F that people write names in
    static constexpr std::array<CodeRange, 8> kWide{{{0x1100, 0x115f},
                                                     {0x2e80, 0x303e},
                                                     {0x3041, 0xa4cf},
                                                     {0xac00, 0xd7a3},
                                                     {0xf900, 0xfaff},
                                                     {0xfe30, 0xfe6f},
                                                     {0xff00, 0xff60},
                                                     {0x1f300, 0x3fffd}}};
    std::size_t columns = 0;
    while (!text.empty()) {
        const Character character = first_character(text);
        columns += character.valid && in_ranges(kWide, character.code) ? 2 : 1;
        text.remove_prefix(character.length);
    }
    return columns;
}

std::string pad_right(std::string_view text, std::size_t width) {
    const std::size_t columns = columns_of(text);
    return std::string(text).append(width > columns ? width - columns : 0, ' ');
}

std::string pad_left(std::string_view text, std::size_t width) {
    const std::size_t columns = columns_of(text);
    return std::string(width > columns ? width - columns : 0, ' ').append(text);
}

std::string escape_for_terminal(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const Character character = first_character(text);
        if (!character.valid || (character.code < 0x80 && is_control(character.code))) {
            result += "\\x" + to_hex(character.code, 2);
        } else if (is_control(character.code)) {
            result += "\\u{" + to_hex(character.code, character.code > 0xffff ? 6 : 4) + "}";
        } else {
            result += text.substr(0, character.length);
        }
        text.remove_prefix(character.length);
    }
    return result;
}

std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t most) {
    const std::size_t longer = std::max(left.size(), right.size());
    if (longer - std::min(left.size(), right.size()) > most) {
        return most + 1; // without this a 100 MB word would cost 100 MB of table
    }
    std::vector<std::size_t> row(right.size() + 1);
    for (std::size_t index = 0; index < row.size(); ++index) {
        row[index] = index;
    }
    for (std::size_t line = 1; line <= left.size(); ++line) {
        std::size_t diagonal = row[0];
        row[0] = line;
        for (std::size_t index = 1; index < row.size(); ++index) {
            const std::size_t replaced = diagonal + (left[line - 1] == right[index - 1] ? 0 : 1);
            diagonal = row[index];
            row[index] = std::min({replaced, row[index] + 1, row[index - 1] + 1});
        }
        if (*std::min_element(row.begin(), row.end()) > most) {
            return most + 1;
        }
    }
    return std::min(row.back(), most + 1);
}

std::optional<std::string_view> nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    if (word.empty()) {
        return std::nullopt;
    }
    // an abbreviation is likelier than as many wrong letters: "prot" means "protocol", not "port"
    std::optional<std::string_view> best;
    std::size_t beginning = 0;
    for (const std::string_view candidate : candidates) {
        if (word.size() >= 2 && candidate.starts_with(word)) {
            best = candidate;
            ++beginning;
        }
    }
    if (beginning == 1) {
        return best;
    }
    best.reset();
    // a third of the letters may be wrong; more would suggest words that were never meant
    std::size_t most = std::min<std::size_t>(word.size() / 3 + (word.size() > 1 ? 1 : 0), 3);
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate, most);
        if (distance <= most && distance < word.size() && (!best || distance < most)) {
            best = candidate;
            most = distance;
        }
    }
    return best;
}

} // namespace sekisho::text

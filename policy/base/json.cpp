// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/json.hpp"

#include "policy/base/text.hpp"

namespace sekisho {

namespace {

[[nodiscard]] std::string escaped(char32_t code) {
    switch (code) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        break;
    }
    if (code <= 0xffff) {
        return "\\u" + text::to_hex(code, 4);
    }
    const char32_t rest = code - 0x1'0000; // a surrogate pair
    return "\\u" + text::to_hex(0xd800 + (rest >> 10), 4) + "\\u" + text::to_hex(0xdc00 + (rest & 0x3ff), 4);
}

[[nodiscard]] std::size_t count_digits(std::string_view text) noexcept {
    const std::size_t end = text.find_first_not_of("0123456789");
    return end == std::string_view::npos ? text.size() : end;
}

/// An optional sign, digits without a leading zero, an optional fraction: what the product's numbers look like.
[[nodiscard]] bool is_json_number(std::string_view text) noexcept {
    if (text.starts_with('-')) {
        text.remove_prefix(1);
    }
    const std::size_t whole = count_digits(text);
    if (whole == 0 || (whole > 1 && text.front() == '0')) {
        return false;
    }
    text.remove_prefix(whole);
    if (text.empty()) {
        return true;
    }
    return text.size() > 1 && text.front() == '.' && count_digits(text.substr(1)) == text.size() - 1;
}

} // namespace

std::string json_string(std::string_view text) {
    std::string result;
    result.reserve(text.size() + 2);
    result += '"';
    while (!text.empty()) {
        const text::Character character = text::first_character(text);
        if (!character.valid) {
            result += "\xef\xbf\xbd"; // U+FFFD
        } else if (character.code == '"' || character.code == '\\' || text::is_control(character.code)) {
            result += escaped(character.code);
        } else {
            result += text.substr(0, character.length);
        }
        text.remove_prefix(character.length);
    }
    result += '"';
    return result;
}

void JsonWriter::separate() {
    if (m_after_key) {
        m_after_key = false;
        return;
    }
    if (!m_has_items.empty()) {
        if (m_has_items.back()) {
            m_text += ',';
        }
        m_has_items.back() = true;
    }
}

JsonWriter& JsonWriter::begin_object() {
    separate();
    m_text += '{';
    m_has_items.push_back(false);
    return *this;
}

JsonWriter& JsonWriter::end_object() {
    m_text += '}';
    m_has_items.pop_back();
    return *this;
}

JsonWriter& JsonWriter::begin_array() {
    separate();
    m_text += '[';
    m_has_items.push_back(false);
    return *this;
}

JsonWriter& JsonWriter::end_array() {
    m_text += ']';
    m_has_items.pop_back();
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    m_text += json_string(name);
    m_text += ':';
    m_after_key = true;
    return *this;
}

JsonWriter& JsonWriter::string(std::string_view value) {
    separate();
    m_text += json_string(value);
    return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
    separate();
    m_text += text::to_text_signed(value);
    return *this;
}

JsonWriter& JsonWriter::number_unsigned(std::uint64_t value) {
    separate();
    m_text += text::to_text(value);
    return *this;
}

JsonWriter& JsonWriter::number_text(std::string_view value) {
    separate();
    m_text += is_json_number(value) ? std::string(value) : json_string(value);
    return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
    separate();
    m_text += value ? "true" : "false";
    return *this;
}

JsonWriter& JsonWriter::null() {
    separate();
    m_text += "null";
    return *this;
}

} // namespace sekisho

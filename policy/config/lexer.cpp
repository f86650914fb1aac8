// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/lexer.hpp"

#include "policy/base/text.hpp"

#include <cstdint>

namespace sekisho::config {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kPemBegin = "-----BEGIN "; // RFC 7468 section 3

[[nodiscard]] std::uint8_t byte_at(std::string_view text, std::size_t offset) noexcept {
    return offset < text.size() ? static_cast<std::uint8_t>(text[offset]) : 0;
}

/// Length of the UTF-8 sequence at `offset`; 0 where it is none (RFC 3629: no overlong forms, no surrogates, nothing
/// above U+10FFFF).
[[nodiscard]] std::size_t sequence_length(std::string_view text, std::size_t offset) noexcept {
    const std::uint8_t first = byte_at(text, offset);
    if (first < 0x80) {
        return 1;
    }
    std::size_t length = 0;
    std::uint8_t least = 0x80;
    std::uint8_t most = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        least = first == 0xe0 ? 0xa0 : 0x80;
        most = first == 0xed ? 0x9f : 0xbf;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        least = first == 0xf0 ? 0x90 : 0x80;
        most = first == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (byte_at(text, offset + 1) < least || byte_at(text, offset + 1) > most) {
        return 0;
    }
    for (std::size_t index = 2; index < length; ++index) {
        if ((byte_at(text, offset + index) & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

[[nodiscard]] Place place_of(std::string_view text, std::size_t offset) noexcept {
    Place place{1, 1};
    for (std::size_t index = 0; index < offset; ++index) {
        if (text[index] == '\n') {
            ++place.line;
            place.column = 1;
        } else {
            ++place.column;
        }
    }
    return place;
}

[[nodiscard]] bool is_blank(char byte) noexcept {
    return byte == ' ' || byte == '\t' || byte == '\n';
}

/// Ends a word. What follows is white space, punctuation, a quote or a comment.
[[nodiscard]] bool ends_word(char byte, char following) noexcept {
    return is_blank(byte) || byte == ';' || byte == '{' || byte == '}' || byte == '"' || byte == '#' ||
           (byte == '/' && following == '*');
}

[[nodiscard]] bool is_word_byte(char byte) noexcept {
    return byte > 0x20 && byte < 0x7f;
}

[[nodiscard]] bool is_control(char byte) noexcept {
    return static_cast<std::uint8_t>(byte) < 0x20 || byte == 0x7f;
}

} // namespace

bool check_text(std::string_view bytes, std::size_t most_bytes, Diagnostics& diagnostics) {
    if (bytes.size() > most_bytes) {
        diagnostics.error({}, {},
                          text::concat("the configuration has ", text::to_text(bytes.size()), " bytes; at most ",
                                       text::to_text(most_bytes), " are read"));
        return false;
    }
    if (bytes.starts_with(kByteOrderMark)) {
        diagnostics.error({1, 1}, {}, "the text begins with a byte order mark",
                          "save it as UTF-8 without a byte order mark (BOM)");
        return false;
    }
    for (std::size_t offset = 0; offset < bytes.size();) {
        if (bytes[offset] == '\0') {
            diagnostics.error(place_of(bytes, offset), {}, "this is not text: it has a NUL byte",
                              "a configuration is UTF-8 text; UTF-16 and binary files are not read");
            return false;
        }
        const std::size_t length = sequence_length(bytes, offset);
        if (length == 0) {
            diagnostics.error(place_of(bytes, offset), {},
                              text::concat("this is not UTF-8 text: byte 0x", text::to_hex(byte_at(bytes, offset), 2),
                                           " can't stand here"),
                              "save it as UTF-8; Shift_JIS and other encodings are not read");
            return false;
        }
        if (bytes[offset] == '\r') {
            diagnostics.error(place_of(bytes, offset), {}, "the text has a carriage return (CR)",
                              "lines end with LF alone; save it with Unix line ends, not with CR LF");
            return false;
        }
        offset += length;
    }
    return true;
}

char Lexer::peek(std::size_t ahead) const noexcept {
    return m_offset + ahead < m_text.size() ? m_text[m_offset + ahead] : '\0';
}

void Lexer::advance(std::size_t bytes) noexcept {
    for (; bytes > 0 && !at_end(); --bytes) {
        const char byte = m_text[m_offset++];
        if (byte == '\n') {
            ++m_line;
            m_line_start = m_offset;
        }
    }
}

void Lexer::skip_blank() {
    while (!at_end()) {
        const char byte = peek();
        if (is_blank(byte)) {
            advance();
        } else if (byte == '#') {
            while (!at_end() && peek() != '\n') {
                advance();
            }
        } else if (byte == '/' && peek(1) == '*') {
            skip_block_comment();
        } else {
            return;
        }
    }
}

void Lexer::skip_block_comment() {
    const Place opened = place();
    const std::size_t end = m_text.find("*/", m_offset + 2);
    if (end == std::string_view::npos) {
        m_diagnostics.error(opened, {}, "the comment that begins here is not closed", "close it with */");
        m_offset = m_text.size();
        return;
    }
    advance(end + 2 - m_offset);
}

Token Lexer::next() {
    skip_blank();
    Token token;
    token.place = place();
    if (at_end()) {
        token.end = token.place;
        return token;
    }
    switch (peek()) {
    case '{':
        token.kind = TokenKind::open;
        break;
    case '}':
        token.kind = TokenKind::close;
        break;
    case ';':
        token.kind = TokenKind::semicolon;
        break;
    case '"':
        return read_string();
    default:
        return read_word();
    }
    advance();
    token.end = place();
    return token;
}

Token Lexer::read_string() {
    Token token;
    token.kind = TokenKind::string;
    token.place = place();
    advance();
    if (begins_pem()) {
        read_pem(token);
    } else {
        read_line_of_text(token);
    }
    token.end = place();
    return token;
}

/// Whether the text that begins here is PEM over several lines.
bool Lexer::begins_pem() const noexcept {
    const std::size_t begin = m_text.find_first_not_of(" \t\n", m_offset);
    if (begin == std::string_view::npos || !m_text.substr(begin).starts_with(kPemBegin)) {
        return false;
    }
    for (std::size_t offset = m_offset; offset < m_text.size() && m_text[offset] != '"'; ++offset) {
        if (m_text[offset] == '\n') {
            return true;
        }
        offset += m_text[offset] == '\\' ? 1 : 0;
    }
    return false;
}

/// Up to the closing quote, over line ends too: what is pasted here should be one text also where its quote is missing
/// or where it does not belong, so that its lines are not taken, and quoted, as statements. No character of PEM ends a
/// statement or begins a comment: there, at the latest, the quote has been forgotten.
void Lexer::read_pem(Token& token) {
    constexpr std::string_view kNotPem = ";{}#";
    token.several_lines = true;
    while (!at_end() && peek() != '"' && !kNotPem.contains(peek())) {
        token.text += peek();
        advance();
    }
    if (peek() == '"') {
        advance();
        return;
    }
    m_diagnostics.error(token.place, {}, "the text that begins here is not closed",
                        "close it with \" behind its last line");
    token.damaged = true;
}

void Lexer::read_line_of_text(Token& token) {
    while (!at_end() && peek() != '"' && peek() != '\n') {
        const char byte = peek();
        if (byte == '\\') {
            if (peek(1) != '"' && peek(1) != '\\') {
                m_diagnostics.error(place(), {}, "this backslash means nothing", R"(only \" and \\ are known)");
                token.damaged = true;
            } else {
                advance();
            }
        }
        token.text += peek();
        advance();
    }
    if (peek() == '"') {
        advance();
    } else {
        m_diagnostics.error(token.place, {}, "the text that begins here is not closed on its line", "close it with \"");
        token.damaged = true;
    }
    // what a terminal would act on, bidirectional formatting included, could make a text read as something else
    if (!token.damaged && text::escape_for_terminal(token.text) != token.text) {
        m_diagnostics.error(token.place, {}, "the text has control or invisible formatting characters",
                            text::concat("it reads: ", text::escape_for_terminal(token.text.substr(0, 255))));
        token.damaged = true;
    }
}

Token Lexer::read_word() {
    Token token;
    token.kind = TokenKind::word;
    token.place = place();
    while (!at_end()) {
        const char byte = peek();
        if (ends_word(byte, peek(1))) {
            break;
        }
        if (!is_word_byte(byte) && !token.damaged) {
            const bool control = is_control(byte);
            m_diagnostics.error(place(), {},
                                control ? text::concat("control character 0x",
                                                       text::to_hex(static_cast<std::uint8_t>(byte), 2),
                                                       " outside a comment")
                                        : std::string("this character can only stand in a quoted text or a comment"));
            token.damaged = true;
        }
        token.text += byte;
        advance();
    }
    token.end = place();
    return token;
}

} // namespace sekisho::config

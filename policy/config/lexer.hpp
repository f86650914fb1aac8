// SPDX-License-Identifier: GPL-2.0-or-later
// Configuration text to words, strings and punctuation. Used by the parser alone.
#pragma once

#include "policy/base/diagnostic.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::config {

enum class TokenKind : std::uint8_t { word, string, open, close, semicolon, end };

struct Token {
    TokenKind kind = TokenKind::end;
    std::string text; ///< of a word, or of a string without quotes and escapes
    Place place;
    Place end;            ///< just behind the token
    bool damaged = false; ///< already reported: a string that was not closed, a word with bytes that don't belong there
    /// A string that goes over several lines, which only what begins as PEM does (RFC 7468). Its characters are not
    /// checked, and it may be a private key: nobody may quote it.
    bool several_lines = false;
};

/// Reads token after token. Text that is no token is reported and passed over.
class Lexer {
public:
    /// `text` must be valid UTF-8 without NUL and outlive the lexer.
    Lexer(std::string_view text, Diagnostics& diagnostics) : m_text(text), m_diagnostics(diagnostics) {}

    [[nodiscard]] Token next();

private:
    [[nodiscard]] bool at_end() const noexcept { return m_offset >= m_text.size(); }

    [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept;
    void advance(std::size_t bytes = 1) noexcept;

    [[nodiscard]] Place place() const noexcept { return {m_line, m_offset - m_line_start + 1}; }

    void skip_blank();
    void skip_block_comment();
    [[nodiscard]] Token read_string();
    [[nodiscard]] bool begins_pem() const noexcept;
    void read_line_of_text(Token& token);
    void read_pem(Token& token);
    [[nodiscard]] Token read_word();

    std::string_view m_text;
    Diagnostics& m_diagnostics;
    std::size_t m_offset = 0;
    std::size_t m_line = 1;
    std::size_t m_line_start = 0;
};

/// Refuses what is no configuration text at all: too large, not text, not UTF-8, with a byte order mark. False after a
/// report.
[[nodiscard]] bool check_text(std::string_view bytes, std::size_t most_bytes, Diagnostics& diagnostics);

} // namespace sekisho::config

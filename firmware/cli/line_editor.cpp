// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/line_editor.hpp"

#include "policy/base/text.hpp"

#include <utility>

namespace sekisho::cli {

namespace {

constexpr char kInterrupt = 0x03; // Ctrl-C
constexpr char kEnd = 0x04;       // Ctrl-D
constexpr char kBackspace = 0x08; // Ctrl-H
constexpr char kEraseLine = 0x15; // Ctrl-U
constexpr char kEraseWord = 0x17; // Ctrl-W
constexpr char kEscape = 0x1b;
constexpr char kDelete = 0x7f;
constexpr std::size_t kLongestCharacter = 4; // UTF-8

bool is_blank(char byte) {
    return byte == ' ' || byte == '\t';
}

/// How many bytes the character has that begins with this byte; 1 where none does.
std::size_t length_announced(char first) {
    const auto byte = static_cast<unsigned char>(first);
    return byte >= 0xf0 && byte <= 0xf4 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc2 && byte < 0xe0 ? 2 : 1;
}

bool continues(char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

/// As it is shown while it is typed; a tab takes one column.
std::string echo_of(std::string_view piece) {
    return piece == "\t" ? " " : text::escape_for_terminal(piece);
}

} // namespace

void LineEditor::begin(Editing editing) {
    m_editing = editing;
    m_line.clear();
    m_pieces.clear();
    m_unshown = 0;
    m_too_long = false;
    m_sequence = Sequence::none;
}

std::string LineEditor::shown() const {
    std::string shown;
    if (is_shown()) {
        std::string_view rest = m_line;
        for (const std::size_t length : m_pieces) {
            shown += echo_of(rest.substr(0, length));
            rest.remove_prefix(length);
        }
    }
    return shown;
}

LineEditor::Outcome LineEditor::take(char byte, std::string& echo) {
    const bool after_return = std::exchange(m_after_return, false);
    if (m_editing == Editing::stream) {
        if (byte != '\n') {
            append(byte, echo);
            return Outcome::more;
        }
        if (m_line.ends_with('\r')) {
            m_line.pop_back();
        }
        return Outcome::line;
    }
    if (byte == '\n' && after_return) {
        return Outcome::more;
    }
    if (m_editing != Editing::text && take_sequence(byte)) {
        return Outcome::more;
    }
    switch (byte) {
    case '\r':
        m_after_return = true;
        return finish(echo);
    case '\n':
        return finish(echo);
    case kInterrupt:
        begin(m_editing);
        echo += "^C\n";
        return Outcome::interrupted;
    case kEnd:
        if (is_empty()) {
            echo += '\n';
            return Outcome::end;
        }
        append(byte, echo);
        return Outcome::more;
    case kBackspace:
    case kDelete:
        erase_last(echo);
        return Outcome::more;
    case kEraseLine:
        erase_all(echo);
        return Outcome::more;
    case kEraseWord:
        erase_word(echo);
        return Outcome::more;
    default:
        append(byte, echo);
        return Outcome::more;
    }
}

/// Passes over what keys like arrows send: ESC [ … final byte, ESC O byte, ESC byte (ECMA-48).
bool LineEditor::take_sequence(char byte) {
    const bool is_printable = byte >= 0x20 && byte < 0x7f;
    switch (std::exchange(m_sequence, Sequence::none)) {
    case Sequence::none:
        break;
    case Sequence::escape:
        if (byte == '[') {
            m_sequence = Sequence::control;
        } else if (byte == 'O') {
            m_sequence = Sequence::single;
        }
        if (is_printable) {
            return true;
        }
        break;
    case Sequence::control:
        if (byte >= 0x20 && byte < 0x40) {
            m_sequence = Sequence::control;
        }
        if (is_printable) {
            return true;
        }
        break;
    case Sequence::single:
        if (is_printable) {
            return true;
        }
        break;
    }
    if (byte == kEscape) {
        m_sequence = Sequence::escape;
        return true;
    }
    return false;
}

LineEditor::Outcome LineEditor::finish(std::string& echo) {
    show_pending(echo);
    echo += '\n';
    return Outcome::line;
}

void LineEditor::append(char byte, std::string& echo) {
    if (m_line.size() >= m_most) {
        m_too_long = true;
        return;
    }
    if (!continues(byte)) {
        show_pending(echo);
    }
    m_line += byte;
    ++m_unshown;
    const char first = m_line[m_line.size() - m_unshown];
    if (m_unshown >= length_announced(first) || m_unshown >= kLongestCharacter) {
        show_pending(echo);
    }
}

void LineEditor::show_pending(std::string& echo) {
    if (m_unshown == 0) {
        return;
    }
    if (is_shown()) {
        echo += echo_of(std::string_view(m_line).substr(m_line.size() - m_unshown));
    }
    m_pieces.push_back(static_cast<std::uint8_t>(m_unshown));
    m_unshown = 0;
}

void LineEditor::erase_last(std::string& echo) {
    show_pending(echo);
    if (m_pieces.empty()) {
        return;
    }
    const std::size_t begin = m_line.size() - m_pieces.back();
    const std::size_t columns = is_shown() ? text::columns_of(echo_of(std::string_view(m_line).substr(begin))) : 0;
    m_line.resize(begin);
    m_pieces.pop_back();
    for (std::size_t i = 0; i < columns; ++i) {
        echo += "\b \b";
    }
}

void LineEditor::erase_word(std::string& echo) {
    while (!m_line.empty() && is_blank(m_line.back())) {
        erase_last(echo);
    }
    while (!m_line.empty() && !is_blank(m_line.back())) {
        erase_last(echo);
    }
}

void LineEditor::erase_all(std::string& echo) {
    show_pending(echo);
    for (std::size_t i = text::columns_of(shown()); i > 0; --i) {
        echo += "\b \b";
    }
    m_line.clear();
    m_pieces.clear();
    m_too_long = false;
}

} // namespace sekisho::cli

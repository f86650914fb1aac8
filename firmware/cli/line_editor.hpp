// SPDX-License-Identifier: GPL-2.0-or-later
// Keys in, lines out, and what the terminal is to show of them. Pure: what a stranger types at the serial line goes
// through here first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::cli {

/// What a line is for.
enum class Editing : std::uint8_t {
    command, ///< shown; keys of a terminal that send a sequence (arrows) do nothing
    text,    ///< shown; a pasted file: everything is kept that is no editing key
    secret,  ///< not shown
    stream,  ///< from a file or a pipe: no keys, nothing shown, every byte kept
};

class LineEditor {
public:
    enum class Outcome : std::uint8_t {
        more,
        line,        ///< line() is complete
        interrupted, ///< Ctrl-C: the line was given up
        end,         ///< Ctrl-D on an empty line
    };

    /// `most` bytes of a line are kept.
    explicit LineEditor(std::size_t most) : m_most(most) {}

    /// Begins a line.
    void begin(Editing editing);

    /// Takes one byte and appends to `echo` what the terminal is to show. Backspace, Ctrl-U (the line) and Ctrl-W (a
    /// word) take away; other control characters and bytes that are no UTF-8 are kept and shown escaped, so that
    /// nothing is lost unseen. A line ends with CR, LF or both.
    Outcome take(char byte, std::string& echo);

    [[nodiscard]] const std::string& line() const noexcept { return m_line; }

    /// Whether more was typed than is kept; the line is to be refused then.
    [[nodiscard]] bool is_too_long() const noexcept { return m_too_long; }

    [[nodiscard]] bool is_empty() const noexcept { return m_line.empty() && !m_too_long; }

    /// The line as it stands on the terminal; empty for secrets and streams.
    [[nodiscard]] std::string shown() const;

private:
    enum class Sequence : std::uint8_t { none, escape, control, single };

    [[nodiscard]] bool is_shown() const noexcept { return m_editing == Editing::command || m_editing == Editing::text; }

    bool take_sequence(char byte);
    Outcome finish(std::string& echo);
    void append(char byte, std::string& echo);
    void show_pending(std::string& echo);
    void erase_last(std::string& echo);
    void erase_word(std::string& echo);
    void erase_all(std::string& echo);

    std::size_t m_most;
    Editing m_editing = Editing::command;
    std::string m_line;
    std::vector<std::uint8_t> m_pieces; ///< bytes of each character, or of what is none, as it was shown
    std::size_t m_unshown = 0;          ///< bytes at the end of the line that may become a character, in no piece yet
    bool m_too_long = false;
    bool m_after_return = false; ///< a line feed now belongs to the line before
    Sequence m_sequence = Sequence::none;
};

} // namespace sekisho::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// A conversation over a terminal or over streams: questions, answers, and the time that an answer may take.
#pragma once

#include "firmware/cli/line_editor.hpp"
#include "firmware/ports/clock.hpp"
#include "firmware/ports/terminal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::cli {

/// Bytes of a line that are kept.
inline constexpr std::size_t kMostLine = 4096;

/// How long an answer may take, in milliseconds; absent: as long as it takes.
struct Patience {
    std::optional<std::uint64_t> idle_ms;  ///< without any key
    std::uint64_t notice_ms = 0;           ///< so long before the idle end the notice is shown
    std::string_view notice;               ///< whole lines
    std::optional<std::uint64_t> begun_ms; ///< from the first key of a line to its end
};

struct Answer {
    enum class Kind {
        line,
        too_long,
        interrupted, ///< Ctrl-C
        ended,       ///< Ctrl-D, or the end of the input
        timed_out,
        hung_up, ///< nobody is there any more
    };

    Kind kind = Kind::hung_up;
    std::string text; ///< of a line
};

/// Borrows the terminal and the clock.
class Dialogue {
public:
    Dialogue(ports::Terminal& terminal, ports::Clock& clock) : m_terminal(terminal), m_clock(clock) {}

    /// Takes the terminal's keys and the process's signals (ports::Terminal::take_control). Before it, there are no
    /// editing keys and Ctrl-C ends the program.
    Result<void> take_control();

    [[nodiscard]] bool is_interactive() { return m_terminal.is_interactive(); }

    /// Waits for a line. The prompt is shown to people only.
    Answer ask(std::string_view prompt, Editing editing, const Patience& patience = {});

    /// How the latest wait for a line ended; hung_up also when nobody takes what is said, or the input broke off.
    [[nodiscard]] Answer::Kind latest() const noexcept { return m_latest; }

    /// What comes next of the standard input, empty at its end. An error where the connection that it came over is gone
    /// with it (`connected`): half a file must not pass for a whole one.
    Result<std::string> read_some(std::string_view place, bool connected);

    /// A configuration, to the end of the input; an error where that is more than `most` bytes, and where the
    /// connection that it came over is gone with it (`connected`): half a file must not pass for a whole one.
    Result<std::string> read_all(std::size_t most, std::string_view place, bool connected);

    /// Writes to standard output. In a session, Ctrl-C ends a long text: that is an error too.
    Result<void> say(std::string_view text);

    /// Writes to standard error.
    Result<void> complain(std::string_view text) { return m_terminal.write_error(text); }

    /// Waits, dropping what is typed; ends early when the person is gone (hung_up) or, if they may, pressed Enter
    /// (line).
    Answer::Kind pause(std::uint64_t milliseconds, bool enter_ends = false);

    /// Forgets what was typed before a question.
    void discard_typed();

private:
    Answer wait_for_line(std::string_view prompt, Editing editing, const Patience& patience);
    std::optional<Answer> take_typed();

    [[nodiscard]] std::int64_t now_ms() { return m_clock.monotonic_microseconds() / 1000; }

    bool is_interrupted();

    ports::Terminal& m_terminal;
    ports::Clock& m_clock;
    LineEditor m_editor{kMostLine};
    std::string m_typed; ///< came and not yet taken
    Answer::Kind m_latest = Answer::Kind::line;
    bool m_in_control = false;
};

} // namespace sekisho::cli

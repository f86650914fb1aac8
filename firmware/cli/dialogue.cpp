// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/dialogue.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <utility>

namespace sekisho::cli {

namespace {

using Input = ports::Input;

constexpr char kInterrupt = 0x03;            // Ctrl-C
constexpr std::size_t kPiece = 1024;         // written between two looks at the keys
constexpr std::size_t kMostTyped = 64 << 10; // kept of what is typed while something is written
constexpr std::uint64_t kGraceMilliseconds = 250;

/// When an answer is over, and when the person is told that it soon will be.
class Deadline {
public:
    Deadline(const Patience& patience, std::int64_t now) : m_patience(patience), m_last_key(now) {}

    void on_key(std::int64_t now) {
        m_last_key = now;
        m_noticed = false;
    }

    /// Whether a line was begun, at any time.
    void on_line(bool begun, std::int64_t now) {
        m_begun = begun ? m_begun.value_or(now) : std::optional<std::int64_t>();
    }

    [[nodiscard]] bool is_over(std::int64_t now) const { return now >= end(); }

    [[nodiscard]] bool is_notice_due(std::int64_t now) const { return !m_noticed && now >= notice(); }

    void on_notice() { m_noticed = true; }

    /// Until the next of both; nothing where neither comes.
    [[nodiscard]] std::optional<std::uint64_t> left(std::int64_t now) const {
        const std::int64_t next = m_noticed ? end() : std::min(end(), notice());
        return next == kNever ? std::nullopt
                              : std::optional(static_cast<std::uint64_t>(std::max<std::int64_t>(next - now, 0)));
    }

private:
    static constexpr std::int64_t kNever = INT64_MAX;

    [[nodiscard]] std::int64_t idle_end() const {
        return m_patience.idle_ms ? m_last_key + static_cast<std::int64_t>(*m_patience.idle_ms) : kNever;
    }

    [[nodiscard]] std::int64_t notice() const {
        return m_patience.idle_ms && !m_patience.notice.empty()
                   ? idle_end() - static_cast<std::int64_t>(m_patience.notice_ms)
                   : kNever;
    }

    [[nodiscard]] std::int64_t end() const {
        return m_begun && m_patience.begun_ms
                   ? std::min(idle_end(), *m_begun + static_cast<std::int64_t>(*m_patience.begun_ms))
                   : idle_end();
    }

    const Patience& m_patience;
    std::int64_t m_last_key;
    std::optional<std::int64_t> m_begun;
    bool m_noticed = false;
};

} // namespace

Result<void> Dialogue::take_control() {
    TRY(m_terminal.take_control());
    m_in_control = true;
    return {};
}

/// An answer, as soon as what was typed has one.
std::optional<Answer> Dialogue::take_typed() {
    std::string echo;
    std::optional<Answer> answer;
    std::size_t taken = 0;
    while (taken < m_typed.size() && !answer) {
        switch (m_editor.take(m_typed[taken++], echo)) {
        case LineEditor::Outcome::more:
            break;
        case LineEditor::Outcome::line:
            answer = m_editor.is_too_long() ? Answer{Answer::Kind::too_long, {}}
                                            : Answer{Answer::Kind::line, m_editor.line()};
            break;
        case LineEditor::Outcome::interrupted:
            answer = Answer{Answer::Kind::interrupted, {}};
            break;
        case LineEditor::Outcome::end:
            answer = Answer{Answer::Kind::ended, {}};
            break;
        }
    }
    m_typed.erase(0, taken);
    if (!echo.empty() && !m_terminal.write(echo)) {
        return Answer{};
    }
    return answer;
}

Answer Dialogue::ask(std::string_view prompt, Editing editing, const Patience& patience) {
    Answer answer = wait_for_line(prompt, editing, patience);
    m_latest = answer.kind;
    return answer;
}

Answer Dialogue::wait_for_line(std::string_view prompt, Editing editing, const Patience& patience) {
    const bool is_person = m_in_control && is_interactive();
    m_editor.begin(is_person ? editing : Editing::stream);
    if (is_person && !m_terminal.write(prompt)) {
        return {};
    }
    Deadline deadline(patience, now_ms());
    for (;;) {
        if (auto answer = take_typed()) {
            return *std::move(answer);
        }
        deadline.on_line(!m_editor.is_empty(), now_ms());
        const auto input = m_terminal.read(deadline.left(now_ms()));
        if (!input || input->kind == Input::Kind::hung_up) {
            return {};
        }
        const std::int64_t now = now_ms();
        if (input->kind == Input::Kind::bytes) {
            m_typed += input->bytes;
            deadline.on_key(now);
        } else if (input->kind == Input::Kind::ended) {
            // a last line without its end is a line
            return m_editor.is_empty()      ? Answer{Answer::Kind::ended, {}}
                   : m_editor.is_too_long() ? Answer{Answer::Kind::too_long, {}}
                                            : Answer{Answer::Kind::line, m_editor.line()};
        } else if (deadline.is_over(now)) {
            ignore_error(is_person ? m_terminal.write("\n") : Result<void>{}, "the next question fails as well");
            return {Answer::Kind::timed_out, {}};
        } else if (deadline.is_notice_due(now)) {
            deadline.on_notice();
            if (is_person && !m_terminal.write(text::concat("\n", patience.notice, prompt, m_editor.shown()))) {
                return {};
            }
        }
    }
}

Result<std::string> Dialogue::read_some(std::string_view place, bool connected) {
    if (!m_typed.empty()) {
        return std::exchange(m_typed, {});
    }
    Input input = TRY(m_terminal.read(std::nullopt));
    if (input.kind == Input::Kind::hung_up ||
        (input.kind == Input::Kind::ended && connected && m_terminal.is_abandoned(kGraceMilliseconds))) {
        m_latest = Answer::Kind::hung_up;
        return std::unexpected(
            Error(Domain::argument, std::string(place), "the connection ended before the input did; nothing was done"));
    }
    return std::move(input.bytes);
}

Result<std::string> Dialogue::read_all(std::size_t most, std::string_view place, bool connected) {
    std::string contents;
    while (contents.size() <= most) {
        const std::string some = TRY(read_some(place, connected));
        if (some.empty()) {
            return contents;
        }
        contents += some;
    }
    return std::unexpected(
        Error(Domain::argument, std::string(place),
              text::concat("is larger than a configuration may be (", text::to_text(most), " bytes)")));
}

Result<void> Dialogue::say(std::string_view text) {
    const bool can_interrupt = m_in_control && text.size() > kPiece && is_interactive();
    while (!text.empty()) {
        const std::string_view piece = can_interrupt ? text.substr(0, kPiece) : text;
        if (auto written = m_terminal.write(piece); !written) {
            m_latest = Answer::Kind::hung_up;
            return written;
        }
        text.remove_prefix(piece.size());
        if (can_interrupt && is_interrupted()) {
            return std::unexpected(Error(Domain::argument, "", "interrupted"));
        }
    }
    return {};
}

/// Whether Ctrl-C was typed by now; what was typed before it is dropped.
bool Dialogue::is_interrupted() {
    if (m_typed.size() < kMostTyped) {
        if (const auto input = m_terminal.read(0); input && input->kind == Input::Kind::bytes) {
            m_typed += input->bytes;
        }
    }
    const std::size_t place = m_typed.rfind(kInterrupt);
    if (place == std::string::npos) {
        return false;
    }
    m_typed.erase(0, place + 1);
    return true;
}

Answer::Kind Dialogue::pause(std::uint64_t milliseconds, bool enter_ends) {
    const std::int64_t end = now_ms() + static_cast<std::int64_t>(milliseconds);
    for (std::int64_t now = now_ms(); now < end; now = now_ms()) {
        const auto input = m_terminal.read(static_cast<std::uint64_t>(end - now));
        if (!input || input->kind == Input::Kind::hung_up || input->kind == Input::Kind::ended) {
            return Answer::Kind::hung_up;
        }
        if (enter_ends && input->bytes.find_first_of("\r\n") != std::string::npos) {
            return Answer::Kind::line;
        }
    }
    return Answer::Kind::timed_out;
}

void Dialogue::discard_typed() {
    m_typed.clear();
    m_terminal.discard_typed();
}

} // namespace sekisho::cli

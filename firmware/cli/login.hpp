// SPDX-License-Identifier: GPL-2.0-or-later
// The login on the serial console, as init starts it: the first password, or account and password, and then a session
// with the account's rights. What is right is the daemon's to say; without it there is no way in.
#pragma once

#include "firmware/cli/dialogue.hpp"
#include "firmware/ports/control.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::cli {

class Login {
public:
    Login(ports::ControlClient& daemon, ports::Clock& clock, ports::Terminal& terminal, Dialogue& dialogue)
        : m_daemon(daemon), m_clock(clock), m_terminal(terminal), m_dialogue(dialogue) {}

    /// Asks until somebody is in, gives up the superuser's rights for good and runs the session. Returns after its end,
    /// or when the line hung up: init starts the next.
    int run();

private:
    /// What the daemon holds of passwords.
    enum class State { fresh, ready, damaged };
    enum class Step {
        in,    ///< m_user and m_group are the account's
        again, ///< nobody is in: ask anew
        gone,  ///< nobody is there
    };

    std::optional<State> wait_for_state();
    Step set_first_password();
    Step log_in();
    Step refuse();
    Step authenticate(std::string_view account, const std::string& password);
    Step admit(const ports::ControlResponse& response);
    Step step_after(const Answer& answer);
    Result<ports::ControlResponse> ask_daemon(std::vector<std::string> words, std::string_view payload);
    void say(std::string_view text);

    ports::ControlClient& m_daemon;
    ports::Clock& m_clock;
    ports::Terminal& m_terminal;
    Dialogue& m_dialogue;
    std::uint32_t m_user = 0;
    std::uint32_t m_group = 0;
    std::string m_reason; ///< of the state, where the daemon gave one
    bool m_was_answered = false;
};

} // namespace sekisho::cli

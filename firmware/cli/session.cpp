// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/session.hpp"

#include "policy/base/address.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <utility>

namespace sekisho::cli {

namespace {

constexpr std::string_view kPrompt = "sekisho> ";
constexpr std::size_t kLongestInterface = 15; // of a link-local address's zone
constexpr int kNotUnderstood = 2;             // exit status

bool is_interface_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
}

bool is_address(std::string_view text) {
    const std::size_t percent = text.find('%');
    if (!IpAddress::parse(text.substr(0, percent))) {
        return false;
    }
    if (percent == std::string_view::npos) {
        return true;
    }
    const std::string_view zone = text.substr(percent + 1);
    return !zone.empty() && zone.size() <= kLongestInterface && std::ranges::all_of(zone, is_interface_character);
}

bool is_port(std::string_view text) {
    const auto port = text::parse_unsigned(text);
    return port && *port > 0 && *port <= 65'535;
}

/// What the log says of how a session ended; the words are those of `session end`.
std::string_view reason_of(Answer::Kind ended_by) {
    switch (ended_by) {
    case Answer::Kind::timed_out:
        return "idle";
    case Answer::Kind::hung_up:
        return "closed";
    case Answer::Kind::line:
    case Answer::Kind::too_long:
    case Answer::Kind::interrupted:
    case Answer::Kind::ended:
        break;
    }
    return "quit";
}

bool is_over(Answer::Kind kind) {
    return kind == Answer::Kind::timed_out || kind == Answer::Kind::hung_up;
}

} // namespace

std::string origin_of(std::string_view ssh_connection, std::string_view fallback) {
    const auto words = text::split(ssh_connection, ' ');
    if (words.size() != 4 || !is_address(words[0]) || !is_port(words[1]) || !is_address(words[2]) ||
        !is_port(words[3])) {
        return std::string(fallback);
    }
    return text::concat("ssh ", words[0], " port ", words[1]);
}

Result<void> Session::begin() {
    const auto response = TRY(m_daemon.call({"session", "begin"}, {}, m_origin));
    if (response.exit_status != 0) {
        return std::unexpected(
            Error(Domain::account, "session", std::string(text::split(response.errors, '\n').front())));
    }
    if (m_dialogue.is_interactive()) {
        TRY(m_dialogue.say(response.output));
    }
    return {};
}

void Session::end(std::string_view reason) {
    const auto response = m_daemon.call({"session", "end", std::string(reason)}, {}, m_origin);
    const std::string trouble = !response ? response.error().message() + "\n" : response->errors;
    ignore_error(m_dialogue.complain(trouble), "nobody may be there any more");
}

int Session::prompt() {
    Client client(m_daemon, m_clock, m_dialogue, Source::prompt, m_origin);
    if (const auto taken = m_dialogue.take_control(); !taken) {
        return client.fail(taken.error(), 1);
    }
    if (const auto begun = begin(); !begun) {
        return client.fail(begun.error(), 1);
    }
    Answer::Kind ended_by = Answer::Kind::line;
    if (m_dialogue.is_interactive() && !m_dialogue.say("'help' lists the commands.\n")) {
        ended_by = Answer::Kind::hung_up;
    }
    while (!is_over(ended_by)) {
        const Answer answer = m_dialogue.ask(kPrompt, Editing::command, kSessionPatience);
        ended_by = answer.kind;
        if (is_over(ended_by) || ended_by == Answer::Kind::ended) {
            break;
        }
        if (ended_by == Answer::Kind::too_long) {
            client.fail(Error(Domain::argument, "", "the line is too long"), kNotUnderstood);
            continue;
        }
        const auto words = services::split_line(answer.text);
        if (!words) {
            client.fail(words.error(), kNotUnderstood);
        } else if (*words == std::vector<std::string>{"quit"}) {
            break;
        } else if (!words->empty()) {
            client.run(*words);
            ended_by = m_dialogue.latest(); // a paste may have been what ended
        }
    }
    if (ended_by == Answer::Kind::timed_out) {
        ignore_error(m_dialogue.say("The session was ended: no key for 30 minutes.\n"), "the session is over anyway");
    }
    end(reason_of(ended_by));
    return 0;
}

int Session::one_line(std::string_view line) {
    Client client(m_daemon, m_clock, m_dialogue, Source::line, m_origin, m_open_countries, m_open_capture);
    if (const auto taken = m_dialogue.take_control(); !taken) {
        return client.fail(taken.error(), 1);
    }
    if (const auto begun = begin(); !begun) {
        return client.fail(begun.error(), 1);
    }
    const auto words = services::split_line(line);
    const int status = words ? client.run(*words) : client.fail(words.error(), kNotUnderstood);
    end(is_over(m_dialogue.latest()) ? reason_of(m_dialogue.latest()) : status == kNotUnderstood ? "refused" : "done");
    return status;
}

} // namespace sekisho::cli

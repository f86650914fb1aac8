// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's end of the control socket: keeps what it is asked, and knows one password.
#pragma once

#include "firmware/ports/control.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace sekisho::cli {

class FakeDaemon final : public ports::ControlClient {
public:
    struct Call {
        std::vector<std::string> words;
        std::string payload;
        std::string origin;
    };

    Result<ports::ControlResponse> call(const std::vector<std::string>& words, std::string_view payload,
                                        std::string_view origin) override {
        calls.push_back({words, std::string(payload), std::string(origin)});
        if (silent_calls > 0 || !running) {
            silent_calls -= silent_calls > 0 ? 1 : 0;
            return std::unexpected(Error(Domain::control, "control.sock", "no such file or directory"));
        }
        if (words.front() == "authenticate") {
            return authenticate(words, payload);
        }
        if (words.front() == "session" && words[1] == "begin") {
            return ports::ControlResponse{refuses_sessions ? 1 : 0, refuses_sessions ? "" : "Welcome, version 0.1.0\n",
                                          refuses_sessions ? "this account may not administer the router\n" : ""};
        }
        if (words.front() == "session") {
            return ports::ControlResponse{};
        }
        const auto own = answers.find(words.front());
        return ports::ControlResponse{
            .exit_status = status, .output = own != answers.end() ? own->second : output, .errors = {}};
    }

    /// How many calls had these words.
    [[nodiscard]] std::size_t count(const std::vector<std::string>& words) const {
        return static_cast<std::size_t>(std::ranges::count(calls, words, &Call::words));
    }

    std::vector<Call> calls;
    bool running = true;
    int silent_calls = 0; ///< so many calls from now on are not answered
    int status = 0;
    std::string output = "answer\n";
    std::map<std::string, std::string> answers; ///< instead of that, by the first word
    bool refuses_sessions = false;

    std::string state = "new";
    std::string password; ///< of admin
    std::string first_password_warning;
    std::string ids = "user 2000\ngroup 2000\n";
    std::string wait = "wait 2\n";

private:
    ports::ControlResponse authenticate(const std::vector<std::string>& words, std::string_view payload) {
        if (words[1] == "state") {
            return {0, "state " + state + "\n", state == "damaged" ? "state/credentials: the digest is wrong\n" : ""};
        }
        if (words[1] == "first-password") {
            if (state != "new") {
                return {1, {}, "a password was set already\n"};
            }
            if (payload.size() < 13) {
                return {1, {}, "it has fewer than 13 characters\n"};
            }
            password = payload;
            state = "ready";
            return {0, ids, first_password_warning};
        }
        if (words[2] == "admin" && payload == password && !password.empty()) {
            return {0, ids, {}};
        }
        return {1, wait, "the account or the password is wrong\n"};
    }
};

} // namespace sekisho::cli

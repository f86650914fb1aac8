// SPDX-License-Identifier: GPL-2.0-or-later
// The command `sekisho`: one-shot commands and the console's prompt, from one command table.
#pragma once

#include "firmware/ports/clock.hpp"
#include "firmware/ports/control.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/configuration.hpp"
#include "policy/ruleset/ruleset.hpp"

#include <cstdio>
#include <expected>
#include <memory>
#include <span>
#include <string>

namespace sekisho::cli {

/// Where a session reads and writes; the streams are borrowed.
struct Terminal {
    std::FILE* input;
    std::FILE* output;
    std::FILE* errors;
};

class Client {
public:
    Client(ports::ControlClient& daemon, ports::Clock& clock, Terminal terminal);

    /// Runs one command; the exit status is 0, 1 (failed) or 2 (not understood).
    int run(std::span<const std::string> words);

private:
    struct Compiled {
        std::shared_ptr<const services::Configuration> configuration;
        ruleset::Ruleset ruleset;
    };

    int run_parsed(const services::Invocation& invocation, std::span<const std::string> words);
    int run_in_daemon(const services::Invocation& invocation, std::span<const std::string> words);
    /// Reads, checks and compiles the file that the command names; what is wrong is printed, the error is the exit
    /// status.
    std::expected<Compiled, int> compile_operand(const services::Invocation& invocation, const ClockReading& clock);
    int check(const services::Invocation& invocation);
    int render(const services::Invocation& invocation);
    int console();
    Result<ClockReading> clock_for(const services::Invocation& invocation);
    Result<std::string> contents_of(const std::string& operand);
    Result<std::string> pasted_contents();
    void print(std::FILE* stream, std::string_view text);
    int fail(const Error& error, int status);

    ports::ControlClient& m_daemon;
    ports::Clock& m_clock;
    Terminal m_terminal;
    bool m_in_console = false;
};

} // namespace sekisho::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// What the program is, by how it was started: a command, a session, or the login.
#pragma once

#include "firmware/cli/client.hpp"
#include "firmware/ports/clock.hpp"
#include "firmware/ports/control.hpp"
#include "firmware/ports/terminal.hpp"

#include <span>
#include <string>
#include <string_view>

namespace sekisho::cli {

struct World {
    ports::ControlClient& daemon;
    ports::Clock& clock;
    ports::Terminal& terminal;
    CountryOpener open_countries = {};      ///< none: what needs a country database says so
    ports::CaptureOpener open_capture = {}; ///< likewise
};

/// `name` is the program's own as it was called ("-sekisho" from sshd and login programs), `words` what follows it.
/// Runs to the end; the exit status.
///
///   -sekisho, or no words from an account's terminal   a session with the prompt
///   -c LINE                                            a session of one line, as sshd starts a shell
///   login                                              the serial console's
///   anything else                                      one command; none lists them
int start(std::string_view name, std::span<const std::string> words, World world);

} // namespace sekisho::cli

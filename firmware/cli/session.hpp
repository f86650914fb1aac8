// SPDX-License-Identifier: GPL-2.0-or-later
// A session of an account: the prompt, or one line. Its beginning and its end are in the log.
#pragma once

#include "firmware/cli/client.hpp"

#include <string>
#include <string_view>

namespace sekisho::cli {

/// Where a session comes from, for the log: "ssh 10.0.1.5 port 50022" from what sshd says of the connection
/// (SSH_CONNECTION: client address and port, server address and port), otherwise `fallback`, also where that is not
/// well-formed.
[[nodiscard]] std::string origin_of(std::string_view ssh_connection, std::string_view fallback);

class Session {
public:
    /// The openers are for captures on the session's input and for databases that the daemon names: a session names no
    /// files.
    Session(ports::ControlClient& daemon, ports::Clock& clock, Dialogue& dialogue, std::string origin,
            CountryOpener open_countries = {}, ports::CaptureOpener open_capture = {})
        : m_daemon(daemon),
          m_clock(clock),
          m_dialogue(dialogue),
          m_origin(std::move(origin)),
          m_open_countries(std::move(open_countries)),
          m_open_capture(std::move(open_capture)) {}

    /// Reads commands, one per line, until `quit`, the end of the input, a hang-up or 30 minutes without a key. 1 where
    /// the session could not begin: what the daemon does not know of does not take place.
    int prompt();

    /// Runs one line (`ssh admin@router show version`); its exit status.
    int one_line(std::string_view line);

private:
    Result<void> begin();
    void end(std::string_view reason);

    ports::ControlClient& m_daemon;
    ports::Clock& m_clock;
    Dialogue& m_dialogue;
    std::string m_origin;
    CountryOpener m_open_countries;
    ports::CaptureOpener m_open_capture;
};

} // namespace sekisho::cli

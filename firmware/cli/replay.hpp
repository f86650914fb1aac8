// SPDX-License-Identifier: GPL-2.0-or-later
// `replay`: a capture judged by the policy of a file, without router, daemon and kernel. `test capture`: by the policy
// in force. Both read it here, with the rights of who asks: what is in a capture never reaches the daemon.
#pragma once

#include "firmware/cli/client.hpp"

namespace sekisho::cli {

/// What the command needs of the client around it.
struct ReplayWorld {
    Dialogue& dialogue;
    ports::Clock& clock;
    const CountryOpener& open_countries;
    const ports::CaptureOpener& open_capture;
    Source source;
    /// Contents of a configuration file.
    std::function<Result<std::string>(const std::string& path)> read;
    /// What the daemon answers.
    std::function<Result<std::string>(const std::vector<std::string>& words)> ask;
};

/// The exit status is 0 where all of the capture was judged, 1 where something failed: what was read of a capture that
/// breaks is told all the same.
int replay(const services::Invocation& invocation, const ReplayWorld& world);

/// The same with what the daemon has in force: configuration, lists at its time, country database, addresses. A session
/// gives the capture on its standard input: `ssh admin@router test capture - <FILE`.
int test_capture(const services::Invocation& invocation, const ReplayWorld& world);

} // namespace sekisho::cli

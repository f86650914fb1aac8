// SPDX-License-Identifier: GPL-2.0-or-later
// `replay`: a capture judged by the policy of a file, without router, daemon and kernel.
#pragma once

#include "firmware/cli/client.hpp"

namespace sekisho::cli {

/// What the command needs of the client around it.
struct ReplayWorld {
    Dialogue& dialogue;
    ports::Clock& clock;
    const CountryOpener& open_countries;
    const ports::CaptureOpener& open_capture;
    /// Contents of a configuration file.
    std::function<Result<std::string>(const std::string& path)> read;
};

/// The exit status is 0 where all of the capture was judged, 1 where something failed: what was read of a capture that
/// breaks is told all the same.
int replay(const services::Invocation& invocation, const ReplayWorld& world);

} // namespace sekisho::cli

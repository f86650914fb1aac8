// SPDX-License-Identifier: GPL-2.0-or-later
// The client's part of `log export`: asks for piece after piece and writes each as it comes.
#pragma once

#include "firmware/cli/dialogue.hpp"
#include "firmware/ports/control.hpp"
#include "firmware/services/command_table.hpp"

#include <string>

namespace sekisho::cli {

/// Records go to standard output, whatever else there is to say to standard error. The exit status is 0 where every
/// line of the log up to the newest one at the beginning was exported, 1 where something failed, was no event or went
/// by rotation meanwhile, 2 where the options make no sense.
int export_log(const services::Invocation& invocation, ports::ControlClient& daemon, const std::string& origin,
               Dialogue& dialogue);

} // namespace sekisho::cli

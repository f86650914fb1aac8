// SPDX-License-Identifier: GPL-2.0-or-later
// Asks for a secret of 802.1X and hands it to the daemon: on a terminal twice and unseen, else the standard input's one
// line. It is never a word of a command: those are recorded.
#pragma once

#include "firmware/cli/client.hpp"
#include "firmware/cli/dialogue.hpp"
#include "firmware/ports/control.hpp"
#include "firmware/services/command_table.hpp"

#include <string>

namespace sekisho::cli {

/// For `access password USER` and `access secret SERVER`.
int store_access_secret(const services::Invocation& invocation, Source source, ports::ControlClient& daemon,
                        const std::string& origin, Dialogue& dialogue);

} // namespace sekisho::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// The client's part of `geo import`: sends a file piece by piece, so that neither side holds it.
#pragma once

#include "firmware/cli/client.hpp"
#include "firmware/cli/dialogue.hpp"
#include "firmware/ports/control.hpp"
#include "firmware/services/command_table.hpp"

#include <string>

namespace sekisho::cli {

struct ImportWorld {
    ports::ControlClient& daemon;
    Dialogue& dialogue;
    const std::string& origin;
};

/// The exit status is 0 where the database is in force, else 1: then the one before it is. Files are named by programs
/// only; over SSH a file comes from the standard input.
int import_countries(const services::Invocation& invocation, Source source, ImportWorld world);

} // namespace sekisho::cli

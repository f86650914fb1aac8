// SPDX-License-Identifier: GPL-2.0-or-later
// The process between the daemon and a helper program.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace sekisho::drivers {

/// What a guard writes to its pipe, one int each: first 0 when the program runs or the errno with which it couldn't be
/// started; at the end, the program's wait status.
///
/// Runs in the forked process and never returns. `parent` is the daemon's process id, `report` the pipe's writing end,
/// `output` what becomes the program's standard error stream (-1: nobody reads it).
[[noreturn]] void run_guard(const std::vector<std::string>& argv, pid_t parent, int report, int output);

/// Waits for the next of a guard's reports; nothing where the pipe was closed without one.
std::optional<int> read_report(int pipe);

} // namespace sekisho::drivers

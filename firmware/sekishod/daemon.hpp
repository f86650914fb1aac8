// SPDX-License-Identifier: GPL-2.0-or-later
// The composition root of the daemon: services wired to drivers. Everything but the clock, which tests replace.
#pragma once

#include "drivers/system/event_loop.hpp"
#include "firmware/ports/clock.hpp"
#include "firmware/sekishod/options.hpp"

namespace sekisho::daemon {

/// Runs until the process is asked to end; the exit status. Enforcement stays in the kernel afterwards.
int run(const Options& options, drivers::UvEventLoop& loop, ports::Clock& clock);

/// Loads the closed ruleset where no policy of ours is in the kernel yet, and ends.
int close(const Options& options);

} // namespace sekisho::daemon

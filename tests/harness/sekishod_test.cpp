// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon with a clock from a file; everything else is the product's.
#include "firmware/sekishod/daemon.hpp"
#include "tests/harness/file_clock.hpp"

#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
    using namespace sekisho;
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    const auto options = daemon::parse_options(arguments, true);
    if (!options) {
        std::fprintf(stderr, "sekishod-test: %s\n", options.error().message().c_str());
        return 2;
    }
    if (options->close_only) {
        return daemon::close(*options);
    }
    const auto loop = drivers::UvEventLoop::create();
    if (!loop) {
        std::fprintf(stderr, "sekishod-test: %s\n", loop.error().message().c_str());
        return 1;
    }
    harness::FileClock clock(options->clock_file, **loop);
    return daemon::run(*options, **loop, clock);
}

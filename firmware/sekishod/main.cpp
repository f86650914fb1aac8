// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/clock.hpp"
#include "firmware/sekishod/daemon.hpp"

#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
    using namespace sekisho;
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    const auto options = daemon::parse_options(arguments, false);
    if (!options) {
        std::fprintf(stderr, "sekishod: %s\n", options.error().message().c_str());
        return 2;
    }
    if (options->close_only) {
        return daemon::close(*options);
    }
    const auto loop = drivers::UvEventLoop::create();
    if (!loop) {
        std::fprintf(stderr, "sekishod: %s\n", loop.error().message().c_str());
        return 1;
    }
    drivers::SystemClock clock(**loop);
    return daemon::run(*options, **loop, clock);
}

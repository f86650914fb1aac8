// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/control/control_client.hpp"
#include "drivers/system/clock.hpp"
#include "firmware/cli/client.hpp"

#include <cstdio>
#include <string>
#include <vector>

// sekisho [--socket PATH] COMMAND…; without a command, the list of them.
int main(int argc, char** argv) {
    using namespace sekisho;
    std::vector<std::string> words(argv + 1, argv + argc);
    std::string socket = "/run/sekisho/control.sock";
    if (words.size() >= 2 && words.front() == "--socket") {
        socket = words[1];
        words.erase(words.begin(), words.begin() + 2);
    }
    if (words.empty()) {
        words.emplace_back("help");
    }
    const auto loop = drivers::UvEventLoop::create();
    if (!loop) {
        std::fprintf(stderr, "%s\n", loop.error().message().c_str());
        return 1;
    }
    drivers::SystemClock clock(**loop);
    drivers::UnixControlClient daemon(socket);
    return cli::Client(daemon, clock, {stdin, stdout, stderr}).run(words);
}

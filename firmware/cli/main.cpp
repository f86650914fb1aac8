// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/capture/pcap_file.hpp"
#include "drivers/console/posix_terminal.hpp"
#include "drivers/control/control_client.hpp"
#include "drivers/geoip/country_database.hpp"
#include "drivers/system/clock.hpp"
#include "firmware/cli/start.hpp"

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

// sekisho [--socket PATH] COMMAND…; without a command, the list of them. As a login shell: start.hpp.
int main(int argc, char** argv) {
    using namespace sekisho;
    std::vector<std::string> words(argv + 1, argv + argc);
    std::string socket = "/run/sekisho/control.sock";
    if (words.size() >= 2 && words.front() == "--socket") {
        socket = words[1];
        words.erase(words.begin(), words.begin() + 2);
    }
    const auto loop = drivers::UvEventLoop::create();
    if (!loop) {
        std::fprintf(stderr, "%s\n", loop.error().message().c_str());
        return 1;
    }
    drivers::SystemClock clock(**loop);
    drivers::UnixControlClient daemon(socket);
    drivers::PosixTerminal terminal;
    const auto open_countries = [](std::optional<std::string_view> path) {
        const std::string file(path.value_or("/usr/share/sekisho/country.mmdb"));
        return drivers::open_country_database(file, file);
    };
    return cli::start(argc > 0 ? argv[0] : "", words,
                      {daemon, clock, terminal, open_countries, drivers::open_capture_file});
}

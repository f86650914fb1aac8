// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/sekishod/options.hpp"

#include "policy/base/text.hpp"

#include <array>

namespace sekisho::daemon {

namespace {

struct Row {
    std::string_view name;
    std::string Options::* member;
};

constexpr std::array<Row, 17> kRows{{{"--data", &Options::data_directory},
                                     {"--run", &Options::run_directory},
                                     {"--default-config", &Options::default_configuration},
                                     {"--identity", &Options::identity},
                                     {"--support", &Options::support},
                                     {"--components", &Options::components},
                                     {"--country-database", &Options::country_database},
                                     {"--lease-script", &Options::lease_script},
                                     {"--resolv-conf", &Options::resolv_conf},
                                     {"--busybox", &Options::busybox},
                                     {"--chronyd", &Options::chronyd},
                                     {"--hostapd", &Options::hostapd},
                                     {"--dnsmasq", &Options::dnsmasq},
                                     {"--ssh-server", &Options::ssh_server},
                                     {"--shell", &Options::shell},
                                     {"--users", &Options::users},
                                     {"--clock", &Options::clock_file}}};

} // namespace

Result<Options> parse_options(std::span<const std::string_view> arguments, bool with_clock_file) {
    Options options;
    for (std::size_t position = 0; position < arguments.size(); ++position) {
        const std::string_view argument = arguments[position];
        if (argument == "--close") {
            options.close_only = true;
            continue;
        }
        const Row* found = nullptr;
        for (const Row& row : kRows) {
            if (row.name == argument && (with_clock_file || row.name != "--clock")) {
                found = &row;
            }
        }
        if (found == nullptr) {
            return std::unexpected(Error(Domain::argument, std::string(argument), "is no option of the daemon"));
        }
        if (++position == arguments.size()) {
            return std::unexpected(Error(Domain::argument, std::string(argument), "needs a value"));
        }
        options.*found->member = arguments[position];
    }
    return options;
}

} // namespace sekisho::daemon

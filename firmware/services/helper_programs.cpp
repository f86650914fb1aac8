// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/helper_programs.hpp"

#include "policy/base/text.hpp"

#include <algorithm>

namespace sekisho::services {

namespace {

constexpr std::string_view kChronyFile = "chrony.conf";

bool is_one_word(std::string_view word) {
    return !word.empty() && word.size() <= 253 && std::ranges::all_of(word, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
               c == ':';
    });
}

} // namespace

Result<std::string> chrony_configuration(const std::vector<model::TimeServer>& servers,
                                         std::string_view run_directory) {
    std::string text;
    for (const model::TimeServer& server : servers) {
        if (!is_one_word(server.server)) {
            return std::unexpected(
                Error(Domain::configuration, "time server",
                      text::concat("'", text::escape_for_terminal(server.server), "' is no host name or address")));
        }
        text += text::concat("server ", server.server, " iburst\n");
    }
    // rtcsync makes the kernel know that its clock is synchronised: that is what the expiry of list entries relies on.
    // The clock may be stepped while few updates have been seen, so that a device that boots in 1970 has the time
    // within seconds; afterwards it is slewed.
    text += text::concat("rtcsync\nmakestep 1 3\npidfile ", run_directory,
                         "/chronyd.pid\ncmdport 0\nport 0\nbindcmdaddress /\n");
    return text;
}

HelperPrograms::HelperPrograms(ports::Processes& processes, ports::Store& run_store, HelperPaths paths)
    : m_processes(processes), m_run_store(run_store), m_paths(std::move(paths)) {}

Result<void> HelperPrograms::follow(const model::Model& model) {
    auto time = follow_time(model);
    auto leases = follow_leases(model);
    return time ? leases : time;
}

Result<void> HelperPrograms::follow_time(const model::Model& model) {
    if (model.time_servers.empty()) {
        m_processes.stop("chronyd");
        m_chrony.clear();
        return {};
    }
    std::string configuration = TRY(chrony_configuration(model.time_servers, m_paths.run_directory));
    if (configuration != m_chrony) {
        TRY(m_run_store.write(kChronyFile, configuration));
        m_processes.stop("chronyd");
        m_chrony = std::move(configuration);
    }
    return m_processes.keep_running(
        {"chronyd", {m_paths.chronyd, "-n", "-f", text::concat(m_paths.run_directory, "/", kChronyFile)}});
}

Result<void> HelperPrograms::follow_leases(const model::Model& model) {
    constexpr std::string_view kPrefix = "udhcpc ";
    for (const std::string& name : m_processes.running()) {
        if (name.starts_with(kPrefix)) {
            const model::Interface* interface = model.find_interface(std::string_view(name).substr(kPrefix.size()));
            if (m_wan_held || interface == nullptr || !interface->dhcp) {
                m_processes.stop(name);
            }
        }
    }
    for (const model::Interface& interface : model.interfaces) {
        if (interface.dhcp && !m_wan_held) {
            // Router and name server alone are asked for: routes beyond the default one are never taken from the WAN.
            TRY(m_processes.keep_running({text::concat(kPrefix, interface.name),
                                          {m_paths.busybox,
                                           "udhcpc",
                                           "-f",
                                           "-i",
                                           interface.name,
                                           "-s",
                                           m_paths.lease_script,
                                           "-t",
                                           "5",
                                           "-T",
                                           "3",
                                           "-A",
                                           "10",
                                           "-o",
                                           "-O",
                                           "router",
                                           "-O",
                                           "dns",
                                           "-O",
                                           "subnet"}}));
        }
    }
    return {};
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// Helper programs that follow from the configuration: chrony for the time, a DHCP client per WAN interface that asks
// for one.
#pragma once

#include "firmware/ports/processes.hpp"
#include "firmware/ports/store.hpp"
#include "policy/model/model.hpp"

#include <string>
#include <vector>

namespace sekisho::services {

/// Paths of the helper programs and of what they get.
struct HelperPaths {
    std::string chronyd = "/usr/sbin/chronyd";
    std::string busybox = "/bin/busybox";
    std::string lease_script = "/usr/libexec/sekisho/lease-event";
    std::string run_directory = "/run/sekisho";
};

/// chrony.conf(5) for the given servers. A server name that chrony could read as anything but one word is refused.
[[nodiscard]] Result<std::string> chrony_configuration(const std::vector<model::TimeServer>& servers,
                                                       std::string_view run_directory);

/// Starts, replaces and ends the helper programs so that they match the configuration.
class HelperPrograms {
public:
    HelperPrograms(ports::Processes& processes, ports::Store& run_store, HelperPaths paths);

    Result<void> follow(const model::Model& model);

    /// While the WAN is held down, no DHCP client runs. Takes effect with follow().
    void hold_wan(bool held) noexcept { m_wan_held = held; }

private:
    Result<void> follow_time(const model::Model& model);
    Result<void> follow_leases(const model::Model& model);

    ports::Processes& m_processes;
    ports::Store& m_run_store;
    HelperPaths m_paths;
    bool m_wan_held = false;
    std::string m_chrony; ///< configuration that the running chronyd has
};

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// The DHCP server and DNS forwarder of inside networks: dnsmasq as a helper program, with a configuration that is made
// from ours by an encoder that refuses what it can't quote.
#pragma once

#include "firmware/ports/processes.hpp"
#include "firmware/ports/store.hpp"
#include "policy/model/model.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::services {

/// In the run directory: leases end with a boot, and clients keep their addresses, since the server is authoritative.
inline constexpr std::string_view kLeaseFile = "dhcp-leases";

/// Paths of the program, and of what it gets.
struct DhcpServerPaths {
    std::string dnsmasq = "/usr/sbin/dnsmasq";
    std::string resolv_conf = "/run/resolv.conf"; ///< the router's own name servers
    std::string run_directory = "/run/sekisho";
};

/// dnsmasq.conf(5) of dnsmasq 2.91; empty where the model has neither a DHCP server nor a DNS forwarder.
[[nodiscard]] Result<std::string> dnsmasq_configuration(const model::Model& model, const DhcpServerPaths& paths);

/// Starts, replaces and ends dnsmasq so that it matches the configuration.
class DhcpServer {
public:
    static constexpr std::string_view kHelper = "dnsmasq"; ///< name of the helper program

    DhcpServer(ports::Processes& processes, ports::Store& run_store, DhcpServerPaths paths);

    /// On an error it is stopped: what was taken away must not go on.
    Result<void> follow(const model::Model& model);

private:
    Result<void> run(const model::Model& model);

    ports::Processes& m_processes;
    ports::Store& m_run_store;
    DhcpServerPaths m_paths;
    std::string m_configuration; ///< that the running dnsmasq has
};

} // namespace sekisho::services

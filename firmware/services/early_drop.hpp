// SPDX-License-Identifier: GPL-2.0-or-later
// Keeps the early drop on the WAN's devices: it spares the router work and decides nothing, so whatever goes wrong with
// it is told and tried again, and nothing waits for it. A device that goes away takes its early drop with it.
#pragma once

#include "firmware/ports/network.hpp"
#include "firmware/ports/packet_filter.hpp"
#include "firmware/services/event_log.hpp"

#include <string>
#include <vector>

namespace sekisho::services {

class EarlyDrop {
public:
    /// References must outlive it.
    EarlyDrop(ports::PacketFilter& filter, ports::Network& network, EventLog& log)
        : m_filter(filter), m_network(network), m_log(log) {}

    /// The ruleset was just put in force, which took the early drop away.
    void install(const ruleset::Ruleset& in_force);

    /// Looks at the devices, and installs the early drop anew where it is not on those that are there.
    void check(const ruleset::Ruleset& in_force);

    /// Devices that had it when last looked at, sorted.
    [[nodiscard]] const std::vector<std::string>& devices() const noexcept { return m_devices; }

    /// Why it is not on every device of the WAN; empty where it is, or where none is wanted.
    [[nodiscard]] const std::string& trouble() const noexcept { return m_told; }

private:
    void tell_of_absent(const ruleset::Ruleset& in_force);
    void tell(std::string trouble);

    ports::PacketFilter& m_filter;
    ports::Network& m_network;
    EventLog& m_log;
    std::vector<std::string> m_devices;
    std::string m_told; ///< the trouble that the log has; empty where all is well
};

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/enforcement.hpp"
#include "policy/base/address.hpp"
#include "policy/base/error.hpp"
#include "policy/model/model.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::ports {

/// An interface as the kernel has it.
struct LinkStatus {
    std::string name;
    unsigned index = 0;
    bool up = false;      ///< administratively
    bool carrier = false; ///< link detected
    bool is_bridge = false;
    std::string bridge; ///< name of the bridge that it is a port of; empty where none
    std::optional<MacAddress> mac;
    std::vector<InterfaceAddress> addresses;
    bool has_duplicate = false; ///< another host on the link has one of the addresses
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_bytes = 0;
};

/// What an interface gets beyond its configuration: the current DHCP lease.
struct LeasedAddress {
    std::string interface;
    InterfaceAddress address;
    std::optional<IpAddress> gateway;
};

/// A port of a bridge whose devices are judged (port access). No frame passes between two guarded ports of a bridge.
struct GuardedPort {
    std::string name;
    /// Only frames of stations that the bridge's table holds for this port pass, and nothing is learnt from frames
    /// (IEEE 802.1X-2020, controlled port).
    bool is_locked = false;
};

/// Everything that the kernel's interfaces should have. Made from a model and the leases in force.
struct NetworkPlan {
    std::vector<model::Interface>
        interfaces; ///< bridges after their ports' definitions or before: the driver sorts it out
    std::vector<LeasedAddress> leases;
    std::vector<GuardedPort> guarded;
    /// Bridges where the router answers ARP for devices on other ports (RFC 3069): IPv4 between ports is routed, and so
    /// the packet filter decides about it.
    std::vector<std::string> routed_between_ports = {};
};

/// Links, addresses and routes of the kernel.
class Network {
public:
    virtual ~Network() = default;

    /// Makes the kernel match the plan and touches nothing that matches already: bridges (MAC address of their own,
    /// fixed), ports (a guarded one is locked before it is up), addresses, default routes, links up; router
    /// advertisements, redirects and source routing refused; addresses and default routes of ours that the plan lacks
    /// are removed, links that the plan lacks are taken down only where an earlier plan had them. Returns a sentence
    /// per interface that is absent (it is configured when it appears) and per address that another host on the link
    /// has (the next call tries it again). Where a part fails, the rest is still done; the error is the first one; its
    /// place is the interface where it is about one.
    virtual Result<std::vector<std::string>> configure(const NetworkPlan& plan) = 0;

    /// Forwarding of IPv4 and IPv6 on or off, and the connection tracking settings that the policy relies on (no loose
    /// pick-up of TCP flows).
    virtual Result<void> set_forwarding(bool on) = 0;

    /// What the kernel has beside the plan with forwarding on: settings, interfaces and the bridges that they are ports
    /// of, ports' flags (flooding of locked ports aside, which is not in the plan), addresses, default routes; and
    /// nothing of others: ports of the plan's bridges, routes, routing rules. An interface that is absent is no
    /// difference.
    virtual Result<Comparisons> compare(const NetworkPlan& plan) = 0;

    /// Takes away what compare() finds of others, and puts back routing rules that a kernel begins with. Everything
    /// else is configure()'s and set_forwarding()'s. Where a part fails, the rest is still done.
    virtual Result<void> remove_foreign(const NetworkPlan& plan) = 0;

    virtual Result<std::vector<LinkStatus>> links() = 0;

    /// Calls back, on the event loop, after links, addresses, routes, routing rules, queueing or settings of forwarding
    /// changed (bursts are joined).
    virtual Result<void> watch(std::function<void()> on_change) = 0;
};

} // namespace sekisho::ports

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/network/kernel_links.hpp"
#include "firmware/ports/network.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::drivers::network {

/// A locally administered unicast address (IEEE 802c) that is the same at every boot of the machine with these links: a
/// hash of the bridge's name and the lowest permanent address there is (or, where no link has one, the lowest address).
MacAddress bridge_mac(std::string_view bridge, const std::vector<Link>& links);

/// One pass over the kernel's state, step by step. Failures are gathered: a WAN that can't be configured is no reason
/// to leave the LAN dark.
class Reconciler {
public:
    Reconciler(KernelLinks& kernel, const ports::NetworkPlan& plan) : m_kernel(kernel), m_plan(plan) {}

    /// Sentences on absent interfaces and duplicate addresses, or the first failure.
    Result<std::vector<std::string>> run();

    /// See ports::Network.
    Result<ports::Comparisons> compare();
    Result<void> remove_foreign();

private:
    void make_bridges();
    void release_links();
    void enslave_ports();
    void guard_ports();
    void add_addresses();
    void raise_links();
    void add_routes();
    void remove_routes();
    void remove_addresses();

    void compare_port(const Link& link, ports::Comparisons& rows) const;
    void compare_bridge(const model::Interface& bridge, const Link& link, ports::Comparisons& rows) const;
    Result<void> compare_addresses(ports::Comparisons& rows);
    Result<void> compare_routes(ports::Comparisons& rows);
    void restore_rules();

    bool read_links();
    bool is_guarded(const std::string& port) const;
    PortFlags wanted_flags(const std::string& port) const;
    std::vector<const Link*> foreign_ports(const Link& bridge) const;
    std::string text_of(const DefaultRoute& route) const;
    void note(const Result<void>& result);
    void note_absent(const std::string& name, std::string_view bridge);
    const Link* find(std::string_view name) const;
    const Link* find(int index) const;
    const model::Interface* bridge_of(std::string_view port) const;
    const model::Interface* planned(std::string_view name) const;
    std::vector<InterfaceAddress> addresses_of(std::string_view name) const;
    std::vector<DefaultRoute> planned_routes() const;

    KernelLinks& m_kernel;
    const ports::NetworkPlan& m_plan;
    std::vector<Link> m_links;
    std::vector<std::string> m_sentences;
    std::optional<Error> m_failure;
};

} // namespace sekisho::drivers::network

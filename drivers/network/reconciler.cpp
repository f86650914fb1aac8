// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/network/reconciler.hpp"

#include "drivers/network/kernel_settings.hpp"
#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"

#include <algorithm>

namespace sekisho::drivers::network {

namespace {

constexpr std::uint32_t kConfiguredMetric = 100;
constexpr std::uint32_t kLeasedMetric = 200;

template <typename Items, typename Item>
bool contains(const Items& items, const Item& item) {
    return std::find(items.begin(), items.end(), item) != items.end();
}

std::optional<MacAddress> lowest(const std::vector<Link>& links, std::optional<MacAddress> Link::* which) {
    std::optional<MacAddress> result;
    for (const Link& link : links) {
        if (link.*which && !link.is_loopback() && !link.is_bridge() && (!result || *(link.*which) < *result)) {
            result = link.*which;
        }
    }
    return result;
}

} // namespace

MacAddress bridge_mac(std::string_view bridge, const std::vector<Link>& links) {
    auto machine = lowest(links, &Link::permanent_mac);
    if (!machine) {
        machine = lowest(links, &Link::mac);
    }
    Sha256 hash;
    hash.update(bridge);
    hash.update(std::string_view("\0", 1));
    hash.update(machine.value_or(MacAddress{}).bytes);
    const auto digest = hash.finish();
    MacAddress mac;
    std::copy_n(digest.begin(), mac.bytes.size(), mac.bytes.begin());
    mac.bytes[0] = static_cast<std::uint8_t>((mac.bytes[0] & 0xf0) | 0x02);
    return mac;
}

Result<std::vector<std::string>> Reconciler::run() {
    note(secure_all_links());
    if (read_links()) {
        make_bridges();
    }
    if (read_links()) {
        release_links();
    }
    if (read_links()) {
        enslave_ports();
    }
    if (read_links()) { // a port has flags only since it is one
        guard_ports();
        add_addresses();
        raise_links();
        add_routes();
        remove_routes();
        remove_addresses();
    }
    if (m_failure) {
        return std::unexpected(*std::move(m_failure));
    }
    return std::move(m_sentences);
}

bool Reconciler::read_links() {
    auto links = m_kernel.links();
    if (!links) {
        note(std::unexpected(std::move(links).error()));
        return false;
    }
    m_links = *std::move(links);
    return true;
}

void Reconciler::note(const Result<void>& result) {
    if (!result && !m_failure) {
        m_failure = result.error();
    }
}

void Reconciler::note_absent(const std::string& name, std::string_view bridge) {
    const std::string port = bridge.empty() ? std::string() : text::concat(", port of ", bridge, ",");
    m_sentences.push_back(text::concat("interface ", name, port, " is absent; it is configured when it appears"));
}

const Link* Reconciler::find(std::string_view name) const {
    const auto found =
        std::find_if(m_links.begin(), m_links.end(), [&](const Link& link) { return link.name == name; });
    return found != m_links.end() ? &*found : nullptr;
}

const Link* Reconciler::find(int index) const {
    const auto found =
        std::find_if(m_links.begin(), m_links.end(), [&](const Link& link) { return link.index == index; });
    return found != m_links.end() ? &*found : nullptr;
}

const model::Interface* Reconciler::bridge_of(std::string_view port) const {
    for (const auto& interface : m_plan.interfaces) {
        if (interface.is_bridge && contains(interface.ports, port)) {
            return &interface;
        }
    }
    return nullptr;
}

const model::Interface* Reconciler::planned(std::string_view name) const {
    for (const auto& interface : m_plan.interfaces) {
        if (interface.name == name) {
            return &interface;
        }
    }
    return nullptr;
}

/// A port's addresses, should it be named as an interface too, would answer nobody: it has none.
std::vector<InterfaceAddress> Reconciler::addresses_of(std::string_view name) const {
    std::vector<InterfaceAddress> addresses;
    const model::Interface* interface = planned(name);
    if (interface == nullptr || bridge_of(name) != nullptr) {
        return addresses;
    }
    addresses = interface->addresses;
    for (const auto& lease : m_plan.leases) {
        if (lease.interface == name) {
            addresses.push_back(lease.address);
        }
    }
    return addresses;
}

void Reconciler::make_bridges() {
    for (const auto& interface : m_plan.interfaces) {
        const Link* link = find(interface.name);
        if (interface.is_bridge && link == nullptr) {
            note(m_kernel.add_bridge(interface.name, bridge_mac(interface.name, m_links)));
        } else if (interface.is_bridge && !link->is_bridge()) {
            note(std::unexpected(Error(Domain::network, interface.name, "is there and is no bridge")));
        }
    }
}

/// Takes down what an earlier plan had and this one lacks, and takes ports out of bridges that aren't theirs any more.
void Reconciler::release_links() {
    for (const Link& link : m_links) {
        const model::Interface* bridge = bridge_of(link.name);
        const bool is_planned = planned(link.name) != nullptr || bridge != nullptr;
        if (!is_planned && !link.is_ours()) {
            continue;
        }
        const Link* master = link.master != 0 ? find(link.master) : nullptr;
        if (!is_planned && link.is_bridge()) {
            note(m_kernel.remove_link(link)); // its ports are released by that
            continue;
        }
        if (master != nullptr && (bridge == nullptr || bridge->name != master->name)) {
            note(m_kernel.set_master(link, 0));
        }
        if (!is_planned) {
            note(m_kernel.set_up(link, false));
            note(m_kernel.set_ours(link, false));
        }
    }
}

void Reconciler::enslave_ports() {
    for (const auto& interface : m_plan.interfaces) {
        const Link* bridge = interface.is_bridge ? find(interface.name) : nullptr;
        for (const auto& port : interface.ports) {
            const Link* link = find(port);
            if (link == nullptr) {
                note_absent(port, interface.name);
            } else if (bridge != nullptr && link->master != bridge->index) {
                if (link->is_up()) { // between joining and being locked a port would let everybody in
                    note(m_kernel.set_up(*link, false));
                }
                note(m_kernel.set_master(*link, bridge->index));
            }
        }
        if (!interface.is_bridge && find(interface.name) == nullptr && bridge_of(interface.name) == nullptr) {
            note_absent(interface.name, {});
        }
    }
}

bool Reconciler::is_guarded(const std::string& port) const {
    return std::ranges::contains(m_plan.guarded, port, &ports::GuardedPort::name);
}

PortFlags Reconciler::wanted_flags(const std::string& port) const {
    const auto guard = std::ranges::find(m_plan.guarded, port, &ports::GuardedPort::name);
    const bool is_judged = guard != m_plan.guarded.end();
    const bool is_locked = is_judged && guard->is_locked;
    return {is_locked, is_judged, !is_locked};
}

/// Before anything is up. A port that is no longer guarded is opened last of all, when its bridge is as it should be.
void Reconciler::guard_ports() {
    for (const auto& interface : m_plan.interfaces) {
        const Link* bridge = interface.is_bridge ? find(interface.name) : nullptr;
        bool has_guarded = false;
        for (const auto& port : interface.ports) {
            const Link* link = find(port);
            const PortFlags wanted = wanted_flags(port);
            has_guarded = has_guarded || is_guarded(port);
            // a locked port floods what others decide about
            if (link != nullptr && link->port &&
                (*link->port != wanted || (!wanted.is_locked && link->floods != true))) {
                note(m_kernel.set_port(*link, wanted));
            }
        }
        if (has_guarded && bridge != nullptr) {
            note(m_kernel.guard_bridge(*bridge));
        }
    }
}

void Reconciler::add_addresses() {
    const auto present = m_kernel.addresses();
    if (!present) {
        note(std::unexpected(present.error()));
        return;
    }
    for (const auto& interface : m_plan.interfaces) {
        const Link* link = find(interface.name);
        if (link == nullptr) {
            continue;
        }
        note(secure_link(link->name, bridge_of(link->name) != nullptr ? LinkRole::bridge_port : LinkRole::routed));
        note(answer_for_neighbours(link->name, std::ranges::contains(m_plan.routed_between_ports, link->name)));
        const auto wanted = addresses_of(interface.name);
        for (const auto& address : wanted) {
            const auto is_there = [&](const LinkAddress& other) {
                return other.link == link->index && other.address == address && other.is_ours();
            };
            const auto found = std::find_if(present->begin(), present->end(), is_there);
            if (found != present->end() && !found->is_duplicate) {
                continue;
            }
            if (found != present->end()) { // the kernel looks for duplicates anew only where an address is new
                m_sentences.push_back(text::concat("interface ", interface.name, ": another host has the address ",
                                                   address.address.text(), "; it is tried again"));
                note(m_kernel.remove_address(*link, address));
            }
            for (const auto& other : *present) { // IPv6 has an address once, with one prefix length
                if (other.link == link->index && other.address.address == address.address &&
                    !contains(wanted, other.address)) {
                    note(m_kernel.remove_address(*link, other.address));
                }
            }
            note(m_kernel.put_address(*link, address));
        }
    }
}

/// Ports before their bridges, everything configured before it is up; the loopback interface always.
void Reconciler::raise_links() {
    for (const bool bridges : {false, true}) {
        for (const Link& link : m_links) {
            const bool is_port = bridge_of(link.name) != nullptr;
            if ((!is_port && planned(link.name) == nullptr && !link.is_loopback()) || link.is_bridge() != bridges) {
                continue;
            }
            if (is_port) {
                note(secure_link(link.name, LinkRole::bridge_port));
            }
            if (!link.is_ours() && !link.is_loopback()) {
                note(m_kernel.set_ours(link, true));
            }
            if (!link.is_up()) {
                note(m_kernel.set_up(link, true));
            }
        }
    }
}

std::vector<DefaultRoute> Reconciler::planned_routes() const {
    std::vector<DefaultRoute> routes;
    const auto add = [&](std::string_view interface, const IpAddress& gateway, std::uint32_t metric) {
        const Link* link = find(interface);
        if (link == nullptr) {
            return;
        }
        const auto addresses = addresses_of(interface);
        const bool is_near = std::any_of(addresses.begin(), addresses.end(), [&](const InterfaceAddress& address) {
            return address.network().contains(gateway);
        });
        // some providers lease a single address and a gateway outside of it
        const bool on_link = !is_near && !gateway.is_link_local();
        routes.push_back({link->index, gateway, metric, on_link});
    };
    for (const auto& interface : m_plan.interfaces) {
        for (const auto& gateway : interface.gateways) {
            add(interface.name, gateway, kConfiguredMetric);
        }
    }
    for (const auto& lease : m_plan.leases) {
        if (lease.gateway) {
            add(lease.interface, *lease.gateway, kLeasedMetric);
        }
    }
    return routes;
}

void Reconciler::add_routes() {
    const auto present = m_kernel.our_default_routes();
    if (!present) {
        note(std::unexpected(present.error()));
        return;
    }
    for (const auto& route : planned_routes()) {
        if (!contains(*present, route)) {
            note(m_kernel.add_route(route, find(route.link)->name));
        }
    }
}

void Reconciler::remove_routes() {
    const auto present = m_kernel.our_default_routes();
    if (!present) {
        note(std::unexpected(present.error()));
        return;
    }
    const auto wanted = planned_routes();
    for (const auto& route : *present) {
        if (!contains(wanted, route)) {
            const Link* link = find(route.link);
            note(m_kernel.remove_route(route, link != nullptr ? link->name : "default route"));
        }
    }
}

void Reconciler::remove_addresses() {
    const auto present = m_kernel.addresses();
    if (!present) {
        note(std::unexpected(present.error()));
        return;
    }
    for (const auto& address : *present) {
        const Link* link = find(address.link);
        if (link != nullptr && address.is_ours() && !contains(addresses_of(link->name), address.address)) {
            note(m_kernel.remove_address(*link, address.address));
        }
    }
}

} // namespace sekisho::drivers::network

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/routing.hpp"

#include <algorithm>
#include <array>

namespace sekisho::judge {

namespace {

using Kind = ruleset::AddressKind::Kind;
using To = Decision::To;

constexpr std::uint32_t kAllStations = 0xffff'ffff; // 255.255.255.255
constexpr std::uint32_t kAllHosts = 0xe000'0001;    // 224.0.0.1

[[nodiscard]] Decision nowhere(StackCause cause) noexcept {
    return {To::nowhere, cause, kNoDevice};
}

[[nodiscard]] bool is_loopback_network(std::uint32_t address) noexcept {
    return address >> 24 == 127;
}

[[nodiscard]] bool is_multicast_v4(std::uint32_t address) noexcept {
    return address >> 28 == 0xe;
}

/// ff02::1:ffXX:XXXX of an address (RFC 4291, 2.7.1).
[[nodiscard]] bool is_solicited_node_of(const IpAddress& group, const IpAddress& address) noexcept {
    constexpr std::array<std::uint8_t, 13> kPrefix{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
    return address.family() == Family::ipv6 && std::ranges::equal(group.bytes().first(13), kPrefix) &&
           std::ranges::equal(group.bytes().last(3), address.bytes().last(3));
}

/// Groups that every IPv6 router is in: all nodes and all routers of the link, all routers of the site.
[[nodiscard]] bool is_routers_group(const IpAddress& group) noexcept {
    const auto bytes = group.bytes();
    const bool only_last = std::ranges::all_of(bytes.subspan(2, 13), [](std::uint8_t each) { return each == 0; });
    return only_last && ((bytes[1] == 2 && (bytes[15] == 1 || bytes[15] == 2)) || (bytes[1] == 5 && bytes[15] == 2));
}

} // namespace

Routing::Routing(const Environment& environment) : m_environment(environment) {
    const IpPrefix link_local = IpPrefix::parse("fe80::/64").value(); // of every link with IPv6
    for (std::size_t index = 0; index < environment.devices.size(); ++index) {
        m_entries.push_back({link_local, static_cast<DeviceIndex>(index), nullptr});
        for (const InterfaceAddress& own : environment.devices[index].addresses) {
            m_entries.push_back({own.network(), static_cast<DeviceIndex>(index), nullptr});
        }
    }
    for (const Route& route : environment.routes) {
        m_entries.push_back({route.destination, route.device, route.gateway ? &*route.gateway : nullptr});
    }
    std::ranges::stable_sort(m_entries, std::ranges::greater{},
                             [](const Entry& entry) { return entry.destination.length(); });
}

const Routing::Entry* Routing::find(const IpAddress& destination, DeviceIndex only) const noexcept {
    const auto found = std::ranges::find_if(m_entries, [&destination, only](const Entry& entry) {
        return (only == kNoDevice || entry.device == only) && entry.destination.contains(destination);
    });
    return found == m_entries.end() ? nullptr : &*found;
}

DeviceIndex Routing::way_to(const IpAddress& destination) const noexcept {
    const Entry* entry = find(destination);
    return entry == nullptr ? kNoDevice : entry->device;
}

bool Routing::is_network_broadcast(const IpAddress& address, DeviceIndex only) const noexcept {
    for (std::size_t index = 0; index < m_environment.devices.size(); ++index) {
        if (only != kNoDevice && index != only) {
            continue;
        }
        for (const InterfaceAddress& own : m_environment.devices[index].addresses) {
            if (own.address.family() == Family::ipv4 && own.length < 31 && own.network().last() == address) {
                return true;
            }
        }
    }
    return false;
}

/// The first address of an IPv6 network is every router's on it (RFC 4291, 2.6.1); not between two (RFC 6164).
bool Routing::is_subnet_anycast(const IpAddress& address) const noexcept {
    return std::ranges::any_of(m_environment.devices, [&address](const Device& device) {
        return std::ranges::any_of(device.addresses, [&address](const InterfaceAddress& own) {
            return own.address.family() == Family::ipv6 && own.length < 127 && own.network().first() == address;
        });
    });
}

bool Routing::is_member(const IpAddress& group, DeviceIndex device) const noexcept {
    if (std::ranges::contains(m_environment.groups, group)) {
        return true;
    }
    if (group.family() == Family::ipv4) {
        return group.to_v4() == kAllHosts;
    }
    return is_routers_group(group) ||
           std::ranges::any_of(m_environment.devices[device].addresses, [&group](const InterfaceAddress& own) {
               return is_solicited_node_of(group, own.address) || is_solicited_node_of(group, own.network().first());
           });
}

/// Own addresses never come from outside; strictly, nor does what is routed elsewhere.
bool Routing::is_martian(const IpAddress& source, DeviceIndex ingress) const noexcept {
    if (m_environment.device_of(source) != kNoDevice) {
        return true;
    }
    if (m_environment.source_check == SourceCheck::none) {
        return false;
    }
    return is_network_broadcast(source, kNoDevice) || way_to(source) != ingress;
}

Decision Routing::decide_v4(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                            DeviceIndex ingress) const {
    constexpr std::uint8_t kGroupManagement = 2;
    const std::uint32_t from = source.to_v4();
    const std::uint32_t to = destination.to_v4();
    if (is_multicast_v4(from) || from == kAllStations) {
        return nowhere(StackCause::address);
    }
    if (is_multicast_v4(to)) {
        if (!is_member(destination, ingress)) {
            return nowhere(StackCause::group);
        }
        const bool local_group = to >> 8 == 0xe00000;
        if (is_loopback_network(from) || (from == 0 && !local_group && protocol != kGroupManagement)) {
            return nowhere(StackCause::address);
        }
        if (from != 0 && is_martian(source, ingress)) {
            return nowhere(StackCause::martian);
        }
        return {To::router, StackCause::none, kNoDevice};
    }
    if (to == kAllStations || (from == 0 && to == 0)) {
        if (from != 0 && is_martian(source, ingress)) {
            return nowhere(StackCause::martian);
        }
        return {To::router, StackCause::none, kNoDevice};
    }
    if (from == 0 || to == 0 || is_loopback_network(to) || is_loopback_network(from)) {
        return nowhere(StackCause::address);
    }
    const bool is_own = m_environment.device_of(destination) != kNoDevice;
    const bool is_broadcast = !is_own && is_network_broadcast(destination, kNoDevice);
    const Entry* entry = find(destination);
    if (!is_own && !is_broadcast && entry == nullptr) {
        return nowhere(StackCause::no_route);
    }
    if (is_martian(source, ingress)) {
        return nowhere(StackCause::martian);
    }
    if (is_own || is_broadcast) {
        return {To::router, StackCause::none, kNoDevice};
    }
    return {To::on, StackCause::none, entry->device};
}

Decision Routing::decide_v6(const IpAddress& destination, DeviceIndex ingress) const {
    if (destination.is_multicast()) {
        return is_member(destination, ingress) ? Decision{To::router, StackCause::none, kNoDevice}
                                               : nowhere(StackCause::group);
    }
    if (destination.is_link_local()) {
        // means something on this link alone: only what leads there counts, and back there it goes
        const auto& own = m_environment.devices[ingress].addresses;
        const bool is_here =
            std::ranges::contains(own, destination, &InterfaceAddress::address) || is_subnet_anycast(destination);
        if (is_here) {
            return {To::router, StackCause::none, kNoDevice};
        }
        return find(destination, ingress) == nullptr ? nowhere(StackCause::no_route)
                                                     : Decision{To::on, StackCause::none, ingress};
    }
    if (m_environment.device_of(destination) != kNoDevice || is_subnet_anycast(destination)) {
        return {To::router, StackCause::none, kNoDevice};
    }
    const Entry* entry = find(destination);
    return entry == nullptr ? nowhere(StackCause::no_route) : Decision{To::on, StackCause::none, entry->device};
}

Decision Routing::decide(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                         DeviceIndex ingress) const {
    return source.family() == Family::ipv4 ? decide_v4(source, destination, protocol, ingress)
                                           : decide_v6(destination, ingress);
}

bool Routing::is_kind(const IpAddress& address, Kind kind, DeviceIndex only) const {
    const bool v4 = address.family() == Family::ipv4;
    switch (kind) {
    case Kind::local: {
        const DeviceIndex holder = m_environment.device_of(address);
        if (holder == kNoDevice) {
            return only == kNoDevice && v4 && is_loopback_network(address.to_v4());
        }
        return only == kNoDevice ||
               std::ranges::contains(m_environment.devices[only].addresses, address, &InterfaceAddress::address);
    }
    case Kind::broadcast:
        return v4 && (address.to_v4() == 0 || address.to_v4() == kAllStations || is_network_broadcast(address, only));
    case Kind::multicast:
        return address.is_multicast();
    }
    std::unreachable();
}

const IpAddress* Routing::masquerade_address(DeviceIndex egress, const IpAddress& destination) const noexcept {
    const Entry* entry = find(destination);
    const IpAddress& next = entry != nullptr && entry->gateway != nullptr ? *entry->gateway : destination;
    const IpAddress* first = nullptr;
    for (const InterfaceAddress& own : m_environment.devices[egress].addresses) {
        if (own.address.family() != Family::ipv4) {
            continue;
        }
        if (own.network().contains(next)) {
            return &own.address;
        }
        first = first == nullptr ? &own.address : first;
    }
    return first;
}

} // namespace sekisho::judge

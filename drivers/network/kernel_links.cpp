// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/network/kernel_links.hpp"

#include <algorithm>
#include <cstring>

#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

namespace sekisho::drivers::network {

namespace {

constexpr std::uint32_t kLowerUp = 1u << 16; // IFF_LOWER_UP is in linux/if.h, which clashes with net/if.h

template <typename Header>
std::optional<Header> header_of(const nlmsghdr* message) {
    if (message->nlmsg_len < NLMSG_LENGTH(sizeof(Header))) {
        return std::nullopt;
    }
    Header header;
    std::memcpy(&header, NLMSG_DATA(message), sizeof header);
    return header;
}

std::optional<MacAddress> mac_in(std::span<const std::uint8_t> bytes) {
    MacAddress mac;
    if (bytes.size() != mac.bytes.size()) {
        return std::nullopt;
    }
    std::copy(bytes.begin(), bytes.end(), mac.bytes.begin());
    return mac;
}

std::optional<IpAddress> address_in(int family, std::span<const std::uint8_t> bytes) {
    if (family == AF_INET && bytes.size() == 4) {
        return IpAddress::from_bytes(Family::ipv4, bytes);
    }
    if (family == AF_INET6 && bytes.size() == 16) {
        return IpAddress::from_bytes(Family::ipv6, bytes);
    }
    return std::nullopt;
}

unsigned char family_of(const IpAddress& address) {
    return address.family() == Family::ipv4 ? AF_INET : AF_INET6;
}

/// Seconds without renewal after which an entry of a guarded bridge ends: longer than two renewals.
constexpr std::uint32_t kAgeingSeconds = 60;
constexpr std::uint32_t kTicksPerSecond = 100; ///< USER_HZ, which the bridge's times are in

std::optional<PortFlags> port_flags_in(const Attributes& attributes) {
    const auto byte_of = [&](int attribute) {
        const auto bytes = attributes.nested_bytes(IFLA_LINKINFO, IFLA_INFO_SLAVE_DATA, attribute);
        return bytes.empty() ? std::nullopt : std::optional(bytes[0] != 0);
    };
    const auto learning = byte_of(IFLA_BRPORT_LEARNING);
    if (!learning) {
        return std::nullopt;
    }
    return PortFlags{byte_of(IFLA_BRPORT_LOCKED).value_or(false), byte_of(IFLA_BRPORT_ISOLATED).value_or(false),
                     *learning};
}

Link link_in(nlmsghdr* message, const ifinfomsg& header) {
    const Attributes attributes(message, sizeof header);
    Link link;
    link.index = header.ifi_index;
    link.name = attributes.text(IFLA_IFNAME);
    link.flags = header.ifi_flags;
    link.carrier = (header.ifi_flags & kLowerUp) != 0;
    link.kind = attributes.nested_text(IFLA_LINKINFO, IFLA_INFO_KIND);
    link.master = static_cast<int>(attributes.number(IFLA_MASTER));
    link.alias = attributes.text(IFLA_IFALIAS);
    link.port = port_flags_in(attributes);
    link.mac = mac_in(attributes.bytes(IFLA_ADDRESS));
    link.permanent_mac = mac_in(attributes.bytes(IFLA_PERM_ADDRESS));
    rtnl_link_stats64 counters{};
    const auto bytes = attributes.bytes(IFLA_STATS64);
    if (!bytes.empty()) { // an older kernel has fewer counters
        std::memcpy(&counters, bytes.data(), std::min(bytes.size(), sizeof counters));
    }
    link.received_bytes = counters.rx_bytes;
    link.sent_bytes = counters.tx_bytes;
    return link;
}

std::optional<LinkAddress> link_address_in(nlmsghdr* message, const ifaddrmsg& header) {
    const Attributes attributes(message, sizeof header);
    // IFA_LOCAL is the own address of a point-to-point link, and of every IPv4 one
    const auto local = address_in(header.ifa_family, attributes.bytes(IFA_LOCAL));
    const auto address = local ? local : address_in(header.ifa_family, attributes.bytes(IFA_ADDRESS));
    if (!address) {
        return std::nullopt;
    }
    return LinkAddress{static_cast<int>(header.ifa_index),
                       {*address, header.ifa_prefixlen},
                       static_cast<std::uint8_t>(attributes.number(IFA_PROTO)),
                       header.ifa_family == AF_INET6 && (header.ifa_flags & IFA_F_DADFAILED) != 0};
}

std::optional<DefaultRoute> default_route_in(nlmsghdr* message, const rtmsg& header) {
    const Attributes attributes(message, sizeof header);
    if (header.rtm_dst_len != 0 || header.rtm_protocol != kOurProtocol || header.rtm_type != RTN_UNICAST ||
        attributes.number(RTA_TABLE) != RT_TABLE_MAIN) {
        return std::nullopt;
    }
    DefaultRoute route;
    route.link = static_cast<int>(attributes.number(RTA_OIF));
    route.metric = attributes.number(RTA_PRIORITY);
    route.on_link = (header.rtm_flags & RTNH_F_ONLINK) != 0;
    if (const auto gateway = address_in(header.rtm_family, attributes.bytes(RTA_GATEWAY))) {
        route.gateway = *gateway;
    } else {
        route.gateway = IpAddress::from_bytes(header.rtm_family == AF_INET ? Family::ipv4 : Family::ipv6,
                                              std::array<std::uint8_t, 16>{});
    }
    return route;
}

Message link_message(int type, int flags, int index) {
    ifinfomsg header{};
    header.ifi_index = index;
    Message message(type, flags);
    message.header(header);
    return message;
}

Message address_message(int type, int flags, const Link& link, const InterfaceAddress& address) {
    ifaddrmsg header{};
    header.ifa_family = family_of(address.address);
    header.ifa_prefixlen = static_cast<unsigned char>(address.length);
    header.ifa_index = static_cast<unsigned>(link.index);
    header.ifa_scope = address.address.is_link_local() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    Message message(type, flags);
    message.header(header);
    message.put_bytes(IFA_LOCAL, address.address.bytes()).put_bytes(IFA_ADDRESS, address.address.bytes());
    return message;
}

Message route_message(int type, int flags, const DefaultRoute& route) {
    rtmsg header{};
    header.rtm_family = family_of(route.gateway);
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = kOurProtocol;
    header.rtm_scope = RT_SCOPE_UNIVERSE;
    header.rtm_type = RTN_UNICAST;
    header.rtm_flags = route.on_link ? RTNH_F_ONLINK : 0;
    Message message(type, flags);
    message.header(header);
    message.put_number(RTA_OIF, static_cast<std::uint32_t>(route.link)).put_number(RTA_PRIORITY, route.metric);
    if (!route.gateway.is_unspecified()) {
        message.put_bytes(RTA_GATEWAY, route.gateway.bytes());
    }
    return message;
}

} // namespace

bool Link::is_up() const noexcept {
    return (flags & IFF_UP) != 0;
}

bool Link::is_loopback() const noexcept {
    return (flags & IFF_LOOPBACK) != 0;
}

Result<std::vector<Link>> KernelLinks::links() {
    std::vector<Link> links;
    TRY(m_connection.dump(
        RTM_GETLINK, AF_UNSPEC, [&] { links.clear(); },
        [&](nlmsghdr* message) {
            if (const auto header = header_of<ifinfomsg>(message)) {
                links.push_back(link_in(message, *header));
            }
        }));
    return links;
}

Result<std::vector<LinkAddress>> KernelLinks::addresses() {
    std::vector<LinkAddress> addresses;
    TRY(m_connection.dump(
        RTM_GETADDR, AF_UNSPEC, [&] { addresses.clear(); },
        [&](nlmsghdr* message) {
            const auto header = header_of<ifaddrmsg>(message);
            if (auto address = header ? link_address_in(message, *header) : std::nullopt) {
                addresses.push_back(*address);
            }
        }));
    return addresses;
}

Result<std::vector<DefaultRoute>> KernelLinks::our_default_routes() {
    std::vector<DefaultRoute> routes;
    for (const int family : {AF_INET, AF_INET6}) {
        const std::size_t before = routes.size();
        TRY(m_connection.dump(
            RTM_GETROUTE, family, [&] { routes.resize(before); },
            [&](nlmsghdr* message) {
                const auto header = header_of<rtmsg>(message);
                if (auto route = header ? default_route_in(message, *header) : std::nullopt) {
                    routes.push_back(*route);
                }
            }));
    }
    return routes;
}

Result<void> KernelLinks::add_bridge(const std::string& name, const MacAddress& mac) {
    Message message = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    message.put_text(IFLA_IFNAME, name).put_bytes(IFLA_ADDRESS, mac.bytes);
    nlattr* information = message.begin(IFLA_LINKINFO);
    message.put_text(IFLA_INFO_KIND, "bridge");
    nlattr* data = message.begin(IFLA_INFO_DATA);
    message.put_number(IFLA_BR_STP_STATE, 0);
    message.end(data);
    message.end(information);
    return m_connection.request(message, name);
}

Result<void> KernelLinks::remove_link(const Link& link) {
    Message message = link_message(RTM_DELLINK, 0, link.index);
    return m_connection.request(message, link.name);
}

Result<void> KernelLinks::set_master(const Link& link, int master) {
    Message message = link_message(RTM_NEWLINK, 0, link.index);
    message.put_number(IFLA_MASTER, static_cast<std::uint32_t>(master));
    return m_connection.request(message, link.name);
}

Result<void> KernelLinks::set_port(const Link& link, const PortFlags& flags) {
    Message message = link_message(RTM_NEWLINK, 0, link.index);
    nlattr* information = message.begin(IFLA_LINKINFO);
    message.put_text(IFLA_INFO_SLAVE_KIND, "bridge");
    nlattr* data = message.begin(IFLA_INFO_SLAVE_DATA);
    message.put_byte(IFLA_BRPORT_LOCKED, flags.is_locked ? 1 : 0);
    message.put_byte(IFLA_BRPORT_ISOLATED, flags.is_isolated ? 1 : 0);
    message.put_byte(IFLA_BRPORT_LEARNING, flags.learns ? 1 : 0);
    for (const int flood : {IFLA_BRPORT_UNICAST_FLOOD, IFLA_BRPORT_MCAST_FLOOD, IFLA_BRPORT_BCAST_FLOOD}) {
        message.put_byte(flood, flags.is_locked ? 0 : 1);
    }
    if (flags.is_locked) {
        message.put_bytes(IFLA_BRPORT_FLUSH, {});
    }
    message.end(data);
    message.end(information);
    return m_connection.request(message, link.name);
}

Result<void> KernelLinks::guard_bridge(const Link& link) {
    constexpr br_boolopt_multi kNoLinkLocalLearning{.optval = 1u << BR_BOOLOPT_NO_LL_LEARN,
                                                    .optmask = 1u << BR_BOOLOPT_NO_LL_LEARN};
    Message message = link_message(RTM_NEWLINK, 0, link.index);
    nlattr* information = message.begin(IFLA_LINKINFO);
    message.put_text(IFLA_INFO_KIND, "bridge");
    nlattr* data = message.begin(IFLA_INFO_DATA);
    message.put_number(IFLA_BR_AGEING_TIME, kAgeingSeconds * kTicksPerSecond);
    message.put_bytes(IFLA_BR_MULTI_BOOLOPT,
                      {reinterpret_cast<const std::uint8_t*>(&kNoLinkLocalLearning), sizeof kNoLinkLocalLearning});
    message.end(data);
    message.end(information);
    return m_connection.request(message, link.name);
}

Result<void> KernelLinks::set_up(const Link& link, bool up) {
    ifinfomsg header{};
    header.ifi_index = link.index;
    header.ifi_flags = up ? IFF_UP : 0;
    header.ifi_change = IFF_UP;
    Message message(RTM_NEWLINK, 0);
    message.header(header);
    return m_connection.request(message, link.name);
}

Result<void> KernelLinks::set_ours(const Link& link, bool ours) {
    Message message = link_message(RTM_NEWLINK, 0, link.index);
    message.put_bytes(IFLA_IFALIAS,
                      {reinterpret_cast<const std::uint8_t*>(kOurAlias), ours ? std::strlen(kOurAlias) : 0});
    return m_connection.request(message, link.name);
}

Result<void> KernelLinks::put_address(const Link& link, const InterfaceAddress& address) {
    Message message = address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, link, address);
    message.put_byte(IFA_PROTO, kOurProtocol);
    if (address.address.family() == Family::ipv4 && address.length < 31) {
        const std::uint32_t host_bits = address.length == 0 ? ~0u : (1u << (32 - address.length)) - 1;
        message.put_bytes(IFA_BROADCAST, IpAddress::v4(address.address.to_v4() | host_bits).bytes());
    }
    return m_connection.request(message, link.name);
}

Result<void> KernelLinks::remove_address(const Link& link, const InterfaceAddress& address) {
    Message message = address_message(RTM_DELADDR, 0, link, address);
    return m_connection.request(message, link.name);
}

Result<void> KernelLinks::add_route(const DefaultRoute& route, const std::string& link_name) {
    Message message = route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
    return m_connection.request(message, link_name);
}

Result<void> KernelLinks::remove_route(const DefaultRoute& route, const std::string& link_name) {
    Message message = route_message(RTM_DELROUTE, 0, route);
    return m_connection.request(message, link_name);
}

} // namespace sekisho::drivers::network

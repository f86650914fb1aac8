// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/network/kernel_links.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <cstring>

#include <linux/fib_rules.h>
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

std::optional<bool> flooding_in(const Attributes& attributes) {
    std::optional<bool> floods;
    for (const int kind : {IFLA_BRPORT_UNICAST_FLOOD, IFLA_BRPORT_MCAST_FLOOD, IFLA_BRPORT_BCAST_FLOOD}) {
        const auto bytes = attributes.nested_bytes(IFLA_LINKINFO, IFLA_INFO_SLAVE_DATA, kind);
        if (bytes.empty() || (floods && *floods != (bytes[0] != 0))) {
            return std::nullopt;
        }
        floods = bytes[0] != 0;
    }
    return floods;
}

BridgeGuard guard_in(const Attributes& attributes) {
    BridgeGuard guard;
    br_boolopt_multi options{};
    const auto bytes = attributes.nested_bytes(IFLA_LINKINFO, IFLA_INFO_DATA, IFLA_BR_MULTI_BOOLOPT);
    std::memcpy(&options, bytes.data(), std::min(bytes.size(), sizeof options));
    guard.learns_from_link_local = (options.optval & (1u << BR_BOOLOPT_NO_LL_LEARN)) == 0;
    std::uint32_t ageing = 0;
    const auto ticks = attributes.nested_bytes(IFLA_LINKINFO, IFLA_INFO_DATA, IFLA_BR_AGEING_TIME);
    std::memcpy(&ageing, ticks.data(), std::min(ticks.size(), sizeof ageing));
    guard.ageing_seconds = ageing / kTicksPerSecond;
    return guard;
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
    link.floods = flooding_in(attributes);
    if (link.is_bridge()) {
        link.guard = guard_in(attributes);
    }
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

std::string table_name(std::uint32_t table) {
    return table == RT_TABLE_LOCAL     ? "local"
           : table == RT_TABLE_MAIN    ? "main"
           : table == RT_TABLE_DEFAULT ? "default"
                                       : text::concat("table ", text::to_text(std::uint64_t{table}));
}

std::string_view family_name(std::uint8_t family) {
    return family == AF_INET ? "IPv4" : "IPv6";
}

std::string prefix_text(std::uint8_t family, std::span<const std::uint8_t> address, std::uint8_t length) {
    const auto parsed = address_in(family, address);
    return parsed ? text::concat(parsed->text(), "/", text::to_text(std::uint64_t{length})) : std::string("default");
}

std::vector<std::uint8_t> payload_of(const nlmsghdr* message) {
    const auto* bytes = static_cast<const std::uint8_t*>(NLMSG_DATA(message));
    return {bytes, bytes + message->nlmsg_len - NLMSG_HDRLEN};
}

std::optional<Routing> foreign_route_in(nlmsghdr* message, const rtmsg& header) {
    if (header.rtm_protocol == RTPROT_KERNEL || header.rtm_protocol == kOurProtocol ||
        (header.rtm_flags & RTM_F_CLONED) != 0 || (header.rtm_family != AF_INET && header.rtm_family != AF_INET6)) {
        return std::nullopt;
    }
    const Attributes attributes(message, sizeof header);
    std::string text =
        text::concat("route to ", prefix_text(header.rtm_family, attributes.bytes(RTA_DST), header.rtm_dst_len), ", ",
                     family_name(header.rtm_family));
    if (const auto gateway = address_in(header.rtm_family, attributes.bytes(RTA_GATEWAY))) {
        text += text::concat(", via ", gateway->text());
    }
    std::array<char, IF_NAMESIZE> name{};
    if (if_indextoname(attributes.number(RTA_OIF), name.data()) != nullptr) {
        text += text::concat(", on ", name.data());
    }
    text += text::concat(", in ", table_name(attributes.number(RTA_TABLE)), ", metric ",
                         text::to_text(std::uint64_t{attributes.number(RTA_PRIORITY)}));
    return Routing{std::move(text), payload_of(message), header.rtm_family};
}

/// The kernel's own ones have a priority and a table and nothing else.
Routing rule_in(nlmsghdr* message, const fib_rule_hdr& header) {
    const Attributes attributes(message, sizeof header);
    std::string text = text::concat(family_name(header.family), " ",
                                    text::to_text(std::uint64_t{attributes.number(FRA_PRIORITY)}), ": ");
    if (header.src_len != 0 || header.dst_len != 0) {
        text += text::concat("from ", prefix_text(header.family, attributes.bytes(FRA_SRC), header.src_len), " to ",
                             prefix_text(header.family, attributes.bytes(FRA_DST), header.dst_len), " ");
    }
    const bool has_more = header.tos != 0 || (header.flags & FIB_RULE_INVERT) != 0 ||
                          attributes.number(FRA_FWMARK) != 0 || !attributes.bytes(FRA_IIFNAME).empty() ||
                          !attributes.bytes(FRA_OIFNAME).empty() || !attributes.bytes(FRA_L3MDEV).empty() ||
                          !attributes.bytes(FRA_UID_RANGE).empty() || !attributes.bytes(FRA_IP_PROTO).empty() ||
                          !attributes.bytes(FRA_SPORT_RANGE).empty() || !attributes.bytes(FRA_DPORT_RANGE).empty();
    text += has_more ? "with conditions " : "";
    text += header.action == FR_ACT_TO_TBL ? table_name(attributes.number(FRA_TABLE))
                                           : text::concat("action ", text::to_text(std::uint64_t{header.action}));
    return {std::move(text), payload_of(message), header.family};
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
    message.put_number(IFLA_BR_AGEING_TIME, kGuarded.ageing_seconds * kTicksPerSecond);
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

Result<std::vector<Routing>> KernelLinks::foreign_routes() {
    std::vector<Routing> routes;
    for (const int family : {AF_INET, AF_INET6}) {
        const std::size_t before = routes.size();
        TRY(m_connection.dump(
            RTM_GETROUTE, family, [&] { routes.resize(before); },
            [&](nlmsghdr* message) {
                const auto header = header_of<rtmsg>(message);
                if (auto route = header ? foreign_route_in(message, *header) : std::nullopt) {
                    routes.push_back(*std::move(route));
                }
            }));
    }
    return routes;
}

Result<std::vector<Routing>> KernelLinks::rules() {
    std::vector<Routing> rules;
    for (const int family : {AF_INET, AF_INET6}) {
        const std::size_t before = rules.size();
        TRY(m_connection.dump(
            RTM_GETRULE, family, [&] { rules.resize(before); },
            [&](nlmsghdr* message) {
                if (const auto header = header_of<fib_rule_hdr>(message); header && header->family == family) {
                    rules.push_back(rule_in(message, *header));
                }
            }));
    }
    return rules;
}

Result<void> KernelLinks::remove_route(const Routing& route) {
    Message message(RTM_DELROUTE, 0);
    message.payload(route.payload);
    return m_connection.request(message, route.text);
}

Result<void> KernelLinks::remove_rule(const Routing& rule) {
    Message message(RTM_DELRULE, 0);
    message.payload(rule.payload);
    return m_connection.request(message, rule.text);
}

Result<void> KernelLinks::add_rule(std::uint8_t family, std::uint32_t priority, std::uint32_t table) {
    fib_rule_hdr header{};
    header.family = family;
    header.action = FR_ACT_TO_TBL;
    header.table = static_cast<std::uint8_t>(table);
    Message message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
    message.header(header).put_number(FRA_PRIORITY, priority).put_number(FRA_TABLE, table);
    message.put_byte(FRA_PROTOCOL, RTPROT_KERNEL);
    return m_connection.request(message, text::concat("routing rule ", text::to_text(std::uint64_t{priority})));
}

} // namespace sekisho::drivers::network

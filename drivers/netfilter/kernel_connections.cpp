// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/kernel_connections.hpp"

#include "policy/ruleset/mark.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace sekisho::drivers {

namespace {

const std::string kPlace = "connection table";
constexpr std::size_t kLongestRequest = 1024; ///< headers, a tuple of two IPv6 addresses and a few numbers

struct OwnAddresses {
    std::map<IpAddress, std::string> devices; ///< of the router's addresses, and of the broadcast ones of its networks
    std::vector<std::pair<IpPrefix, std::string>> networks;

    /// The device whose network has the address, the smallest network first; empty where none has.
    [[nodiscard]] std::string device_to(const IpAddress& address) const {
        const std::pair<IpPrefix, std::string>* nearest = nullptr;
        for (const auto& network : networks) {
            if (network.first.contains(address) &&
                (nearest == nullptr || network.first.length() > nearest->first.length())) {
                nearest = &network;
            }
        }
        return nearest == nullptr ? std::string() : nearest->second;
    }
};

std::optional<IpAddress> to_address(const sockaddr* address) {
    if (address == nullptr) {
        return std::nullopt;
    }
    const auto bytes = [](const auto& field) {
        return std::span(reinterpret_cast<const std::uint8_t*>(&field), sizeof field);
    };
    if (address->sa_family == AF_INET) {
        return IpAddress::from_bytes(Family::ipv4, bytes(reinterpret_cast<const sockaddr_in*>(address)->sin_addr));
    }
    if (address->sa_family == AF_INET6) {
        return IpAddress::from_bytes(Family::ipv6, bytes(reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr));
    }
    return std::nullopt;
}

/// Ones in a netmask.
unsigned length_of(const IpAddress& mask) {
    unsigned length = 0;
    for (const std::uint8_t byte : mask.bytes()) {
        length += static_cast<unsigned>(std::popcount(byte));
    }
    return length;
}

Result<OwnAddresses> own_addresses() {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) {
        return std::unexpected(Error::from_errno(Domain::kernel, kPlace, "list the router's addresses", errno));
    }
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
    OwnAddresses own;
    for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
        if (const auto address = to_address(each->ifa_addr)) {
            own.devices.emplace(*address, each->ifa_name);
            if (const auto mask = to_address(each->ifa_netmask)) {
                own.networks.emplace_back(IpPrefix(*address, length_of(*mask)), each->ifa_name);
            }
        }
        if ((each->ifa_flags & IFF_BROADCAST) == 0) {
            continue;
        }
        if (const auto address = to_address(each->ifa_broadaddr)) {
            own.devices.emplace(*address, each->ifa_name);
        }
    }
    return own;
}

// ---- reading -------------------------------------------------------------------------------------------------------

/// Attributes of one nest by their number; those that are not known here are passed over.
template <std::size_t kSize>
using Attributes = std::array<const nlattr*, kSize>;

template <std::size_t kSize>
int take(const nlattr* attribute, void* data) {
    auto& to = *static_cast<Attributes<kSize>*>(data);
    const std::size_t type = mnl_attr_get_type(attribute);
    if (type < kSize && to[type] == nullptr) {
        to[type] = attribute;
    }
    return MNL_CB_OK;
}

template <std::size_t kSize>
Attributes<kSize> nested(const nlattr* nest) {
    Attributes<kSize> result{};
    if (nest != nullptr) {
        mnl_attr_parse_nested(nest, take<kSize>, &result);
    }
    return result;
}

/// A number that the kernel sends in network order; 0 where it is not there.
template <typename Number>
Number number_of(const nlattr* attribute) {
    if (attribute == nullptr || mnl_attr_get_payload_len(attribute) < sizeof(Number)) {
        return 0;
    }
    if constexpr (sizeof(Number) == 4) {
        return ntohl(mnl_attr_get_u32(attribute));
    } else if constexpr (sizeof(Number) == 2) {
        return ntohs(mnl_attr_get_u16(attribute));
    } else {
        return mnl_attr_get_u8(attribute);
    }
}

std::optional<IpAddress> address_of(const nlattr* v4, const nlattr* v6) {
    const nlattr* attribute = v4 != nullptr ? v4 : v6;
    const Family family = v4 != nullptr ? Family::ipv4 : Family::ipv6;
    if (attribute == nullptr || mnl_attr_get_payload_len(attribute) != bits_of(family) / 8) {
        return std::nullopt;
    }
    return IpAddress::from_bytes(
        family, {static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)), bits_of(family) / 8});
}

/// One direction of a connection.
struct Tuple {
    IpAddress source;
    IpAddress destination;
    std::uint8_t protocol = 0;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t icmp_type = 0;
};

std::optional<Tuple> read_tuple(const nlattr* nest) {
    const auto parts = nested<CTA_TUPLE_MAX + 1>(nest);
    const auto addresses = nested<CTA_IP_MAX + 1>(parts[CTA_TUPLE_IP]);
    const auto protocol = nested<CTA_PROTO_MAX + 1>(parts[CTA_TUPLE_PROTO]);
    const auto source = address_of(addresses[CTA_IP_V4_SRC], addresses[CTA_IP_V6_SRC]);
    const auto destination = address_of(addresses[CTA_IP_V4_DST], addresses[CTA_IP_V6_DST]);
    if (!source || !destination) {
        return std::nullopt;
    }
    const nlattr* icmp_type =
        protocol[CTA_PROTO_ICMP_TYPE] != nullptr ? protocol[CTA_PROTO_ICMP_TYPE] : protocol[CTA_PROTO_ICMPV6_TYPE];
    return Tuple{.source = *source,
                 .destination = *destination,
                 .protocol = number_of<std::uint8_t>(protocol[CTA_PROTO_NUM]),
                 .source_port = number_of<std::uint16_t>(protocol[CTA_PROTO_SRC_PORT]),
                 .destination_port = number_of<std::uint16_t>(protocol[CTA_PROTO_DST_PORT]),
                 .icmp_type = number_of<std::uint8_t>(icmp_type)};
}

void append(std::vector<std::uint8_t>& to, const nlattr* attribute) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(attribute);
    to.insert(to.end(), bytes, bytes + attribute->nla_len);
    to.resize(MNL_ALIGN(to.size()));
}

std::optional<ports::Connection> read_connection(const nlmsghdr* message, const OwnAddresses& own) {
    Attributes<CTA_MAX + 1> attributes{};
    mnl_attr_parse(message, sizeof(nfgenmsg), take<CTA_MAX + 1>, &attributes);
    const auto original = read_tuple(attributes[CTA_TUPLE_ORIG]);
    const auto reply = read_tuple(attributes[CTA_TUPLE_REPLY]);
    if (!original || !reply || attributes[CTA_ID] == nullptr) {
        return std::nullopt;
    }
    ports::Connection connection;
    connection.flow = {.mark = number_of<std::uint32_t>(attributes[CTA_MARK]),
                       .protocol = original->protocol,
                       .source = original->source,
                       .source_port = original->source_port,
                       .destination = original->destination,
                       .destination_port = original->destination_port,
                       .icmp_type = original->icmp_type,
                       .translated = (number_of<std::uint32_t>(attributes[CTA_STATUS]) & IPS_DST_NAT) != 0,
                       .reached = reply->source,
                       .reached_port = reply->source_port,
                       .own_device = {},
                       .egress_device = {}};
    if (const auto device = own.devices.find(connection.flow.reached); device != own.devices.end()) {
        connection.flow.own_device = device->second;
    } else {
        connection.flow.egress_device = own.device_to(connection.flow.reached);
    }
    append(connection.handle, attributes[CTA_TUPLE_ORIG]);
    append(connection.handle, attributes[CTA_ID]);
    return connection;
}

// ---- asking --------------------------------------------------------------------------------------------------------

/// A message to the connection table; `write` adds its attributes.
std::vector<char> make_request(std::uint8_t type, std::uint16_t flags, std::uint8_t family,
                               const std::function<void(nlmsghdr*)>& write) {
    std::vector<char> bytes(kLongestRequest);
    nlmsghdr* message = mnl_nlmsg_put_header(bytes.data());
    message->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
    message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    message->nlmsg_seq = 1;
    auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
    header->nfgen_family = family;
    header->version = NFNETLINK_V0;
    write(message);
    bytes.resize(message->nlmsg_len);
    return bytes;
}

} // namespace

Result<std::unique_ptr<KernelConnections>> KernelConnections::create() {
    auto netlink = TRY(Netlink::open());
    return std::unique_ptr<KernelConnections>(new KernelConnections(std::move(netlink)));
}

Result<std::vector<ports::Connection>>
KernelConnections::find(const std::function<bool(const ruleset::Flow&)>& wanted) {
    const OwnAddresses own = TRY(own_addresses());
    const auto request = make_request(IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC, [](nlmsghdr*) {});
    std::vector<ports::Connection> found;
    TRY(m_netlink.exchange(
        request, kPlace,
        [&](const nlmsghdr* message) {
            auto connection = read_connection(message, own);
            if (connection && ruleset::zone_of_mark(connection->flow.mark) != 0 && wanted(connection->flow)) {
                found.push_back(std::move(*connection));
            }
        },
        [&found] { found.clear(); }));
    return found;
}

Result<bool> KernelConnections::end(const ports::Connection& connection) {
    if (connection.handle.empty()) {
        // a deletion that names nothing is one of everything
        return std::unexpected(Error(Domain::kernel, kPlace, "a connection without its name can't be ended"));
    }
    const std::uint8_t family = connection.flow.source.family() == Family::ipv4 ? AF_INET : AF_INET6;
    const auto request = make_request(IPCTNL_MSG_CT_DELETE, NLM_F_ACK, family, [&connection](nlmsghdr* message) {
        auto* const end = static_cast<std::uint8_t*>(mnl_nlmsg_get_payload_tail(message));
        std::ranges::copy(connection.handle, end);
        message->nlmsg_len += static_cast<std::uint32_t>(connection.handle.size());
    });
    auto ended = m_netlink.exchange(request, kPlace, [](const nlmsghdr*) {}, [] {});
    if (!ended && ended.error().number() == ENOENT) {
        return false;
    }
    TRY(std::move(ended));
    return true;
}

} // namespace sekisho::drivers

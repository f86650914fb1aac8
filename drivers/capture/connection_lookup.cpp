// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/capture/connection_lookup.hpp"

#include "drivers/capture/netlink_message.hpp"
#include "policy/base/bytes.hpp"
#include "policy/packet/packet.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kIcmpId = 4; ///< offset in the ICMP and ICMPv6 headers

/// Type of the message that answers one which opens a connection.
std::optional<std::uint8_t> answer_to(Family family, std::uint8_t type) {
    constexpr std::pair<std::uint8_t, std::uint8_t> kV4[]{{8, 0}, {13, 14}, {15, 16}, {17, 18}};
    constexpr std::pair<std::uint8_t, std::uint8_t> kV6[]{{128, 129}, {139, 140}};
    for (const auto& [request, answer] : kV4) {
        if (family == Family::ipv4 && request == type) {
            return answer;
        }
    }
    for (const auto& [request, answer] : kV6) {
        if (family == Family::ipv6 && request == type) {
            return answer;
        }
    }
    return std::nullopt;
}

/// Writes the protocol part of the answers' tuple; false for packets that open no connection which could be looked up.
bool put_protocol(NetlinkMessage& message, const packet::Headers& headers, std::span<const std::uint8_t> packet) {
    const bool is_icmp = headers.protocol == IPPROTO_ICMP || headers.protocol == IPPROTO_ICMPV6;
    message.put_u8(CTA_PROTO_NUM, headers.protocol);
    if (!is_icmp) {
        message.put_u16(CTA_PROTO_SRC_PORT, headers.destination_port);
        message.put_u16(CTA_PROTO_DST_PORT, headers.source_port);
        return true;
    }
    const auto answer = answer_to(headers.family, headers.icmp_type);
    const std::size_t at = headers.family == Family::ipv4 ? (packet[0] & 0x0fu) * 4u : kIpv6Header;
    if (!answer || packet.size() < at + kIcmpId + 2) {
        return false;
    }
    const bool v4 = headers.family == Family::ipv4;
    message.put_u16(v4 ? CTA_PROTO_ICMP_ID : CTA_PROTO_ICMPV6_ID, bytes::read_be16(packet, at + kIcmpId));
    message.put_u8(v4 ? CTA_PROTO_ICMP_TYPE : CTA_PROTO_ICMPV6_TYPE, *answer);
    message.put_u8(v4 ? CTA_PROTO_ICMP_CODE : CTA_PROTO_ICMPV6_CODE, headers.icmp_code);
    return true;
}

} // namespace

Result<ConnectionLookup> ConnectionLookup::open() {
    const int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
    if (descriptor < 0) {
        return std::unexpected(Error::from_errno(Domain::capture, "connection table", "open a netlink socket", errno));
    }
    return ConnectionLookup(descriptor);
}

ConnectionLookup::ConnectionLookup(ConnectionLookup&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1)),
      m_sequence(other.m_sequence),
      m_buffer(std::move(other.m_buffer)) {}

ConnectionLookup& ConnectionLookup::operator=(ConnectionLookup&& other) noexcept {
    std::swap(m_descriptor, other.m_descriptor);
    std::swap(m_sequence, other.m_sequence);
    std::swap(m_buffer, other.m_buffer);
    return *this;
}

ConnectionLookup::~ConnectionLookup() {
    if (m_descriptor >= 0) {
        close(m_descriptor);
    }
}

std::span<const std::uint8_t> ConnectionLookup::attributes_of(std::span<const std::uint8_t> packet) {
    const auto headers = packet::read_headers(packet);
    if (!headers || headers->later_fragment) {
        return {};
    }
    const bool v4 = headers->family == Family::ipv4;
    NetlinkMessage message(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, 0, ++m_sequence, v4 ? AF_INET : AF_INET6, 0);
    const std::size_t tuple = message.begin_nest(CTA_TUPLE_REPLY);
    const std::size_t addresses = message.begin_nest(CTA_TUPLE_IP);
    message.put(v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, headers->destination.bytes());
    message.put(v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, headers->source.bytes());
    message.end_nest(addresses);
    const std::size_t protocol = message.begin_nest(CTA_TUPLE_PROTO);
    if (!put_protocol(message, *headers, packet)) {
        return {};
    }
    message.end_nest(protocol);
    message.end_nest(tuple);

    const auto request = message.bytes();
    if (send(m_descriptor, request.data(), request.size(), 0) < 0) {
        return {};
    }
    // The answer is there when send() returns; one to an earlier question (lost, then found) is passed over.
    while (true) {
        const ssize_t size = recv(m_descriptor, m_buffer.data(), m_buffer.size(), 0);
        if (size < static_cast<ssize_t>(sizeof(nlmsghdr))) {
            return {};
        }
        nlmsghdr header{};
        std::memcpy(&header, m_buffer.data(), sizeof header);
        if (header.nlmsg_seq != m_sequence) {
            continue;
        }
        constexpr std::size_t kHeaders = NLMSG_HDRLEN + sizeof(nfgenmsg);
        if (header.nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) || header.nlmsg_len < kHeaders ||
            header.nlmsg_len > static_cast<std::size_t>(size)) {
            return {};
        }
        return std::span<const std::uint8_t>(m_buffer).subspan(kHeaders, header.nlmsg_len - kHeaders);
    }
}

} // namespace sekisho::drivers

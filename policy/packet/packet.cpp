// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/packet/packet.hpp"

#include "policy/base/bytes.hpp"

#include <algorithm>

namespace sekisho::packet {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kIpv4FixedSize = 20;
constexpr std::size_t kIpv6FixedSize = 40;

/// IANA protocol numbers.
enum Protocol : std::uint8_t {
    kHopByHop = 0,
    kIcmp = 1,
    kTcp = 6,
    kUdp = 17,
    kRouting = 43,
    kFragment = 44,
    kIcmpv6 = 58,
    kDestinationOptions = 60,
    kSctp = 132,
};

/// Size of the fixed part of a transport header that is read here; 0: none is.
[[nodiscard]] std::size_t fixed_size(std::uint8_t protocol) noexcept {
    switch (protocol) {
    case kTcp:
        return 20;
    case kUdp:
    case kIcmp:
    case kIcmpv6: // every message has eight bytes at least, and connection tracking asks for as many
        return 8;
    case kSctp:
        return 12;
    default:
        return 0;
    }
}

void read_transport(Headers& headers, Bytes rest) noexcept {
    const std::size_t size = fixed_size(headers.protocol);
    if (headers.later_fragment || size == 0 || rest.size() < size) {
        return;
    }
    headers.transport_complete = true;
    if (headers.protocol == kIcmp || headers.protocol == kIcmpv6) {
        headers.icmp_type = rest[0];
        headers.icmp_code = rest[1];
        return;
    }
    headers.source_port = bytes::read_be16(rest, 0);
    headers.destination_port = bytes::read_be16(rest, 2);
    if (headers.protocol == kTcp) {
        headers.tcp_flags = rest[13];
    }
}

/// A length field says where the packet ends: what a link layer padded behind it is not part of it. 0 stands in packets
/// that were joined by segmentation offload.
[[nodiscard]] Bytes cut(Bytes packet, std::size_t length) noexcept {
    return packet.first(std::min(packet.size(), length));
}

[[nodiscard]] std::optional<Headers> read_ipv4(Bytes packet) noexcept {
    if (packet.size() < kIpv4FixedSize) {
        return std::nullopt;
    }
    const std::size_t header_size = (packet[0] & 0x0fU) * 4;
    const std::size_t total = bytes::read_be16(packet, 2);
    if (header_size < kIpv4FixedSize || header_size > packet.size() || (total != 0 && total < header_size)) {
        return std::nullopt;
    }
    const std::uint16_t fragment = bytes::read_be16(packet, 6);
    Headers headers;
    headers.family = Family::ipv4;
    headers.source = IpAddress::from_bytes(Family::ipv4, packet.subspan(12, 4));
    headers.destination = IpAddress::from_bytes(Family::ipv4, packet.subspan(16, 4));
    headers.hop_limit = packet[8];
    headers.protocol = packet[9];
    headers.fragment = (fragment & 0x3fff) != 0; // more fragments, or an offset
    headers.later_fragment = (fragment & 0x1fff) != 0;
    const Bytes whole = total != 0 ? cut(packet, total) : packet;
    headers.transport_at = header_size;
    headers.end = whole.size();
    read_transport(headers, whole.subspan(header_size));
    return headers;
}

[[nodiscard]] bool is_extension(std::uint8_t protocol) noexcept {
    return protocol == kHopByHop || protocol == kRouting || protocol == kFragment || protocol == kDestinationOptions;
}

/// Goes past the extension headers that lie before the transport header, and notes a fragment header. What is behind a
/// later fragment's header is in the first one. Where a header is cut off, its own number is left as the protocol.
/// Every header is eight bytes long at least, so the packet's length bounds the loop.
[[nodiscard]] Bytes skip_extensions(Headers& headers, Bytes rest) noexcept {
    while (is_extension(headers.protocol) && !headers.later_fragment && rest.size() >= 8) {
        std::size_t size = 8;
        if (headers.protocol == kFragment) {
            const std::uint16_t fragment = bytes::read_be16(rest, 2);
            headers.later_fragment = (fragment & 0xfff8) != 0;
            headers.fragment = headers.fragment || headers.later_fragment || (fragment & 1) != 0;
        } else {
            size = (rest[1] + 1U) * 8;
        }
        if (size > rest.size()) {
            break;
        }
        headers.protocol = rest[0];
        rest = rest.subspan(size);
    }
    return rest;
}

[[nodiscard]] std::optional<Headers> read_ipv6(Bytes packet) noexcept {
    if (packet.size() < kIpv6FixedSize) {
        return std::nullopt;
    }
    const std::size_t payload = bytes::read_be16(packet, 4);
    Headers headers;
    headers.family = Family::ipv6;
    headers.source = IpAddress::from_bytes(Family::ipv6, packet.subspan(8, 16));
    headers.destination = IpAddress::from_bytes(Family::ipv6, packet.subspan(24, 16));
    headers.hop_limit = packet[7];
    headers.protocol = packet[6];
    const Bytes whole = payload != 0 ? cut(packet, kIpv6FixedSize + payload) : packet;
    const Bytes rest = skip_extensions(headers, whole.subspan(kIpv6FixedSize));
    headers.transport_at = whole.size() - rest.size();
    headers.end = whole.size();
    read_transport(headers, rest);
    return headers;
}

} // namespace

std::optional<Headers> read_headers(std::span<const std::uint8_t> packet) noexcept {
    if (packet.empty()) {
        return std::nullopt;
    }
    switch (packet[0] >> 4) {
    case 4:
        return read_ipv4(packet);
    case 6:
        return read_ipv6(packet);
    default:
        return std::nullopt;
    }
}

std::size_t size_by_header(std::span<const std::uint8_t> packet) noexcept {
    const bool v4 = packet[0] >> 4 == 4;
    const std::size_t length = bytes::read_be16(packet, v4 ? 2 : 4);
    return length == 0 ? packet.size() : length + (v4 ? 0 : kIpv6FixedSize);
}

} // namespace sekisho::packet

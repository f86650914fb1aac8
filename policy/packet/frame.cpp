// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/packet/frame.hpp"

#include "policy/base/bytes.hpp"

#include <algorithm>
#include <array>

namespace sekisho::packet {

namespace {

using Bytes = std::span<const std::uint8_t>;
using Content = Frame::Content;

// IEEE 802 numbers.
constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kIpv6 = 0x86dd;
constexpr std::uint16_t kTag = 0x8100;
constexpr std::uint16_t kServiceTag = 0x88a8;
constexpr std::uint16_t kOldServiceTag = 0x9100; // before 802.1ad

[[nodiscard]] MacAddress mac_at(Bytes bytes, std::size_t at) noexcept {
    MacAddress address;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), address.bytes.size(), address.bytes.begin());
    return address;
}

/// What stands behind the link layer, by its type.
void set_content(Frame& frame, std::uint16_t ether_type, Bytes rest) noexcept {
    frame.ether_type = ether_type;
    frame.content = ether_type == kIpv4 || ether_type == kIpv6 ? Content::ip : Content::other;
    if (frame.content == Content::ip) {
        frame.packet = rest;
    }
}

/// Type and what it says, past any tags. Each takes four bytes, so the frame's length bounds the loop.
void read_typed(Frame& frame, std::uint16_t ether_type, Bytes rest) noexcept {
    while (ether_type == kTag || ether_type == kServiceTag || ether_type == kOldServiceTag) {
        if (rest.size() < 4) {
            frame.content = Content::cut_off;
            return;
        }
        if (frame.tags++ == 0) {
            frame.vlan = bytes::read_be16(rest, 0) & 0x0fff;
        }
        ether_type = bytes::read_be16(rest, 2);
        rest = rest.subspan(4);
    }
    set_content(frame, ether_type, rest);
}

void read_ethernet(Frame& frame, Bytes bytes) noexcept {
    if (bytes.size() < 14) {
        return;
    }
    frame.destination = mac_at(bytes, 0);
    frame.source = mac_at(bytes, 6);
    if (frame.destination->is_group()) {
        const bool all = std::ranges::all_of(frame.destination->bytes, [](std::uint8_t each) { return each == 0xff; });
        frame.addressed = all ? Addressed::broadcast : Addressed::multicast;
    }
    read_typed(frame, bytes::read_be16(bytes, 12), bytes.subspan(14));
}

/// The packet says itself which family it is.
void read_raw(Frame& frame, Bytes bytes) noexcept {
    if (bytes.empty()) {
        return;
    }
    const unsigned version = bytes[0] >> 4;
    set_content(frame, version == 4 ? kIpv4 : version == 6 ? kIpv6 : std::uint16_t{0}, bytes);
}

/// Address families of the systems that write such files; the number's byte order is the writer's.
void read_family(Frame& frame, Bytes bytes) noexcept {
    if (bytes.size() < 4) {
        return;
    }
    const std::uint32_t big = bytes::read_be32(bytes, 0);
    const std::uint32_t little = __builtin_bswap32(big);
    const std::uint32_t family = std::min(big, little);
    constexpr std::array<std::uint32_t, 4> kIpv6Families{10, 24, 28, 30}; // Linux, NetBSD, FreeBSD, Darwin
    const std::uint16_t type = family == 2                                    ? kIpv4
                               : std::ranges::contains(kIpv6Families, family) ? kIpv6
                                                                              : std::uint16_t{0};
    set_content(frame, type, bytes.subspan(4));
}

/// The kernel's packet types (packet(7)).
[[nodiscard]] Addressed addressed_by(unsigned packet_type) noexcept {
    constexpr std::array<Addressed, 5> kTypes{Addressed::host, Addressed::broadcast, Addressed::multicast,
                                              Addressed::other, Addressed::outgoing};
    return packet_type < kTypes.size() ? kTypes[packet_type] : Addressed::host;
}

void read_cooked(Frame& frame, Bytes bytes) noexcept {
    if (bytes.size() < 16) {
        return;
    }
    frame.addressed = addressed_by(bytes::read_be16(bytes, 0));
    if (bytes::read_be16(bytes, 4) == 6) {
        frame.source = mac_at(bytes, 6);
    }
    read_typed(frame, bytes::read_be16(bytes, 14), bytes.subspan(16));
}

void read_cooked2(Frame& frame, Bytes bytes) noexcept {
    if (bytes.size() < 20) {
        return;
    }
    frame.addressed = addressed_by(bytes[10]);
    if (bytes[11] == 6) {
        frame.source = mac_at(bytes, 12);
    }
    read_typed(frame, bytes::read_be16(bytes, 0), bytes.subspan(20));
}

/// Four bytes, then attributes: length and type in the writer's byte order, padded to four. The packet is one of them.
void read_nflog(Frame& frame, Bytes bytes) noexcept {
    constexpr std::uint16_t kPayload = 9;
    if (bytes.size() < 4) {
        return;
    }
    const std::uint8_t family = bytes[0];
    Bytes rest = bytes.subspan(4);
    while (rest.size() >= 4) {
        std::size_t length = rest[0] | static_cast<std::size_t>(rest[1]) << 8;
        std::size_t type = rest[2] | static_cast<std::size_t>(rest[3]) << 8;
        if (length > rest.size() || length < 4) { // a big-endian writer's
            length = bytes::read_be16(rest, 0);
            type = bytes::read_be16(rest, 2);
        }
        if (length < 4) {
            frame.content = Content::damaged;
            return;
        }
        if (length > rest.size()) {
            return;
        }
        if (type == kPayload) {
            read_raw(frame, rest.subspan(4, length - 4));
            return;
        }
        rest = rest.subspan(std::min(rest.size(), (length + 3) & ~std::size_t{3}));
    }
    frame.content = family == 2 || family == 10 ? Content::cut_off : Content::other;
}

} // namespace

std::string_view name_of(LinkType type) noexcept {
    static constexpr std::array<std::string_view, 7> kNames{"Ethernet",     "raw IP",          "NULL", "LOOP",
                                                            "Linux cooked", "Linux cooked v2", "NFLOG"};
    static_assert(static_cast<std::size_t>(LinkType::nflog) + 1 == kNames.size());
    return kNames[static_cast<std::size_t>(type)];
}

Frame read_frame(LinkType type, std::span<const std::uint8_t> bytes) noexcept {
    Frame frame;
    switch (type) {
    case LinkType::ethernet:
        read_ethernet(frame, bytes);
        break;
    case LinkType::raw:
        read_raw(frame, bytes);
        break;
    case LinkType::null:
    case LinkType::loop:
        read_family(frame, bytes);
        break;
    case LinkType::linux_cooked:
        read_cooked(frame, bytes);
        break;
    case LinkType::linux_cooked2:
        read_cooked2(frame, bytes);
        break;
    case LinkType::nflog:
        read_nflog(frame, bytes);
        break;
    }
    return frame;
}

} // namespace sekisho::packet

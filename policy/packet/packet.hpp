// SPDX-License-Identifier: GPL-2.0-or-later
// Reads the headers of an IP packet: RFC 791, RFC 8200 with extension headers, TCP (RFC 9293), UDP, ICMP, ICMPv6. Bytes
// from outside: every length is checked, and what can't be read is absent, not guessed.
#pragma once

#include "policy/base/address.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sekisho::packet {

struct Headers {
    Family family = Family::ipv4;
    IpAddress source;
    IpAddress destination;
    std::uint8_t hop_limit = 0;
    std::uint8_t protocol = 0; ///< transport protocol after IPv6 extension headers (an authentication header counts as
                               ///< one: the kernel stops there too); that of an extension header where it is cut off
    bool fragment = false;     ///< part of a fragmented packet
    bool later_fragment = false;  ///< fragment offset > 0: no transport header in here
    std::size_t transport_at = 0; ///< where the bytes behind the IP headers begin, counted from the packet's first
    std::size_t end = 0;          ///< where the packet ends by its own length, as far as its bytes are there
    bool transport_complete =
        false; ///< the transport header's fixed part was there; ports, type and flags below mean something only then
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t icmp_type = 0;
    std::uint8_t icmp_code = 0;
    std::uint8_t tcp_flags = 0; ///< FIN 0x01, SYN 0x02, RST 0x04, PSH 0x08, ACK 0x10, URG 0x20, ECE 0x40, CWR 0x80
};

/// Reads a packet that begins with its IP header (no link layer). Nothing where the first header is cut off or its
/// version or header length is wrong.
[[nodiscard]] std::optional<Headers> read_headers(std::span<const std::uint8_t> packet) noexcept;

/// The packet's size by its own length field; what the bytes have where that says nothing (0). `packet` is one that
/// read_headers takes.
[[nodiscard]] std::size_t size_by_header(std::span<const std::uint8_t> packet) noexcept;

} // namespace sekisho::packet

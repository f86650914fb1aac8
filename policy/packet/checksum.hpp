// SPDX-License-Identifier: GPL-2.0-or-later
// The Internet checksum (RFC 1071) over an IP header and over what a packet carries.
#pragma once

#include "policy/packet/packet.hpp"

#include <cstdint>
#include <span>

namespace sekisho::packet {

/// Folded sum of 16-bit words with one's complement arithmetic; bytes that bear a right checksum give 0xffff.
[[nodiscard]] std::uint16_t ones_sum(std::span<const std::uint8_t> bytes, std::uint32_t start = 0) noexcept;

/// Whether the IPv4 header (all of it must be there) bears a right checksum.
[[nodiscard]] bool header_sum_holds(std::span<const std::uint8_t> header) noexcept;

/// Whether everything behind the IP headers, up to the packet's end, bears a right checksum over the pseudo header (RFC
/// 9293, RFC 768, RFC 8200); ICMP over IPv4 has none. `protocol` is the one that the bytes belong to.
[[nodiscard]] bool payload_sum_holds(const Headers& headers, std::uint8_t protocol,
                                     std::span<const std::uint8_t> payload) noexcept;

/// Whether TCP or UDP bears the sum of the pseudo header alone: so it looks where it is captured before the network
/// interface makes the checksum, at its sender or on a virtual link. Right by chance once in 65,536.
[[nodiscard]] bool payload_sum_is_unmade(const Headers& headers, std::span<const std::uint8_t> payload,
                                         std::size_t size) noexcept;

} // namespace sekisho::packet

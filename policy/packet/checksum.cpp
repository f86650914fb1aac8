// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/packet/checksum.hpp"

#include "policy/base/bytes.hpp"

namespace sekisho::packet {

namespace {

constexpr std::uint8_t kIcmp = 1;

[[nodiscard]] std::uint16_t folded(std::uint64_t sum) noexcept {
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(sum);
}

} // namespace

std::uint16_t ones_sum(std::span<const std::uint8_t> bytes, std::uint32_t start) noexcept {
    std::uint64_t sum = start;
    std::size_t at = 0;
    for (; at + 4 <= bytes.size(); at += 4) {
        sum += bytes::read_be32(bytes, at); // two words at once: their carries are folded in at the end
    }
    for (; at + 2 <= bytes.size(); at += 2) {
        sum += bytes::read_be16(bytes, at);
    }
    if (at < bytes.size()) {
        sum += static_cast<std::uint64_t>(bytes[at]) << 8;
    }
    return folded(sum);
}

bool header_sum_holds(std::span<const std::uint8_t> header) noexcept {
    return ones_sum(header) == 0xffff;
}

bool payload_sum_holds(const Headers& headers, std::uint8_t protocol, std::span<const std::uint8_t> payload) noexcept {
    std::uint64_t pseudo = 0;
    if (headers.family == Family::ipv6 || protocol != kIcmp) {
        pseudo = ones_sum(headers.source.bytes());
        pseudo += ones_sum(headers.destination.bytes());
        pseudo += folded(payload.size());
        pseudo += protocol;
    }
    return ones_sum(payload, folded(pseudo)) == 0xffff;
}

} // namespace sekisho::packet

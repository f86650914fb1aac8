// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/packet/checksum.hpp"

#include "policy/base/bytes.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace sekisho::packet {

namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

[[nodiscard]] std::uint16_t folded(std::uint64_t sum) noexcept {
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(sum);
}

[[nodiscard]] std::uint64_t pseudo_sum(const Headers& headers, std::uint8_t protocol, std::size_t size) noexcept {
    return std::uint64_t{ones_sum(headers.source.bytes())} + ones_sum(headers.destination.bytes()) + folded(size) +
           protocol;
}

} // namespace

std::uint16_t ones_sum(std::span<const std::uint8_t> bytes, std::uint32_t start) noexcept {
    // In the machine's own order, many bytes at once: the sum's bytes are then swapped as those of each word were (RFC
    // 1071, 2B), and carries are folded in at the end.
    constexpr std::size_t kStride = 4 * sizeof(std::uint32_t);
    std::array<std::uint64_t, 4> lanes{};
    std::size_t at = 0;
    for (; at + kStride <= bytes.size(); at += kStride) {
        std::array<std::uint32_t, 4> words{};
        std::memcpy(words.data(), bytes.data() + at, kStride);
        for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
            lanes[lane] += words[lane];
        }
    }
    std::array<std::uint32_t, 4> rest{}; // what is not there counts as zero
    std::memcpy(rest.data(), bytes.data() + at, bytes.size() - at);
    std::uint64_t sum = 0;
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
        sum += lanes[lane] + rest[lane];
    }
    std::uint16_t native = folded(sum);
    if constexpr (std::endian::native == std::endian::little) {
        native = std::byteswap(native);
    }
    return folded(std::uint64_t{native} + start);
}

bool header_sum_holds(std::span<const std::uint8_t> header) noexcept {
    return ones_sum(header) == 0xffff;
}

bool payload_sum_holds(const Headers& headers, std::uint8_t protocol, std::span<const std::uint8_t> payload) noexcept {
    std::uint64_t pseudo = 0;
    if (headers.family == Family::ipv6 || protocol != kIcmp) {
        pseudo = pseudo_sum(headers, protocol, payload.size());
    }
    return ones_sum(payload, folded(pseudo)) == 0xffff;
}

bool payload_sum_is_unmade(const Headers& headers, std::span<const std::uint8_t> payload, std::size_t size) noexcept {
    const bool is_tcp = headers.protocol == kTcp;
    const std::size_t at = is_tcp ? 16 : 6;
    if ((!is_tcp && headers.protocol != kUdp) || headers.fragment || payload.size() < at + 2) {
        return false;
    }
    return bytes::read_be16(payload, at) ==
           folded(pseudo_sum(headers, static_cast<std::uint8_t>(headers.protocol), size));
}

} // namespace sekisho::packet

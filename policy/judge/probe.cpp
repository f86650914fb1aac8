// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/probe.hpp"

#include "policy/packet/checksum.hpp"

#include <cstddef>

namespace sekisho::judge {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kSctp = 132;
constexpr std::uint8_t kHopLimit = 64;

void append(Bytes& bytes, std::uint16_t number) {
    bytes.push_back(static_cast<std::uint8_t>(number >> 8));
    bytes.push_back(static_cast<std::uint8_t>(number));
}

void put(Bytes& bytes, std::size_t at, std::uint16_t number) {
    bytes[at] = static_cast<std::uint8_t>(number >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(number);
}

/// With a checksum of 0.
Bytes payload_of(const Probe& probe) {
    constexpr std::uint8_t kEchoV4 = 8;
    constexpr std::uint8_t kEchoV6 = 128;
    Bytes bytes;
    switch (probe.protocol) {
    case kTcp: {
        constexpr std::uint16_t kOpens = 0x5002; // five words of header, SYN
        append(bytes, probe.source_port);
        append(bytes, probe.destination_port);
        bytes.resize(12);
        append(bytes, kOpens);
        append(bytes, 0xffff); // window
        bytes.resize(20);
        break;
    }
    case kUdp:
        append(bytes, probe.source_port);
        append(bytes, probe.destination_port);
        append(bytes, 8); // length
        bytes.resize(8);
        break;
    case kSctp:
        append(bytes, probe.source_port);
        append(bytes, probe.destination_port);
        bytes.resize(12);
        bytes.insert(bytes.end(), {1, 0, 0, 20}); // INIT
        bytes.resize(32);
        break;
    case kIcmp:
    case kIcmpv6:
        bytes.push_back(probe.protocol == kIcmp ? kEchoV4 : kEchoV6);
        bytes.resize(8);
        break;
    default:
        bytes.resize(8);
    }
    return bytes;
}

/// Where the checksum of a payload stands; 0: it has none that is looked at.
std::size_t sum_place(std::uint8_t protocol) {
    switch (protocol) {
    case kTcp:
        return 16;
    case kUdp:
        return 6;
    case kIcmp:
    case kIcmpv6:
        return 2;
    default:
        return 0;
    }
}

std::uint16_t sum_of(const Probe& probe, const Bytes& payload) {
    Bytes pseudo;
    if (probe.protocol != kIcmp) {
        for (const IpAddress& address : {probe.source, probe.destination}) {
            const auto bytes = address.bytes();
            pseudo.insert(pseudo.end(), bytes.begin(), bytes.end());
        }
        append(pseudo, probe.protocol);
        append(pseudo, static_cast<std::uint16_t>(payload.size()));
    }
    pseudo.insert(pseudo.end(), payload.begin(), payload.end());
    return static_cast<std::uint16_t>(~packet::ones_sum(pseudo));
}

Bytes header_of(const Probe& probe, std::size_t payload_size) {
    Bytes bytes;
    if (probe.source.family() == Family::ipv4) {
        constexpr std::size_t kSize = 20;
        bytes = {0x45, 0};
        append(bytes, static_cast<std::uint16_t>(kSize + payload_size));
        bytes.resize(8);
        bytes.push_back(kHopLimit);
        bytes.push_back(probe.protocol);
        bytes.resize(12);
    } else {
        bytes = {0x60, 0, 0, 0};
        append(bytes, static_cast<std::uint16_t>(payload_size));
        bytes.push_back(probe.protocol);
        bytes.push_back(kHopLimit);
    }
    for (const IpAddress& address : {probe.source, probe.destination}) {
        const auto part = address.bytes();
        bytes.insert(bytes.end(), part.begin(), part.end());
    }
    if (probe.source.family() == Family::ipv4) {
        constexpr std::size_t kSum = 10;
        put(bytes, kSum, static_cast<std::uint16_t>(~packet::ones_sum(bytes)));
    }
    return bytes;
}

} // namespace

std::vector<std::uint8_t> first_packet(const Probe& probe) {
    Bytes payload = payload_of(probe);
    if (const std::size_t place = sum_place(probe.protocol); place != 0) {
        std::uint16_t sum = sum_of(probe, payload);
        if (probe.protocol == kUdp && sum == 0) {
            sum = 0xffff; // 0 says that there is none
        }
        put(payload, place, sum);
    }
    Bytes packet = header_of(probe, payload.size());
    packet.insert(packet.end(), payload.begin(), payload.end());
    return packet;
}

} // namespace sekisho::judge

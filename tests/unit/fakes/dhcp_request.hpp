// SPDX-License-Identifier: GPL-2.0-or-later
// A DHCP request as a client sends it, from its IPv4 header on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sekisho::fakes {

inline std::vector<std::uint8_t> dhcp_request(const std::vector<std::uint8_t>& options) {
    constexpr std::size_t kOptions = 20 + 8 + 240;
    std::vector<std::uint8_t> packet(kOptions);
    const std::size_t total = kOptions + options.size();
    packet[0] = 0x45;
    packet[2] = static_cast<std::uint8_t>(total >> 8);
    packet[3] = static_cast<std::uint8_t>(total);
    packet[8] = 64;
    packet[9] = 17;
    packet[21] = 68;
    packet[23] = 67;
    packet[24] = static_cast<std::uint8_t>((total - 20) >> 8);
    packet[25] = static_cast<std::uint8_t>(total - 20);
    packet[28] = 1;
    packet[264] = 0x63;
    packet[265] = 0x82;
    packet[266] = 0x53;
    packet[267] = 0x63;
    packet.insert(packet.end(), options.begin(), options.end());
    return packet;
}

} // namespace sekisho::fakes

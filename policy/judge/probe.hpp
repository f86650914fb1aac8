// SPDX-License-Identifier: GPL-2.0-or-later
// A packet made up, to ask what would become of one like it.
#pragma once

#include "policy/base/address.hpp"

#include <cstdint>
#include <vector>

namespace sekisho::judge {

struct Probe {
    IpAddress source;
    IpAddress destination; ///< of the same family
    std::uint8_t protocol = 6;
    std::uint16_t source_port = 0;      ///< TCP, UDP and SCTP only
    std::uint16_t destination_port = 0; ///< likewise
};

/// The first packet of such a connection: a TCP segment that opens one, a datagram, an echo request; of other protocols
/// a packet with eight bytes. Whole, from its IP header on, with right lengths and checksums.
[[nodiscard]] std::vector<std::uint8_t> first_packet(const Probe& probe);

} // namespace sekisho::judge

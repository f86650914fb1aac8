// SPDX-License-Identifier: GPL-2.0-or-later
// Packets as bytes, for what no socket sends.
#pragma once

#include "tests/netns/drivers/sandbox.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace sekisho::test {

/// A TCP header without options and without a checksum that anybody would take for right.
[[nodiscard]] std::vector<std::uint8_t> tcp_segment(std::uint16_t from, std::uint16_t to, std::uint8_t flags);

/// A packet of TCP of the addresses' family.
[[nodiscard]] std::vector<std::uint8_t> ip_packet(std::string_view from, std::string_view to,
                                                  const std::vector<std::uint8_t>& segment);

/// The same in two fragments, the first with 16 bytes of the segment.
[[nodiscard]] std::vector<std::vector<std::uint8_t>> in_pieces(const std::vector<std::uint8_t>& packet);

/// Hands it to the host's network layer as it is.
void send_raw(const Sandbox& sandbox, Host host, const std::vector<std::uint8_t>& packet);

} // namespace sekisho::test

// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel's connection tracking makes of a TCP segment (Linux 6.12 to 6.18): states, windows, time-outs.
#pragma once

#include "policy/judge/environment.hpp"
#include "policy/judge/flow_table.hpp"
#include "policy/judge/segment.hpp"

namespace sekisho::judge {

enum class Tracked : std::uint8_t {
    accepted,
    invalid, ///< belongs to no connection, or contradicts it
    again,   ///< the connection is over and this segment begins another one
};

/// What is read of a segment.
struct TcpSegment {
    std::uint32_t sequence = 0;
    std::uint32_t acked = 0;
    std::uint32_t end = 0; ///< behind its last byte; SYN and FIN count as one
    std::uint16_t window = 0;
    std::uint8_t flags = 0;
    std::span<const std::uint8_t> options;
};

/// Nothing where the header is cut off or lies about its length.
[[nodiscard]] std::optional<TcpSegment> read_tcp(std::span<const std::uint8_t> transport, std::size_t size) noexcept;

/// Whether the flags can stand together; ECE, CWR and PSH always can.
[[nodiscard]] bool flags_fit(std::uint8_t flags) noexcept;

/// Takes the segment into account. `flow` that is not confirmed gets its first state from it; `loose`: also from one in
/// the middle of a connection.
[[nodiscard]] Tracked track_tcp(Flow& flow, Way way, const TcpSegment& segment, bool loose, Time now);

} // namespace sekisho::judge

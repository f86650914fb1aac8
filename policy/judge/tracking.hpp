// SPDX-License-Identifier: GPL-2.0-or-later
// Which connection a packet belongs to, as the kernel's connection tracking tells (Linux 6.12 to 6.18, no helpers).
#pragma once

#include "policy/judge/flow_table.hpp"
#include "policy/judge/segment.hpp"

namespace sekisho::judge {

enum class State : std::uint8_t {
    invalid,
    fresh, ///< "new"
    established,
    related,   ///< an ICMP error about a connection
    untracked, ///< neighbour discovery
};
[[nodiscard]] std::string_view name_of(State state) noexcept;

struct TrackSettings {
    bool checks_sums = true;
    bool loose = false;
};

struct Tracking {
    State state = State::invalid;
    Flow* flow = nullptr; ///< in the table, or `pending`; none where invalid or untracked
    Way way = Way::original;
    bool is_error = false; ///< ICMP: the flow's addresses are those of the packet that it quotes
};

/// What a packet shows of its connection; nothing where it can't have one.
[[nodiscard]] std::optional<Tuple> tuple_of(const Segment& segment, const Transport& transport) noexcept;
/// The tuple of answers; nothing where there can't be any.
[[nodiscard]] std::optional<Tuple> answer_to(const Tuple& tuple) noexcept;

/// Finds the packet's connection and takes the packet into account. A connection that is not in the table yet is put
/// into `pending`: whoever lets the packet pass adds it. `tuple` is the packet's own, or what it would be before
/// translation.
[[nodiscard]] Tracking track(FlowTable& table, const Segment& segment, const Transport& transport, const Tuple& tuple,
                             TrackSettings settings, Time now, Flow& pending);

/// What ICMP says before it is looked up: an error about a connection, neighbour discovery, or nonsense. Nothing: look
/// it up like any other packet.
[[nodiscard]] std::optional<Tracking> track_icmp(FlowTable& table, const Segment& segment, const Transport& transport,
                                                 TrackSettings settings, Time now);

} // namespace sekisho::judge

// SPDX-License-Identifier: GPL-2.0-or-later
// The bits of the connection mark. They say of a live flow where it came from: through which zone it entered and which
// rule admitted it. Set when a new connection is accepted; they stay with the flow across applies, so both numbers
// derive from names and not from positions.
//
//   bit 31       recorded: the connection is in the access log, or was admitted by a rule that does not ask for it
//   bits 24..30  zone number (1 = wan, 2 = router, others 3..127)
//   bits 0..23   rule number: the first 24 bits of the SHA-256 of the rule's id, never 0; of two ids that meet there,
//   the
//                later in the alphabet takes another number (Rule::number has it)
//
// And those of the packet mark, which says what its sender was admitted as (port access). A packet gets it where it
// comes in through a port, from the port and its MAC address; one that comes in elsewhere has none.
//
//   bits 0..15   role number: the first 16 bits of the SHA-256 of the role's name, never 0 or 0xffff; of two that meet
//                there, the later in the alphabet takes another number. 0xffff: an open port, which asks for no proof
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace sekisho::ruleset {

inline constexpr std::uint32_t kMarkRecorded = 0x8000'0000;
inline constexpr std::uint32_t kMarkZoneMask = 0x7f00'0000;
inline constexpr unsigned kMarkZoneShift = 24;
inline constexpr std::uint32_t kMarkRuleMask = 0x00ff'ffff;

inline constexpr std::uint8_t kWanZoneNumber = 1;
inline constexpr std::uint8_t kRouterZoneNumber = 2;
inline constexpr std::uint8_t kFirstFreeZoneNumber = 3;
inline constexpr std::uint8_t kLastZoneNumber = 127;

[[nodiscard]] constexpr std::uint32_t make_mark(std::uint8_t zone, std::uint32_t rule) noexcept {
    return (static_cast<std::uint32_t>(zone) << kMarkZoneShift & kMarkZoneMask) | (rule & kMarkRuleMask);
}

[[nodiscard]] constexpr std::uint8_t zone_of_mark(std::uint32_t mark) noexcept {
    return static_cast<std::uint8_t>((mark & kMarkZoneMask) >> kMarkZoneShift);
}

[[nodiscard]] constexpr std::uint32_t rule_of_mark(std::uint32_t mark) noexcept {
    return mark & kMarkRuleMask;
}

inline constexpr std::uint32_t kOpenPort = 0xffff;

/// The numbers of roles, by their names.
[[nodiscard]] std::map<std::string, std::uint32_t, std::less<>> role_numbers(std::span<const std::string> names);

/// The rule number that an id gets where no other has it.
[[nodiscard]] std::uint32_t rule_number(std::string_view id) noexcept;

} // namespace sekisho::ruleset

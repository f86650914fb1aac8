// SPDX-License-Identifier: GPL-2.0-or-later
// The value types of the schema: reading one from text, and what to say of it.
#pragma once

#include "policy/base/error.hpp"
#include "policy/config/refusal.hpp"
#include "policy/config/schema.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::config {

/// The canonical spelling of a value of this parameter, or why it is none.
[[nodiscard]] Canonical canonical(const Parameter& parameter, std::string_view text);

/// What the parameter takes, for people: "port or range of ports, as 443 or 8000-8010".
[[nodiscard]] std::string describe(const Parameter& parameter);

/// How a statement of the parameter is written: "port VALUE;".
[[nodiscard]] std::string form_of(const Parameter& parameter);

/// Words of a choice.
[[nodiscard]] std::vector<std::string_view> choices_of(const Parameter& parameter);

struct PortNumbers {
    std::uint16_t first = 0;
    std::uint16_t last = 0; ///< included
};

/// "443" or "8000-8010", within 1 to 65535.
[[nodiscard]] Result<PortNumbers> parse_ports(std::string_view text);

/// Bytes: "65536", "64K", "4M", "1G" (powers of 1024).
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// A time zone without daylight saving time: dates in a configuration are days there, by this fixed offset.
struct TimeZone {
    std::string_view name;
    int offset_minutes; ///< east of UTC
};

[[nodiscard]] std::span<const TimeZone> time_zones() noexcept;
[[nodiscard]] std::optional<int> find_time_zone(std::string_view name) noexcept;

} // namespace sekisho::config

// SPDX-License-Identifier: GPL-2.0-or-later
// The access log as people read it.
#pragma once

#include "policy/base/table.hpp"
#include "policy/events/event.hpp"

#include <span>

namespace sekisho::services {

/// One row per event, times shown with the offset.
[[nodiscard]] Table log_table(std::span<const events::Event> events, int utc_offset_minutes);

/// One row per source address, verdict, rule and reason of the connection events, with counts; denied sources first,
/// then by address.
[[nodiscard]] Table log_by_source(std::span<const events::Event> events);

} // namespace sekisho::services

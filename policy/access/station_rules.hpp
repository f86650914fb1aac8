// SPDX-License-Identifier: GPL-2.0-or-later
// Which MAC addresses are no device's, whatever anybody proves. An entry for one of the router's own in a bridge's
// table would take the router away from the whole LAN; one for a group address would be everybody's.
#pragma once

#include "policy/access/event.hpp"

#include <optional>
#include <span>

namespace sekisho::access {

/// `reserved_address` or `own_address`; nothing where a device may have it.
[[nodiscard]] std::optional<Cause> why_no_device(const MacAddress& mac, std::span<const MacAddress> own) noexcept;

} // namespace sekisho::access

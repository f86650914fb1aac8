// SPDX-License-Identifier: GPL-2.0-or-later
// What dnsmasq wrote into its file of leases.
#pragma once

#include "firmware/ports/station_filter.hpp"

#include <string_view>
#include <vector>

namespace sekisho::services {

using AddressLease = ports::StationFilter::AddressLease;

/// The leases of dnsmasq's file, sorted. Lines that are not whole, not of Ethernet or not of IPv4 are passed over: a
/// file that is being written may end anywhere. It drops expired ones itself, by its own clock.
[[nodiscard]] std::vector<AddressLease> read_leases(std::string_view text);

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// What the WAN hands out is judged before it is taken: a lease that overlaps an inside network would let the outside
// speak for the inside.
#pragma once

#include "firmware/ports/network.hpp"
#include "policy/model/model.hpp"

#include <span>
#include <string>
#include <vector>

namespace sekisho::services {

/// A DHCP lease as the client reports it, all texts from outside.
struct LeaseReport {
    std::string event; ///< "bound", "renew", "deconfig", "leasefail", "nak"
    std::string interface;
    std::string address;
    std::string mask;
    std::string router;
    std::string name_servers; ///< separated by spaces
};

struct Lease {
    ports::LeasedAddress leased;
    std::vector<IpAddress> name_servers;
};

/// Reads "key=value" words of the lease client's report; unknown keys and words without '=' are refused.
[[nodiscard]] Result<LeaseReport> parse_lease_report(std::span<const std::string> words);

/// Checks a lease against the model: the interface has a DHCP client; address and mask (/8 or longer) are a host
/// address on a network; that network overlaps no inside network; the router is another host address on it. The error
/// names both networks. Of several routers the first counts; only a default route is ever taken.
[[nodiscard]] Result<Lease> check_lease(const LeaseReport& report, const model::Model& model);

} // namespace sekisho::services

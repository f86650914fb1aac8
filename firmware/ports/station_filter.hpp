// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/enforcement.hpp"
#include "policy/access/event.hpp"
#include "policy/ruleset/station_filter.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sekisho::ports {

/// The second layer of port access: frames of guarded ports get the mark of their sender's role where they come in, and
/// what has none ends there.
class StationFilter {
public:
    virtual ~StationFilter() = default;

    /// Puts the rules in force for the ports that are there; leases stay as they are. On an error the former rules
    /// stay.
    virtual Result<void> install(const ruleset::StationFilter& filter) = 0;
    /// The same in place of whatever there is, leases included: they are to be put again.
    virtual Result<void> install_anew(const ruleset::StationFilter& filter) = 0;

    /// What the kernel has beside what it had right after the last install(): chains with their hooks and rules, sets
    /// that are no leases.
    virtual Result<Comparisons> compare() = 0;

    struct Lease {
        access::Station station;
        std::uint32_t role = 0; ///< number (mark.hpp)
    };

    /// Gives stations their roles, in place of others that they had, and opens their ports outwards, for
    /// ruleset::kRoleLeaseSeconds from now on.
    virtual Result<void> put(std::span<const Lease> leases) = 0;
    /// Those with a role that have sent something since they were given it last.
    virtual Result<std::vector<access::Station>> heard() = 0;
    virtual Result<void> remove(const access::Station& station) = 0;
    /// Nothing goes out to the port any more.
    virtual Result<void> close(const std::string& port) = 0;

    /// An address that the router's own DHCP server gave to a device.
    struct AddressLease {
        MacAddress mac;
        IpAddress address;
        friend auto operator<=>(const AddressLease&, const AddressLease&) = default;
    };

    /// Binds addresses to devices, for ruleset::kRoleLeaseSeconds from now on. Nothing to do where no port is there.
    virtual Result<void> bind(std::span<const AddressLease> leases) = 0;
    virtual Result<void> release(std::span<const AddressLease> leases) = 0;
};

} // namespace sekisho::ports

// SPDX-License-Identifier: GPL-2.0-or-later
// Bridges' tables and the filter on their ports, in memory.
#pragma once

#include "firmware/ports/station_filter.hpp"
#include "firmware/ports/station_table.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::fakes {

class FakeStationTable final : public ports::StationTable {
public:
    Result<void> admit(const access::Station& station) override {
        if (refuse) {
            return std::unexpected(Error(Domain::network, station.port, "no such device"));
        }
        leases.insert(station);
        return {};
    }

    Result<std::vector<access::Station>> renew(std::span<const access::Station> stations) override {
        ++renewals;
        std::vector<access::Station> gone;
        std::ranges::copy_if(stations, std::back_inserter(gone),
                             [&](const access::Station& station) { return !leases.contains(station); });
        return gone;
    }

    Result<void> expel(const access::Station& station) override {
        leases.erase(station);
        return {};
    }

    Result<std::vector<access::Station>> stations() override {
        return std::vector<access::Station>(leases.begin(), leases.end());
    }

    Result<void> set_flooding(const std::string& port, bool on) override {
        flooding[port] = on;
        return {};
    }

    Result<std::vector<OwnLink>> links() override { return there; }

    Result<void> watch_links(std::function<void(const ports::LinkEvent&)> callback) override {
        on_event = std::move(callback);
        return {};
    }

    std::set<access::Station> leases;
    std::map<std::string, bool> flooding;
    std::vector<OwnLink> there;
    std::function<void(const ports::LinkEvent&)> on_event;
    int renewals = 0;
    bool refuse = false;
};

class FakeStationFilter final : public ports::StationFilter {
public:
    Result<void> install(const ruleset::StationFilter& filter) override {
        if (refuse) {
            return std::unexpected(Error(Domain::kernel, "nft", "no such device"));
        }
        ++installs;
        in_force = filter;
        return {};
    }

    Result<void> install_anew(const ruleset::StationFilter& filter) override {
        TRY(install(filter));
        roles.clear();
        lively.clear();
        bound.clear();
        for (ports::Comparison& each : found) {
            each.found = each.expected;
        }
        return {};
    }

    Result<ports::Comparisons> compare() override { return found; }

    Result<void> put(std::span<const Lease> leases) override {
        if (refuse) {
            return std::unexpected(Error(Domain::kernel, "roles", "no buffer space"));
        }
        for (const Lease& lease : leases) {
            roles[lease.station] = lease.role;
            lively.insert(lease.station.port);
            sent.erase(lease.station);
        }
        return {};
    }

    Result<std::vector<access::Station>> heard() override {
        if (refuse) {
            return std::unexpected(Error(Domain::kernel, "roles", "no buffer space"));
        }
        return std::vector<access::Station>(sent.begin(), sent.end());
    }

    Result<void> remove(const access::Station& station) override {
        roles.erase(station);
        return {};
    }

    Result<void> close(const std::string& port) override {
        lively.erase(port);
        return {};
    }

    Result<void> bind(std::span<const AddressLease> leases) override {
        if (refuse) {
            return std::unexpected(Error(Domain::kernel, "leased4", "no buffer space"));
        }
        ++bindings;
        bound.insert(leases.begin(), leases.end());
        return {};
    }

    Result<void> release(std::span<const AddressLease> leases) override {
        for (const AddressLease& lease : leases) {
            bound.erase(lease);
        }
        return {};
    }

    ports::Comparisons found; ///< by compare()
    std::set<AddressLease> bound;
    int bindings = 0;
    std::set<std::string> lively;
    ruleset::StationFilter in_force;
    std::map<access::Station, std::uint32_t> roles;
    std::set<access::Station> sent; ///< something, since its lease was put
    int installs = 0;
    bool refuse = false;
};

} // namespace sekisho::fakes

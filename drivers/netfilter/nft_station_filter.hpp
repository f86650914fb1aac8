// SPDX-License-Identifier: GPL-2.0-or-later
// The table of station_filter.hpp in the kernel: its rules by libnftables in a child process, its leases over netlink.
#pragma once

#include "drivers/netfilter/netlink.hpp"
#include "drivers/netfilter/nft_record.hpp"
#include "firmware/ports/station_filter.hpp"

#include <memory>
#include <optional>

namespace sekisho::drivers {

class NftStationFilter final : public ports::StationFilter {
public:
    /// Works on the network namespace of the calling thread.
    static Result<std::unique_ptr<NftStationFilter>> create();

    Result<void> install(const ruleset::StationFilter& filter) override;
    Result<void> install_anew(const ruleset::StationFilter& filter) override;
    Result<ports::Comparisons> compare() override;
    Result<void> put(std::span<const Lease> leases) override;
    Result<std::vector<access::Station>> heard() override;
    Result<void> remove(const access::Station& station) override;
    Result<void> close(const std::string& port) override;
    Result<void> bind(std::span<const AddressLease> leases) override;
    Result<void> release(std::span<const AddressLease> leases) override;

private:
    explicit NftStationFilter(Netlink netlink) : m_netlink(std::move(netlink)) {}

    Result<void> run_and_record(const std::string& text, const ruleset::StationFilter& filter);

    Netlink m_netlink;
    std::optional<TableRecord> m_record; ///< right after the last install()
};

} // namespace sekisho::drivers

// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's nf_tables as the port PacketFilter: rules by libnftables in a child process, set elements by libnftnl.
// See NOTES.md.
#pragma once

#include "firmware/ports/packet_filter.hpp"

#include <memory>

namespace sekisho::drivers {

class NftPacketFilter final : public ports::PacketFilter {
public:
    /// Works on the network namespace of the calling thread. Fails without nf_tables in the kernel or without
    /// CAP_NET_ADMIN.
    static Result<std::unique_ptr<NftPacketFilter>> create();
    ~NftPacketFilter() override;

    Result<ports::FilterReport> apply(const ruleset::Ruleset& ruleset, Time now) override;
    Result<std::uint32_t> generation() override;
    Result<ports::Comparisons> compare(const ruleset::Ruleset& ruleset, Time now) override;
    Result<void> restore(const ruleset::Ruleset& ruleset, Time now) override;
    Result<bool> is_loaded() override;
    Result<std::size_t> remove_unreferenced_sets() override;
    Result<std::vector<ports::CounterReading>> counters() override;
    Result<ports::EarlyDrop> install_early_drop(const ruleset::Ruleset& ruleset) override;
    Result<ports::EarlyDrop> early_drop() override;

private:
    struct Implementation;
    explicit NftPacketFilter(std::unique_ptr<Implementation> implementation);
    std::unique_ptr<Implementation> m_implementation;
};

} // namespace sekisho::drivers

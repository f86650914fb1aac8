// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/netfilter/netlink.hpp"
#include "firmware/ports/enforcement.hpp"

#include <memory>

namespace sekisho::drivers {

/// Tables of nf_tables that are not ours and whose rules translate, redirect or change packets, take them away from
/// connection tracking, hand them to programs or give them marks, and flowtables of any table. An accept of theirs
/// needs no look: it does not override a drop of ours.
class NftBypasses final : public ports::Bypasses {
public:
    /// Works on the network namespace of the calling thread.
    static Result<std::unique_ptr<NftBypasses>> create();

    Result<ports::Comparisons> compare() override;
    /// Deletes the tables, and flowtables that stand in ours.
    Result<void> remove() override;

private:
    explicit NftBypasses(Netlink netlink) : m_netlink(std::move(netlink)) {}

    Netlink m_netlink;
};

} // namespace sekisho::drivers

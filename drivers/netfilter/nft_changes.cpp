// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/nft_changes.hpp"

#include <linux/netfilter/nfnetlink.h>

namespace sekisho::drivers {

namespace {

constexpr std::uint64_t kJoinMilliseconds = 100;

} // namespace

Result<void> NftChanges::watch(std::function<void()> on_change) {
    m_watch.reset();
    m_netlink = TRY(Netlink::open());
    TRY(m_netlink->subscribe(NFNLGRP_NFTABLES));
    m_on_change = std::move(on_change);
    m_is_joining = false;
    m_join = m_loop.make_timer([this] {
        m_is_joining = false;
        m_on_change();
    });
    m_watch = m_loop.watch_readable(m_netlink->descriptor(), [this] {
        m_netlink->drain(); // what changed is looked at anyway, and what was lost was a change as well
        if (!m_is_joining) {
            m_is_joining = true;
            m_join->start_once(kJoinMilliseconds);
        }
    });
    if (m_watch == nullptr) {
        return std::unexpected(Error(Domain::kernel, "nf_tables", "changes can't be watched"));
    }
    return {};
}

} // namespace sekisho::drivers

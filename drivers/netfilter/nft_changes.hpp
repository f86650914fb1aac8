// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/netfilter/netlink.hpp"
#include "drivers/system/event_loop.hpp"
#include "firmware/ports/enforcement.hpp"

#include <memory>
#include <optional>

namespace sekisho::drivers {

/// nf_tables' own notifications, in the network namespace in which it is called.
class NftChanges final : public ports::FilterChanges {
public:
    /// The loop must outlive it.
    explicit NftChanges(UvEventLoop& loop) : m_loop(loop) {}

    /// Changes within 100 ms are one call.
    Result<void> watch(std::function<void()> on_change) override;

private:
    UvEventLoop& m_loop;
    std::function<void()> m_on_change;
    std::optional<Netlink> m_netlink;
    std::unique_ptr<ports::Timer> m_join;
    std::unique_ptr<Watch> m_watch;
    bool m_is_joining = false;
};

} // namespace sekisho::drivers

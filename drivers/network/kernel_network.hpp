// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/network/netlink.hpp"
#include "drivers/system/event_loop.hpp"
#include "firmware/ports/network.hpp"

#include <optional>

namespace sekisho::drivers {

/// Links, addresses and routes of the network namespace in which it is called. What it made is marked in the kernel
/// (links by their alias, addresses and routes by their protocol number), so a daemon that starts anew knows what is
/// its to take away.
class KernelNetwork final : public ports::Network {
public:
    /// The loop outlives this.
    explicit KernelNetwork(UvEventLoop& loop) : m_loop(loop) {}

    /// A default route of a lease has metric
    /// 200, a configured one 100.
    Result<std::vector<std::string>> configure(const ports::NetworkPlan& plan) override;
    /// Needs connection tracking in the kernel (a loaded ruleset brings it) to switch on.
    Result<void> set_forwarding(bool on) override;
    Result<ports::Comparisons> compare(const ports::NetworkPlan& plan) override;
    Result<void> remove_foreign(const ports::NetworkPlan& plan) override;
    Result<std::vector<ports::LinkStatus>> links() override;
    /// Changes within 100 ms are one call.
    Result<void> watch(std::function<void()> on_change) override;

private:
    UvEventLoop& m_loop;
    std::optional<network::Connection> m_changes;
    std::unique_ptr<ports::Timer> m_join;
    std::unique_ptr<Watch> m_watch;
    bool m_is_joining = false;
};

} // namespace sekisho::drivers

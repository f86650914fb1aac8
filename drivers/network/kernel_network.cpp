// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/network/kernel_network.hpp"

#include "drivers/network/kernel_links.hpp"
#include "drivers/network/kernel_settings.hpp"
#include "drivers/network/reconciler.hpp"

#include <algorithm>
#include <array>

#include <linux/rtnetlink.h>

namespace sekisho::drivers {

namespace {

constexpr std::uint64_t kJoinMilliseconds = 100;

} // namespace

Result<std::vector<std::string>> KernelNetwork::configure(const ports::NetworkPlan& plan) {
    network::Connection connection = TRY(network::Connection::open());
    network::KernelLinks kernel(connection);
    return network::Reconciler(kernel, plan).run();
}

Result<void> KernelNetwork::set_forwarding(bool on) {
    return network::set_forwarding(on);
}

Result<ports::Comparisons> KernelNetwork::compare(const ports::NetworkPlan& plan) {
    network::Connection connection = TRY(network::Connection::open());
    network::KernelLinks kernel(connection);
    return network::Reconciler(kernel, plan).compare();
}

Result<void> KernelNetwork::remove_foreign(const ports::NetworkPlan& plan) {
    network::Connection connection = TRY(network::Connection::open());
    network::KernelLinks kernel(connection);
    return network::Reconciler(kernel, plan).remove_foreign();
}

Result<std::vector<ports::LinkStatus>> KernelNetwork::links() {
    network::Connection connection = TRY(network::Connection::open());
    network::KernelLinks kernel(connection);
    const auto links = TRY(kernel.links());
    const auto addresses = TRY(kernel.addresses());
    std::vector<ports::LinkStatus> result;
    for (const auto& link : links) {
        ports::LinkStatus status;
        status.name = link.name;
        status.index = static_cast<unsigned>(link.index);
        status.up = link.is_up();
        status.carrier = link.carrier;
        status.is_bridge = link.is_bridge();
        status.mac = link.mac;
        status.received_bytes = link.received_bytes;
        status.sent_bytes = link.sent_bytes;
        const auto master = std::find_if(links.begin(), links.end(),
                                         [&](const network::Link& other) { return other.index == link.master; });
        if (link.master != 0 && master != links.end()) {
            status.bridge = master->name;
        }
        for (const auto& address : addresses) {
            if (address.link == link.index) {
                status.addresses.push_back(address.address);
                status.has_duplicate = status.has_duplicate || address.is_duplicate;
            }
        }
        result.push_back(std::move(status));
    }
    return result;
}

Result<void> KernelNetwork::watch(std::function<void()> on_change) {
    static constexpr std::array<int, 10> kGroups{
        RTNLGRP_LINK,      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,  RTNLGRP_IPV4_ROUTE,   RTNLGRP_IPV6_ROUTE,
        RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,   RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF, RTNLGRP_TC};
    m_watch.reset();
    network::Connection changes = TRY(network::Connection::open());
    TRY(changes.subscribe(kGroups));
    m_changes.emplace(std::move(changes));
    m_is_joining = false;
    m_join = m_loop.make_timer([this, callback = std::move(on_change)] {
        m_is_joining = false;
        callback();
    });
    m_watch = m_loop.watch_readable(m_changes->descriptor(), [this] {
        if (m_changes->drain() && !m_is_joining) {
            m_is_joining = true; // not started anew by what follows: changes without end are still told of
            m_join->start_once(kJoinMilliseconds);
        }
    });
    if (m_watch == nullptr) {
        return std::unexpected(Error(Domain::network, "netlink", "changes can't be watched"));
    }
    return {};
}

} // namespace sekisho::drivers

// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's connection table (ctnetlink) as the port Connections.
#pragma once

#include "drivers/netfilter/netlink.hpp"
#include "firmware/ports/connections.hpp"

#include <memory>

namespace sekisho::drivers {

class KernelConnections final : public ports::Connections {
public:
    /// Works on the network namespace of the calling thread.
    static Result<std::unique_ptr<KernelConnections>> create();

    Result<std::vector<ports::Connection>> find(const std::function<bool(const ruleset::Flow&)>& wanted) override;
    Result<bool> end(const ports::Connection& connection) override;

private:
    explicit KernelConnections(Netlink netlink) : m_netlink(std::move(netlink)) {}

    Netlink m_netlink;
};

} // namespace sekisho::drivers

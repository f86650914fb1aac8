// SPDX-License-Identifier: GPL-2.0-or-later
// The sets of cut connections in the packet filter's table, by netlink.
#pragma once

#include "drivers/netfilter/netlink.hpp"
#include "firmware/ports/cut_flows.hpp"

#include <memory>

namespace sekisho::drivers {

class NftCutFlows final : public ports::CutFlows {
public:
    static Result<std::unique_ptr<NftCutFlows>> create();

    Result<void> refuse(std::span<const ruleset::Flow> flows) override;
    Result<void> allow(std::span<const ruleset::Flow> flows) override;

private:
    explicit NftCutFlows(Netlink netlink) : m_netlink(std::move(netlink)) {}

    Result<void> change(std::span<const ruleset::Flow> flows, std::uint16_t type, std::uint16_t flags);

    Netlink m_netlink;
};

} // namespace sekisho::drivers

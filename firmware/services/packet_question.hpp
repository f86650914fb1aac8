// SPDX-License-Identifier: GPL-2.0-or-later
// `test packet`: what the rules in force would say to the first packet of a connection, step by step.
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/ports/network.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/countries.hpp"
#include "firmware/services/policy_service.hpp"
#include "policy/base/table.hpp"

namespace sekisho::services {

class PacketQuestion {
public:
    /// References must outlive it.
    PacketQuestion(ports::Network& network, PolicyService& policy, Countries& countries, Timekeeper& timekeeper)
        : m_network(network), m_policy(policy), m_countries(countries), m_timekeeper(timekeeper) {}

    /// Exit status 0 where the packet would pass, 3 where it would not, 2 where the question makes no sense.
    [[nodiscard]] ports::ControlResponse answer(const Invocation& invocation);

    /// What `test capture` judges by besides the configuration, a line each: "policy DIGEST", "time TIME
    /// synchronised|unsynchronised", "database PATH", "address DEVICE=ADDRESS/LENGTH".
    [[nodiscard]] ports::ControlResponse grounds();

private:
    void add_source_facts(Facts& facts, const IpAddress& source, const ClockReading& clock);

    ports::Network& m_network;
    PolicyService& m_policy;
    Countries& m_countries;
    Timekeeper& m_timekeeper;
};

} // namespace sekisho::services

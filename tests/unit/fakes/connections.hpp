// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/connections.hpp"
#include "firmware/ports/cut_flows.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace sekisho::fakes {

/// A table of connections that a test fills; the handle is the place in `all`.
class FakeConnections final : public ports::Connections {
public:
    void add(ruleset::Flow flow) {
        all.push_back(
            {std::move(flow), {static_cast<std::uint8_t>(all.size() >> 8), static_cast<std::uint8_t>(all.size())}});
    }

    Result<std::vector<ports::Connection>> find(const std::function<bool(const ruleset::Flow&)>& wanted) override {
        if (refuse_finding) {
            return std::unexpected(Error(Domain::kernel, "connection table", "no buffer space"));
        }
        std::vector<ports::Connection> found;
        std::ranges::copy_if(all, std::back_inserter(found), [&](const ports::Connection& each) {
            return ruleset::zone_of_mark(each.flow.mark) != 0 && wanted(each.flow);
        });
        return found;
    }

    Result<bool> end(const ports::Connection& connection) override {
        if (refuse_ends > 0) {
            --refuse_ends;
            return std::unexpected(Error(Domain::kernel, "connection table", "interrupted"));
        }
        return std::erase_if(all, [&](const ports::Connection& each) { return each.handle == connection.handle; }) > 0;
    }

    std::vector<ports::Connection> all;
    bool refuse_finding = false;
    int refuse_ends = 0; ///< so many calls fail from now on
};

/// The far ends that are refused, as "address port".
class FakeCutFlows final : public ports::CutFlows {
public:
    Result<void> refuse(std::span<const ruleset::Flow> flows) override {
        if (is_broken) {
            return std::unexpected(Error(Domain::kernel, "sets", "no buffer space"));
        }
        for (const ruleset::Flow& flow : flows) {
            refused.insert(name_of(flow));
        }
        return {};
    }

    Result<void> allow(std::span<const ruleset::Flow> flows) override {
        if (is_broken) {
            return std::unexpected(Error(Domain::kernel, "sets", "no buffer space"));
        }
        for (const ruleset::Flow& flow : flows) {
            refused.erase(name_of(flow));
        }
        return {};
    }

    static std::string name_of(const ruleset::Flow& flow) {
        return flow.source.text() + " " + std::to_string(flow.source_port);
    }

    std::set<std::string> refused;
    bool is_broken = false;
};

} // namespace sekisho::fakes

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/lockout_guard.hpp"

#include "firmware/services/flow_cutter.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>

namespace sekisho::services {

namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint64_t kMostPort = 65'535;

/// Whether the router keeps the address that the session came to. One that a DHCP server gives may stay.
bool keeps_address(const model::Model& model, const IpAddress& address) {
    return std::ranges::any_of(model.interfaces, [&](const model::Interface& interface) {
        return (interface.dhcp && address.family() == Family::ipv4) ||
               std::ranges::contains(interface.addresses, address, &InterfaceAddress::address);
    });
}

std::string rule_text(const ruleset::Rule* rule) {
    if (rule == nullptr) {
        return "no rule would admit it";
    }
    return text::concat("rule ", rule->id,
                        rule->place.line > 0 ? text::concat(", line ", text::to_text(rule->place.line)) : std::string(),
                        ", would refuse it");
}

} // namespace

std::optional<SshEnd> ssh_end_of(std::string_view origin) {
    const auto words = text::split(origin, ' ');
    if (words.size() != 4 || words[0] != "ssh" || words[2] != "port") {
        return std::nullopt;
    }
    const auto address = IpAddress::parse(words[1]);
    const auto port = text::parse_unsigned(words[3]);
    if (!address || !port || *port > kMostPort) {
        return std::nullopt;
    }
    return SshEnd{*address, static_cast<std::uint16_t>(*port)};
}

std::string LockoutGuard::judge(const Actor& actor, const model::Model& model, const ruleset::Ruleset& wanted) const {
    const auto end = ssh_end_of(actor.origin);
    if (!end) {
        return {};
    }
    const std::string why = cause(actor, *end, model, wanted);
    return why.empty() ? std::string()
                       : text::concat("This would cut off the session that it is applied from (", actor.origin,
                                      "): ", why, ".\nNot applied; the policy in force is unchanged. With '--confirm ",
                                      "MINUTES' it is put in force for a time, and the policy in force comes back by ",
                                      "itself unless 'confirm' follows.\n");
}

std::string LockoutGuard::cause(const Actor& actor, const SshEnd& end, const model::Model& model,
                                const ruleset::Ruleset& wanted) const {
    if (!std::ranges::contains(model.accounts, actor.account, &model::Account::name)) {
        return text::concat("it has no account ", actor.account);
    }
    const auto sessions = m_connections.find([&](const ruleset::Flow& flow) {
        return flow.protocol == kTcp && flow.source == end.address && flow.source_port == end.port;
    });
    if (!sessions) {
        return text::concat("the connections can't be read, so nobody can say that it would live on: ",
                            sessions.error().message());
    }
    if (sessions->empty()) {
        return "the kernel knows no such connection, so nobody can say that it would live on";
    }
    const Time now = m_timekeeper.reading().now;
    const FlowJudge judge(wanted, now);
    for (const ports::Connection& session : *sessions) {
        const ruleset::Flow& flow = session.flow;
        if (!keeps_address(model, flow.reached)) {
            return text::concat("the router would not have the address ", flow.reached.text(), " any more");
        }
        if (!judge.has_ssh()) {
            return "nobody could come in over SSH any more";
        }
        if (wanted.find_zone(ruleset::zone_of_mark(flow.mark)) == nullptr) {
            return "the zone that it comes from would be gone";
        }
        if (judge.ends(flow)) {
            return rule_text(ruleset::admission_of(wanted, flow, now).rule);
        }
    }
    return {};
}

} // namespace sekisho::services

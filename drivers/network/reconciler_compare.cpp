// SPDX-License-Identifier: GPL-2.0-or-later
// The part of Reconciler that looks and changes nothing, and takes away what others made.
#include "drivers/network/kernel_settings.hpp"
#include "drivers/network/reconciler.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>

#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sekisho::drivers::network {

namespace {

struct KernelRule {
    std::string_view text; ///< as KernelLinks::rules() tells of it
    std::uint8_t family;
    std::uint32_t priority;
    std::uint32_t table;
};

constexpr KernelRule kKernelRules[] = {
    {"IPv4 0: local", AF_INET, 0, RT_TABLE_LOCAL},
    {"IPv4 32766: main", AF_INET, 32766, RT_TABLE_MAIN},
    {"IPv4 32767: default", AF_INET, 32767, RT_TABLE_DEFAULT},
    {"IPv6 0: local", AF_INET6, 0, RT_TABLE_LOCAL},
    {"IPv6 32766: main", AF_INET6, 32766, RT_TABLE_MAIN},
};

/// Those of the families that the kernel has.
std::vector<KernelRule> kernel_rules() {
    std::vector<KernelRule> rules(std::begin(kKernelRules), std::end(kKernelRules));
    if (access("/proc/sys/net/ipv6", F_OK) != 0) {
        std::erase_if(rules, [](const KernelRule& rule) { return rule.family == AF_INET6; });
    }
    return rules;
}

std::string flags_text(const PortFlags& flags) {
    return text::concat(flags.is_locked ? "locked" : "not locked", flags.is_isolated ? ", isolated" : ", not isolated",
                        flags.learns ? ", learning on" : ", learning off");
}

std::string_view flooding_text(std::optional<bool> floods) {
    return !floods ? ", flooding some" : *floods ? ", flooding on" : ", flooding off";
}

std::string guard_text(const BridgeGuard& guard) {
    return text::concat("learning from link-local frames ", guard.learns_from_link_local ? "on" : "off", ", ageing ",
                        text::to_text(std::uint64_t{guard.ageing_seconds}), " s");
}

std::string state_text(bool is_up, std::string_view bridge) {
    return text::concat(is_up ? "up" : "down", bridge.empty() ? "" : ", port of ", bridge);
}

std::string list_text(const std::vector<std::string>& items) {
    return items.empty() ? std::string(ports::kNothing) : text::join(items, ", ");
}

} // namespace

Result<ports::Comparisons> Reconciler::compare() {
    ports::Comparisons rows;
    TRY(compare_settings(rows));
    m_links = TRY(m_kernel.links());
    for (const Link& link : m_links) {
        const model::Interface* bridge = bridge_of(link.name);
        const model::Interface* interface = planned(link.name);
        if (bridge == nullptr && interface == nullptr && !link.is_loopback()) {
            continue;
        }
        const Link* master = link.master != 0 ? find(link.master) : nullptr;
        rows.push_back(
            {text::concat("interface ", link.name),
             state_text(true, bridge != nullptr ? std::string_view(bridge->name) : std::string_view()),
             state_text(link.is_up(), master != nullptr ? std::string_view(master->name) : std::string_view())});
        if (bridge != nullptr) {
            compare_port(link, rows);
        }
        if (interface != nullptr && interface->is_bridge) {
            compare_bridge(*interface, link, rows);
        }
        if (!link.is_loopback()) {
            const bool answers = std::ranges::contains(m_plan.routed_between_ports, link.name);
            TRY(compare_settings(link.name, bridge != nullptr ? LinkRole::bridge_port : LinkRole::routed, answers,
                                 rows));
        }
    }
    TRY(compare_addresses(rows));
    TRY(compare_routes(rows));
    return rows;
}

void Reconciler::compare_port(const Link& link, ports::Comparisons& rows) const {
    if (!link.port) {
        return; // no port of a bridge, which is told already
    }
    const PortFlags wanted = wanted_flags(link.name);
    // what a locked port floods depends on who is there
    rows.push_back({text::concat("port ", link.name),
                    text::concat(flags_text(wanted), wanted.is_locked ? "" : flooding_text(true)),
                    text::concat(flags_text(*link.port), wanted.is_locked ? "" : flooding_text(link.floods))});
}

void Reconciler::compare_bridge(const model::Interface& bridge, const Link& link, ports::Comparisons& rows) const {
    if (std::ranges::any_of(bridge.ports, [this](const std::string& port) { return is_guarded(port); })) {
        rows.push_back({text::concat("bridge ", link.name), guard_text(kGuarded), guard_text(link.guard)});
    }
    for (const Link* port : foreign_ports(link)) {
        rows.push_back({text::concat("port ", port->name, " of ", link.name), ports::kNothing, "there"});
    }
}

/// Ports of a bridge of the plan that it lacks.
std::vector<const Link*> Reconciler::foreign_ports(const Link& bridge) const {
    std::vector<const Link*> foreign;
    for (const Link& link : m_links) {
        if (link.master == bridge.index && bridge_of(link.name) == nullptr) {
            foreign.push_back(&link);
        }
    }
    return foreign;
}

Result<void> Reconciler::compare_addresses(ports::Comparisons& rows) {
    const auto present = TRY(m_kernel.addresses());
    for (const auto& interface : m_plan.interfaces) {
        const Link* link = find(interface.name);
        const auto wanted = addresses_of(interface.name);
        std::vector<std::string> expected;
        std::ranges::transform(wanted, std::back_inserter(expected), &InterfaceAddress::text);
        std::vector<std::string> found;
        for (const auto& address : present) {
            if (link != nullptr && address.link == link->index && address.is_ours()) {
                found.push_back(address.address.text());
            }
        }
        std::ranges::sort(expected);
        std::ranges::sort(found);
        if (link != nullptr && !(expected.empty() && found.empty())) {
            rows.push_back({text::concat("addresses of ", link->name), list_text(expected), list_text(found)});
        }
    }
    return {};
}

std::string Reconciler::text_of(const DefaultRoute& route) const {
    const Link* link = find(route.link);
    return text::concat(route.gateway.text(), " on ", link != nullptr ? std::string_view(link->name) : "?", " metric ",
                        text::to_text(std::uint64_t{route.metric}));
}

Result<void> Reconciler::compare_routes(ports::Comparisons& rows) {
    const auto present = TRY(m_kernel.our_default_routes());
    std::vector<std::string> expected;
    for (const DefaultRoute& route : planned_routes()) {
        const Link* link = find(route.link);
        // without a link the kernel may have no way to the gateway
        if (link->carrier || std::ranges::contains(present, route)) {
            expected.push_back(text_of(route));
        }
    }
    std::vector<std::string> found;
    std::ranges::transform(present, std::back_inserter(found),
                           [this](const DefaultRoute& route) { return text_of(route); });
    std::ranges::sort(expected);
    std::ranges::sort(found);
    rows.push_back({"default routes", list_text(expected), list_text(found)});
    const auto foreign = TRY(m_kernel.foreign_routes());
    if (foreign.empty()) {
        rows.push_back({"routes of others", ports::kNothing, ports::kNothing});
    }
    for (const Routing& route : foreign) {
        rows.push_back({route.text, ports::kNothing, "there"});
    }
    std::vector<std::string> kernels;
    std::ranges::transform(kernel_rules(), std::back_inserter(kernels),
                           [](const KernelRule& rule) { return std::string(rule.text); });
    const auto rules = TRY(m_kernel.rules());
    std::vector<std::string> there;
    std::ranges::transform(rules, std::back_inserter(there), &Routing::text);
    rows.push_back({"routing rules", list_text(kernels), list_text(there)});
    return {};
}

Result<void> Reconciler::remove_foreign() {
    if (!read_links()) {
        return std::unexpected(*std::move(m_failure));
    }
    for (const auto& interface : m_plan.interfaces) {
        const Link* bridge = interface.is_bridge ? find(interface.name) : nullptr;
        if (bridge != nullptr) {
            for (const Link* port : foreign_ports(*bridge)) {
                note(m_kernel.set_master(*port, 0));
            }
        }
    }
    const auto routes = m_kernel.foreign_routes();
    note(routes ? Result<void>{} : std::unexpected(routes.error()));
    for (const Routing& route : routes.value_or(std::vector<Routing>{})) {
        note(m_kernel.remove_route(route));
    }
    restore_rules();
    return m_failure ? Result<void>(std::unexpected(*std::move(m_failure))) : Result<void>{};
}

/// What is missing first: without the main table nothing is routed.
void Reconciler::restore_rules() {
    const auto rules = m_kernel.rules();
    if (!rules) {
        note(std::unexpected(rules.error()));
        return;
    }
    const auto wanted = kernel_rules();
    for (const KernelRule& rule : wanted) {
        if (!std::ranges::contains(*rules, rule.text, &Routing::text)) {
            note(m_kernel.add_rule(rule.family, rule.priority, rule.table));
        }
    }
    for (const Routing& rule : *rules) {
        if (!std::ranges::contains(wanted, rule.text, &KernelRule::text)) {
            note(m_kernel.remove_rule(rule));
        }
    }
}

} // namespace sekisho::drivers::network

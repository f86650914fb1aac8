// SPDX-License-Identifier: GPL-2.0-or-later
// The part of PolicyService that makes interfaces, addresses and routes follow the policy, leases among them.
#include "firmware/services/policy_service.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/station_filter.hpp"

#include <algorithm>

namespace sekisho::services {

namespace {

constexpr std::string_view kLeasesFile = "leases";

} // namespace

// ---- leases
// --------------------------------------------------------------------------------------------------------------------------------------------

Result<void> PolicyService::lease_event(std::span<const std::string> words) {
    if (!m_configuration) {
        return std::unexpected(Error(Domain::network, "lease-event", "no configuration is in force"));
    }
    const LeaseReport report = TRY(parse_lease_report(words));
    if (m_wan_held) {
        return std::unexpected(Error(Domain::network, "lease-event", "the WAN stays down until a password is set"));
    }
    const auto held = m_leases.find(report.interface);
    NetworkOutcome network;
    if (report.event == "bound" || report.event == "renew") {
        auto lease = check_lease(report, m_configuration->model);
        if (!lease) {
            m_leases.erase(report.interface);
            network = set_up_network(m_configuration->model, {lease.error()});
        } else {
            HeldLease taken{.lease = std::move(*lease), .words = {words.begin(), words.end()}};
            taken.words.front() = "bound";
            const bool is_news = held == m_leases.end() || held->second.words != taken.words;
            const std::string address = taken.lease.leased.address.text();
            m_leases[report.interface] = std::move(taken);
            network = set_up_network(m_configuration->model, {});
            if (is_news && network.refused_leases.empty()) {
                record_state("lease-taken", text::concat(report.interface, " has the address ", address), true);
            }
        }
    } else {
        // A lease client reports "deconfig" when it starts, too: a lease inherited from an earlier process is given up
        // only when the client found no server.
        const bool inherited = held != m_leases.end() && held->second.inherited;
        if (held == m_leases.end() || inherited != (report.event == "leasefail")) {
            return {};
        }
        m_leases.erase(held);
        network = set_up_network(m_configuration->model, {});
        record_state("lease-ended", text::concat(report.interface, " has no lease any more"), true);
    }
    settle_network(network);
    if (m_on_change) {
        m_on_change(m_configuration->model);
    }
    if (!network.refused_leases.empty()) {
        return std::unexpected(network.refused_leases.front());
    }
    return {};
}

/// Leases that no longer fit the model, given up.
std::vector<Error> PolicyService::judge_leases(const model::Model& model) {
    std::vector<Error> refused;
    for (auto entry = m_leases.begin(); entry != m_leases.end();) {
        HeldLease& held = entry->second;
        const auto report = parse_lease_report(held.words);
        auto lease = report ? check_lease(*report, model) : Result<Lease>(std::unexpected(report.error()));
        if (lease) {
            held.lease = std::move(*lease);
            ++entry;
        } else {
            refused.push_back(std::move(lease).error());
            entry = m_leases.erase(entry);
        }
    }
    return refused;
}

// ---- network
// -------------------------------------------------------------------------------------------------------------------------------------------

ports::NetworkPlan PolicyService::plan(const model::Model& model) const {
    ports::NetworkPlan plan;
    plan.interfaces = model.interfaces;
    const ruleset::StationFilter stations = ruleset::station_filter_of(model);
    for (const std::string& port : stations.locked) {
        plan.guarded.push_back({port, true});
    }
    for (const std::string& port : stations.open) {
        plan.guarded.push_back({port, false});
    }
    for (const model::Interface& interface : model.interfaces) {
        if (model.routes_between_ports(interface)) {
            plan.routed_between_ports.push_back(interface.name);
        }
    }
    if (m_wan_held) {
        // what the plan lacks is not touched, and taken down where an earlier plan had it; leases are the WAN's only
        const model::Zone* wan = model.find_zone(model::kWanZone);
        std::erase_if(plan.interfaces, [wan](const model::Interface& interface) {
            return interface.dhcp || (wan != nullptr && std::ranges::contains(wan->interfaces, interface.name));
        });
        return plan;
    }
    for (const auto& [interface, held] : m_leases) {
        plan.leases.push_back(held.lease.leased);
    }
    return plan;
}

PolicyService::NetworkOutcome PolicyService::set_up_network(const model::Model& model, std::vector<Error> refused) {
    NetworkOutcome outcome{.sentences = {}, .refused_leases = std::move(refused), .failure = {}};
    note_links(); // before: one that appears meanwhile is new to the next look
    auto configured = m_ports.network.configure(plan(model));
    while (!configured) {
        const auto held = m_leases.find(configured.error().place());
        if (held == m_leases.end()) {
            break;
        }
        auto lease = m_leases.extract(held);
        auto without = m_ports.network.configure(plan(model));
        if (!without && without.error().place() == lease.key()) {
            // The interface is at fault, whatever its lease; what can be done with the lease is done again.
            m_leases.insert(std::move(lease));
            configured = m_ports.network.configure(plan(model));
            break;
        }
        outcome.refused_leases.push_back(
            Error(configured.error()).in(text::concat("the lease of ", lease.mapped().lease.leased.address.text())));
        configured = std::move(without);
    }
    if (configured) {
        outcome.sentences = std::move(*configured);
        if (auto forwarding = m_ports.network.set_forwarding(true); !forwarding) {
            outcome.failure = std::move(forwarding).error();
        }
    } else {
        outcome.failure = std::move(configured).error();
        ignore_error(m_ports.network.set_forwarding(true), "tried again with the interfaces, whose error is told");
    }
    return outcome;
}

void PolicyService::settle_network(const NetworkOutcome& outcome) {
    for (const Error& refused : outcome.refused_leases) {
        record_state("lease-refused", refused.message(), false);
    }
    if (!outcome.failure || !m_leases.contains(outcome.failure->place())) { // what fails does not stop the rest
        save_leases();
    }
    for (const std::string& sentence : outcome.sentences) {
        if (m_told.insert(sentence).second) {
            record_state("network", sentence, false);
        }
    }
    if (outcome.failure) {
        std::string message = outcome.failure->message();
        if (m_network_failure != message) {
            record_state("network", text::concat(message, "; tried again"), false);
        }
        m_network_failure = std::move(message);
    } else if (std::exchange(m_network_failure, std::nullopt)) {
        record_state("network", "the interfaces are as configured again", true);
    }
    if (!m_enforcing_since) {
        m_enforcing_since = m_ports.clock.monotonic_microseconds();
    }
}

Result<ports::Comparisons> PolicyService::compare_network() {
    return m_configuration ? m_ports.network.compare(plan(m_configuration->model)) : ports::Comparisons{};
}

Result<void> PolicyService::restore_network() {
    if (!m_configuration) {
        return {};
    }
    // What others made goes first: a routing rule of theirs would lead around what is put back.
    auto removed = m_ports.network.remove_foreign(plan(m_configuration->model));
    const NetworkOutcome outcome = set_up_network(m_configuration->model, {});
    settle_network(outcome);
    return outcome.failure ? std::unexpected(*outcome.failure) : removed;
}

/// Whether there is one that was not there before.
bool PolicyService::note_links() {
    const auto links = m_ports.network.links();
    if (!links) {
        return true; // what can't be told is taken for new
    }
    const auto former = std::exchange(m_links, {});
    bool is_new = false;
    for (const ports::LinkStatus& link : *links) {
        const auto& noted = *m_links.emplace(link.name, link.index).first;
        is_new = is_new || link.has_duplicate || !former.contains(noted);
    }
    return is_new;
}

void PolicyService::follow_links() {
    if (note_links()) {
        configure_network();
    } else {
        m_early_drop.check(m_ruleset);
    }
}

void PolicyService::release_wan() {
    if (!std::exchange(m_wan_held, false) || !m_configuration) {
        return;
    }
    record_state("wan-released", "a password is set: the interfaces of zone wan are configured", true);
    settle_network(set_up_network(m_configuration->model, judge_leases(m_configuration->model)));
    if (m_on_change) {
        m_on_change(m_configuration->model);
    }
}

void PolicyService::configure_network() {
    if (!m_configuration) {
        return;
    }
    NetworkOutcome outcome;
    auto configured = m_ports.network.configure(plan(m_configuration->model));
    if (configured && m_network_failure) {
        if (auto forwarding = m_ports.network.set_forwarding(true); !forwarding) {
            configured = std::unexpected(std::move(forwarding).error());
        }
    }
    if (configured) {
        outcome.sentences = std::move(*configured);
    } else {
        outcome.failure = std::move(configured).error();
    }
    settle_network(outcome);
    m_early_drop.check(m_ruleset);
}

/// Only what the kernel took: a daemon that starts anew begins with these.
void PolicyService::save_leases() {
    std::string text;
    for (const auto& [interface, held] : m_leases) {
        text += text::join(held.words, "\t") + "\n";
    }
    if (text == m_saved_leases) {
        return;
    }
    if (auto saved = m_ports.run_store.write(kLeasesFile, text); !saved) {
        record_state("lease", std::move(saved).error().message(), false);
        return;
    }
    m_saved_leases = std::move(text);
}

void PolicyService::load_leases() {
    if (!m_ports.run_store.exists(kLeasesFile)) {
        return;
    }
    const auto text = m_ports.run_store.read(kLeasesFile, 16'384);
    if (!text) {
        record_state("lease", text.error().message(), false);
        return;
    }
    m_saved_leases = *text;
    for (const std::string_view line : text::split(*text, '\n')) {
        HeldLease held{.lease = {}, .words = {}, .inherited = true};
        for (const std::string_view word : text::split(line, '\t')) {
            held.words.emplace_back(word);
        }
        // Only read here; judge_leases() decides whether it is still taken.
        if (const auto report = parse_lease_report(held.words); report && !report->interface.empty()) {
            m_leases[report->interface] = std::move(held);
        }
    }
}

std::vector<IpAddress> PolicyService::leased_name_servers() const {
    std::vector<IpAddress> servers;
    for (const auto& [interface, held] : m_leases) {
        servers.insert(servers.end(), held.lease.name_servers.begin(), held.lease.name_servers.end());
    }
    return servers;
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// The gate by country, and the early drop that spares the rest of the way for connections that no list would admit.
#include "policy/ruleset/compilation.hpp"

#include <algorithm>
#include <iterator>

namespace sekisho::ruleset {

namespace {

constexpr std::string_view kGateRule = "gate.country";

/// Every packet of the family whose source is in none of the sets. Negated look-ups are of the set's family alone.
std::vector<Match> from_none_of(const std::vector<std::size_t>& sets, Family family) {
    if (sets.empty()) {
        return {FamilyIs{family}};
    }
    std::vector<Match> matches;
    for (const std::size_t set : sets) {
        matches.emplace_back(AddressInSet{Side::source, set, true});
    }
    return matches;
}

/// Whether a connection request of TCP from the WAN may be meant for the service over this family.
bool takes_tcp(const model::Service& service, Family family) {
    if (service.protocol != model::Protocol::tcp) {
        return false;
    }
    return !service.is_forwarded() ||
           (family == Family::ipv4 ? service.forward_v4.has_value() : service.forward_v6.has_value());
}

/// The sets of every list that could admit a TCP connection in this family, where no gate stands before them.
std::vector<std::size_t> admitted_by_services(Compilation& compilation, Family family) {
    std::vector<std::size_t> sets;
    for (const model::Service& service : compilation.model.services) {
        if (!takes_tcp(service, family)) {
            continue;
        }
        if (!service.geo_lists.empty()) {
            std::ranges::copy(compilation.admitted_by(service.geo_lists, family), std::back_inserter(sets));
            continue;
        }
        for (const std::string& list : service.source_lists) {
            if (const auto set = compilation.set_of(list, family, ListUse::admits)) {
                sets.push_back(*set);
            }
        }
    }
    std::ranges::sort(sets);
    sets.erase(std::ranges::unique(sets).begin(), sets.end());
    return sets;
}

void drop_early(Compilation& compilation, std::string_view id, Place place, const std::vector<std::size_t>& sets,
                Family family) {
    // What comes in pieces is judged whole, behind reassembly.
    compilation.deny(Hook::early, std::string(id), Reason::country, place, Drop{},
                     with({NotFragment{family}, OpensTcp{}}, from_none_of(sets, family)));
}

} // namespace

void compile_gate(Compilation& compilation, Hook hook) {
    const ZoneFacts* wan = compilation.wan();
    const model::Gate& gate = compilation.model.gate;
    if (wan == nullptr || gate.geo_lists.empty()) {
        return;
    }
    for (const Family family : kFamilies) {
        compilation.deny(
            hook, std::string(kGateRule), Reason::country, gate.place, Drop{},
            with({IngressZone{wan->number}}, from_none_of(compilation.admitted_by(gate.geo_lists, family), family)));
    }
}

void compile_early(Compilation& compilation) {
    const model::Gate& gate = compilation.model.gate;
    const bool by_country =
        !gate.geo_lists.empty() || std::ranges::any_of(compilation.model.services, [](const model::Service& service) {
            return !service.geo_lists.empty();
        });
    if (compilation.wan() == nullptr || !by_country) {
        return;
    }
    for (const Family family : kFamilies) {
        if (gate.geo_lists.empty()) {
            drop_early(compilation, "early.country", {}, admitted_by_services(compilation, family), family);
        } else {
            // counter and log are the gate's own: it makes no difference where a packet is dropped
            drop_early(compilation, kGateRule, gate.place, compilation.admitted_by(gate.geo_lists, family), family);
        }
    }
}

} // namespace sekisho::ruleset

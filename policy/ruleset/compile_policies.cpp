// SPDX-License-Identifier: GPL-2.0-or-later
// Zone to zone, and what holds where nothing else does.
#include "policy/base/text.hpp"
#include "policy/ruleset/compilation.hpp"

namespace sekisho::ruleset {

namespace {

/// The sets of one side in one family; a single empty entry stands for "every address".
std::vector<std::optional<std::size_t>> sets_of(Compilation& compilation, const std::vector<std::string>& lists,
                                                Family family, ListUse use) {
    if (lists.empty()) {
        return {std::nullopt};
    }
    std::vector<std::optional<std::size_t>> sets;
    for (const std::string& list : lists) {
        if (const auto set = compilation.set_of(list, family, use)) {
            sets.emplace_back(set);
        }
    }
    return sets;
}

/// What a policy's lists of countries say of a destination in one family, as alternatives; a single empty one stands
/// for "every address".
std::vector<std::vector<Match>> countries_of(Compilation& compilation, const model::Policy& policy, Family family) {
    if (policy.destination_geo_lists.empty()) {
        return {{}};
    }
    if (policy.action == model::Action::deny) {
        return compilation.refused_by(policy.destination_geo_lists, family, Side::destination);
    }
    std::vector<std::vector<Match>> alternatives;
    for (const std::size_t set : compilation.admitted_by(policy.destination_geo_lists, family)) {
        alternatives.push_back({AddressInSet{Side::destination, set}});
    }
    return alternatives;
}

/// The address matches of each rule that a policy needs. Without lists one rule holds for both families; with lists,
/// one per combination of sets of one family, and so none where a list has nothing left: an empty list never turns into
/// "every address".
std::vector<std::vector<Match>> address_matches(Compilation& compilation, const model::Policy& policy) {
    if (policy.source_lists.empty() && policy.destination_lists.empty() && policy.destination_geo_lists.empty()) {
        return {{}};
    }
    const ListUse use = policy.action == model::Action::allow ? ListUse::admits : ListUse::refuses;
    std::vector<std::vector<Match>> result;
    for (const Family family : kFamilies) {
        const auto destinations = sets_of(compilation, policy.destination_lists, family, use);
        const auto countries = countries_of(compilation, policy, family);
        for (const auto& source : sets_of(compilation, policy.source_lists, family, use)) {
            for (const auto& destination : destinations) {
                std::vector<Match> matches;
                if (source) {
                    matches.emplace_back(AddressInSet{Side::source, *source});
                }
                if (destination) {
                    matches.emplace_back(AddressInSet{Side::destination, *destination});
                }
                for (const auto& country : countries) {
                    result.push_back(with(matches, country));
                }
            }
        }
    }
    return result;
}

} // namespace

void compile_policies(Compilation& compilation, Hook hook) {
    for (const model::Policy& policy : compilation.model.policies) {
        const bool to_router = policy.to == model::kRouterZone;
        const ZoneFacts* from = compilation.find_zone(policy.from);
        const ZoneFacts* to = to_router ? nullptr : compilation.find_zone(policy.to);
        if (to_router != (hook == Hook::input) || from == nullptr || (!to_router && to == nullptr)) {
            continue;
        }
        std::vector<Match> zones{IngressZone{from->number}};
        if (to != nullptr) {
            zones.emplace_back(EgressZone{to->number});
        }
        const auto common = with(std::move(zones), transport_of(policy.protocol, policy.ports));
        for (auto& addresses : address_matches(compilation, policy)) {
            auto matches = with(common, std::move(addresses));
            const auto id =
                text::concat("policy.", policy.name, policy.action == model::Action::allow ? ".allow" : ".deny");
            if (policy.action == model::Action::allow) {
                compilation.accept_connection(hook, id, policy.place, from->number, policy.log, std::move(matches));
            } else {
                const Reason reason = policy.destination_geo_lists.empty() ? Reason::zone : Reason::country;
                compilation.deny(hook, id, reason, policy.place, Reject{}, std::move(matches));
            }
        }
    }
}

void compile_defaults(Compilation& compilation, Hook hook) {
    using Kind = AddressKind::Kind;
    for (const ZoneFacts& facts : compilation.zones) {
        const IngressZone ingress{facts.number};
        const Place place = facts.zone->place;
        if (facts.zone->is_wan()) {
            compilation.deny(hook, facts.rule_id("deny"), Reason::no_service, place, Drop{}, {ingress});
            continue;
        }
        if (hook == Hook::input) {
            for (const Kind kind : {Kind::broadcast, Kind::multicast}) {
                compilation.deny(hook, facts.rule_id("noise"), Reason::zone, place, Drop{},
                                 {ingress, AddressKind{Side::destination, kind, false, false}});
            }
        }
        compilation.deny(hook, facts.rule_id("deny"), Reason::zone, place, Reject{}, {ingress});
    }
    compilation.deny(hook, "zone.none.deny", Reason::zone, {}, Drop{}, {});
}

} // namespace sekisho::ruleset

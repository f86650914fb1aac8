// SPDX-License-Identifier: GPL-2.0-or-later
// Services from the WAN. What a forwarded connection was addressed to decides which service it belongs to, not where
// translation has sent it: two services may lead to one inside address and port and still have different sources.
#include "policy/base/text.hpp"
#include "policy/ruleset/compilation.hpp"

#include <algorithm>

namespace sekisho::ruleset {

namespace {

std::string rule_id(const model::Service& service, std::string_view what) {
    return text::concat("service.", service.name, ".", what);
}

std::vector<model::PortRange> inside_ports(const model::Service& service) {
    if (service.forward_port) {
        return {{*service.forward_port, *service.forward_port}};
    }
    return service.ports;
}

/// The inside host as the destination after translation.
Match host_match(const IpAddress& host) {
    return AddressIn{Side::destination, false, {IpPrefix(host, bits_of(host.family()))}};
}

/// A forwarded IPv4 connection of this service, apart from where it came in.
std::vector<Match> translated_to(const model::Service& service) {
    std::vector<Match> matches{DestinationTranslated{}};
    if (service.protocol != model::Protocol::any) {
        matches.emplace_back(ProtocolIs{service.protocol});
    }
    if (!service.ports.empty()) {
        matches.emplace_back(OriginalDestinationPortIn{service.ports});
    }
    matches.push_back(host_match(*service.forward_v4));
    if (const auto ports = inside_ports(service); !ports.empty()) {
        matches.emplace_back(DestinationPortIn{ports});
    }
    return matches;
}

/// A connection to the inside host's own IPv6 address.
std::vector<Match> addressed_to(const model::Service& service) {
    return with({host_match(*service.forward_v6)}, transport_of(service.protocol, inside_ports(service)));
}

/// Pairs of an address list's set and a country's in one family, as far as the service has either kind: a source must
/// be in both.
std::vector<std::vector<Match>> admitted_sources(Compilation& compilation, const model::Service& service,
                                                 Family family) {
    const auto from = [](std::size_t set) { return AddressInSet{Side::source, set}; };
    const auto countries = compilation.admitted_by(service.geo_lists, family);
    std::vector<std::vector<Match>> sources;
    if (service.source_lists.empty()) {
        for (const std::size_t country : countries) {
            sources.push_back({from(country)});
        }
    }
    for (const std::string& list : service.source_lists) {
        const auto set = compilation.set_of(list, family, ListUse::admits);
        if (set && service.geo_lists.empty()) {
            sources.push_back({from(*set)});
        } else if (set) {
            for (const std::size_t country : countries) {
                sources.push_back({from(*set), from(country)});
            }
        }
    }
    return sources;
}

/// What the service refuses: by country what its address lists would admit, or everything where it has none.
void refuse_sources(Compilation& compilation, const model::Service& service, Hook hook,
                    std::span<const Family> families, const std::vector<Match>& from_wan) {
    const auto refuse_country = [&](std::vector<Match> matches) {
        compilation.deny(hook, rule_id(service, "country"), Reason::country, service.place, Drop{}, std::move(matches));
    };
    if (service.source_lists.empty()) {
        refuse_country(from_wan);
        return;
    }
    if (!service.geo_lists.empty()) {
        for (const std::string& list : service.source_lists) {
            for (const Family family : families) {
                if (const auto set = compilation.set_of(list, family, ListUse::admits)) {
                    refuse_country(with(from_wan, {AddressInSet{Side::source, *set}}));
                }
            }
        }
    }
    compilation.deny(hook, rule_id(service, "deny"), Reason::not_allowed, service.place, Drop{}, from_wan);
}

/// One rule per list and family for the WAN, and then the refusal of everything else that is addressed to the service.
/// `matches` hold for the families given.
void judge_by_source(Compilation& compilation, const model::Service& service, Hook hook, const ZoneFacts& wan,
                     std::span<const Family> families, const std::vector<Match>& matches) {
    const auto from_wan = with({IngressZone{wan.number}}, matches);
    for (const Family family : families) {
        for (auto& source : admitted_sources(compilation, service, family)) {
            compilation.accept_connection(hook, rule_id(service, "allow"), service.place, wan.number, service.log,
                                          with(from_wan, std::move(source)));
        }
    }
    refuse_sources(compilation, service, hook, families, from_wan);
}

/// The WAN by its sources; an inside zone named in `from` as a zone: the screen has made sure that its sources are its
/// own.
void judge(Compilation& compilation, const model::Service& service, Hook hook, std::span<const Family> families,
           const std::vector<Match>& matches) {
    for (const std::string& from : service.from) {
        const ZoneFacts* facts = compilation.find_zone(from);
        if (facts == nullptr) {
            continue;
        }
        if (facts->zone->is_wan()) {
            judge_by_source(compilation, service, hook, *facts, families, matches);
        } else {
            compilation.accept_connection(hook, rule_id(service, "allow"), service.place, facts->number, service.log,
                                          with({IngressZone{facts->number}}, matches));
        }
    }
}

/// Addresses of the router that are no way to a service from the inside: those on inside zones, which are for the
/// router's own services, and loopback.
std::vector<IpPrefix> not_for_hairpin(const Compilation& compilation) {
    std::vector<IpPrefix> prefixes{IpPrefix(IpAddress::v4(0x7f00'0000), 8)};
    for (const ZoneFacts& facts : compilation.zones) {
        if (!facts.zone->is_wan()) {
            append(prefixes, facts.addresses_in(Family::ipv4));
        }
    }
    return normalised(std::move(prefixes));
}

} // namespace

void compile_translation(Compilation& compilation) {
    using Kind = AddressKind::Kind;
    for (const model::Service& service : compilation.model.services) {
        if (!service.forward_v4) {
            continue;
        }
        for (const std::string& from : service.from) {
            const ZoneFacts* facts = compilation.find_zone(from);
            if (facts == nullptr) {
                continue;
            }
            std::vector<Match> matches{IngressZone{facts->number}, FamilyIs{Family::ipv4}};
            if (facts->zone->is_wan()) {
                matches.emplace_back(AddressKind{Side::destination, Kind::local, true, false});
            } else {
                matches.emplace_back(AddressIn{Side::destination, true, not_for_hairpin(compilation)});
                matches.emplace_back(AddressKind{Side::destination, Kind::local, false, false});
                matches.emplace_back(AddressKind{Side::destination, Kind::local, true, true});
            }
            compilation.add({.id = rule_id(service, "translate"),
                             .reason = Reason::accepted,
                             .place = service.place,
                             .hook = Hook::translate,
                             .matches = with(std::move(matches), transport_of(service.protocol, service.ports)),
                             .verdict = TranslateDestination{*service.forward_v4, service.forward_port}});
        }
    }
}

void compile_blocks(Compilation& compilation, Hook hook) {
    const ZoneFacts* wan = compilation.wan();
    if (wan == nullptr) {
        return;
    }
    for (const std::string& list : compilation.model.block.lists) {
        for (const Family family : kFamilies) {
            if (const auto set = compilation.set_of(list, family, ListUse::refuses)) {
                compilation.deny(hook, text::concat("block.", list), Reason::blocked_list,
                                 compilation.model.block.place, Drop{},
                                 {IngressZone{wan->number}, AddressInSet{Side::source, *set}});
            }
        }
    }
    for (const std::string& list : compilation.model.block.geo_lists) {
        for (const Family family : kFamilies) {
            for (auto& matches : compilation.refused_by({list}, family, Side::source)) {
                compilation.deny(hook, text::concat("block.", list), Reason::country, compilation.model.block.place,
                                 Drop{}, with({IngressZone{wan->number}}, std::move(matches)));
            }
        }
    }
}

void compile_local_services(Compilation& compilation) {
    for (const model::Service& service : compilation.model.services) {
        if (!service.is_forwarded()) {
            judge(compilation, service, Hook::input, kFamilies,
                  with({AddressKind{Side::destination, AddressKind::Kind::local, true, false}},
                       transport_of(service.protocol, service.ports)));
        }
    }
}

void compile_forwarded_services(Compilation& compilation) {
    static constexpr Family kV4[] = {Family::ipv4};
    static constexpr Family kV6[] = {Family::ipv6};
    for (const model::Service& service : compilation.model.services) {
        if (service.forward_v4) {
            judge(compilation, service, Hook::forward, kV4, translated_to(service));
        }
        if (service.forward_v6) {
            judge(compilation, service, Hook::forward, kV6, addressed_to(service));
        }
    }
}

void compile_masquerade(Compilation& compilation) {
    const ZoneFacts* wan = compilation.wan();
    for (const ZoneFacts& facts : compilation.zones) {
        const auto& networks = facts.networks_in(Family::ipv4);
        if (facts.zone->is_wan() || networks.empty()) {
            continue;
        }
        const AddressIn own_sources{Side::source, false, networks};
        if (facts.zone->masquerade && wan != nullptr) {
            compilation.add({.id = text::concat("nat.masquerade.", facts.zone->name),
                             .reason = Reason::accepted,
                             .place = facts.zone->place,
                             .hook = Hook::masquerade,
                             .matches = {EgressZone{wan->number}, own_sources},
                             .verdict = Masquerade{}});
        }
        for (const model::Service& service : compilation.model.services) {
            // Where client and host are on one network, the host would answer the client directly, past the
            // translation.
            const bool here = service.forward_v4 && std::ranges::contains(service.from, facts.zone->name) &&
                              std::ranges::any_of(networks, [&service](const IpPrefix& network) {
                                  return network.contains(*service.forward_v4);
                              });
            if (here) {
                compilation.add({.id = rule_id(service, "hairpin"),
                                 .reason = Reason::accepted,
                                 .place = service.place,
                                 .hook = Hook::masquerade,
                                 .matches = with({EgressZone{facts.number}, own_sources}, translated_to(service)),
                                 .verdict = Masquerade{}});
            }
        }
    }
}

} // namespace sekisho::ruleset

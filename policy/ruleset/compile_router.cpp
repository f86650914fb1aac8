// SPDX-License-Identifier: GPL-2.0-or-later
// What holds by nature: state, loopback, neighbour discovery, echo, the router's own traffic; and the recording of what
// was accepted.
#include "policy/base/text.hpp"
#include "policy/ruleset/compilation.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>

namespace sekisho::ruleset {

namespace {

constexpr std::uint8_t kEchoRequestV4 = 8;   // RFC 792
constexpr std::uint8_t kEchoRequestV6 = 128; // RFC 4443
// RFC 4861 and RFC 3810
constexpr std::uint8_t kRouterSolicitation = 133;
constexpr std::uint8_t kRouterAdvertisement = 134;
constexpr std::uint8_t kNeighbourSolicitation = 135;
constexpr std::uint8_t kNeighbourAdvertisement = 136;
constexpr std::uint8_t kListenerReport = 143;

/// The router's own address on the interface that the packet came in through.
constexpr AddressKind kOwnHere{Side::destination, AddressKind::Kind::local, true, false};

void deny_invalid(Compilation& compilation, Hook hook) {
    compilation.deny(hook, "flow.invalid", Reason::invalid, {}, Drop{}, {ConnectionState{.invalid = true}});
}

void accept_established(Compilation& compilation, Hook hook) {
    compilation.accept_quietly(hook, "flow.established", {}, {ConnectionState{.established = true, .related = true}});
}

/// A connection that was ended stays ended from both sides: what its other end goes on sending is a first packet now,
/// and a policy that lets that end out would bring it back.
void deny_cut_flows(Compilation& compilation, Hook hook) {
    for (const Family family : kFamilies) {
        for (const bool with_ports : {true, false}) {
            compilation.deny(hook, "flow.cut", Reason::not_allowed, {}, Drop{}, {OfCutFlow{family, with_ports}});
        }
    }
}

/// Loopback has a mark of its own, or the record hooks would take it for a connection from outside.
void accept_loopback(Compilation& compilation, Hook hook, Match match) {
    compilation.accept_connection(hook, "router.loopback", {}, kRouterZoneNumber, model::LogAccepted::no,
                                  {std::move(match)});
}

/// From the link itself: a hop limit of 255 has passed no router (RFC 4861).
void accept_neighbours(Compilation& compilation, const ZoneFacts& facts, std::vector<std::uint8_t> types) {
    compilation.accept_quietly(
        Hook::input, facts.rule_id("neighbour"), facts.zone->place,
        {IngressZone{facts.number}, IcmpTypeIn{Family::ipv6, std::move(types)}, HopLimitIs{255}});
}

void input_from_wan(Compilation& compilation, const ZoneFacts& wan) {
    const bool dhcp = std::ranges::any_of(wan.zone->interfaces, [&compilation](const std::string& name) {
        const model::Interface* interface = compilation.model.find_interface(name);
        return interface != nullptr && interface->dhcp;
    });
    if (dhcp) {
        compilation.accept_connection(
            Hook::input, wan.rule_id("dhcp"), wan.zone->place, wan.number, model::LogAccepted::no,
            {IngressZone{wan.number}, FamilyIs{Family::ipv4}, ProtocolIs{model::Protocol::udp},
             SourcePortIn{{{67, 67}}}, DestinationPortIn{{{68, 68}}}});
    }
    accept_neighbours(compilation, wan, {kNeighbourSolicitation, kNeighbourAdvertisement});
}

void input_from_inside(Compilation& compilation, const ZoneFacts& facts) {
    using Kind = AddressKind::Kind;
    const IngressZone ingress{facts.number};
    accept_neighbours(compilation, facts, {kRouterSolicitation, kNeighbourSolicitation, kNeighbourAdvertisement});
    compilation.deny(Hook::input, facts.rule_id("other-address"), Reason::zone, facts.zone->place, Reject{},
                     {ingress, AddressKind{Side::destination, Kind::local, false, false},
                      AddressKind{Side::destination, Kind::local, true, true}});
    for (const Family family : kFamilies) {
        const std::uint8_t type = family == Family::ipv4 ? kEchoRequestV4 : kEchoRequestV6;
        compilation.accept_connection(Hook::input, facts.rule_id("echo"), facts.zone->place, facts.number,
                                      model::LogAccepted::yes, {ingress, kOwnHere, IcmpTypeIn{family, {type}}});
    }
}

/// The networks of all inside zones.
std::vector<IpPrefix> inside_networks(const Compilation& compilation, Family family) {
    std::vector<IpPrefix> inside;
    for (const ZoneFacts& facts : compilation.zones) {
        if (!facts.zone->is_wan()) {
            append(inside, facts.networks_in(family));
        }
    }
    return normalised(std::move(inside));
}

/// Inside IPv4 addresses, the router's own there among them, are not the outside's to know: whoever writes to one
/// directly is on the wire next door.
void deny_wan_to_inside(Compilation& compilation, Hook hook) {
    const ZoneFacts* wan = compilation.wan();
    auto inside = inside_networks(compilation, Family::ipv4);
    if (wan != nullptr && !inside.empty()) {
        compilation.deny(hook, "screen.wan-to-inside", Reason::spoofed, wan->zone->place, Drop{},
                         {IngressZone{wan->number}, AddressIn{Side::destination, false, std::move(inside)},
                          DestinationTranslated{.negated = true}, ConnectionState{.fresh = true}});
    }
}

/// An inside interface that is absent takes its connected route along, and the default route would carry what is meant
/// for its network out to the WAN: flows that live included, so this comes before the state.
void deny_inside_to_wan(Compilation& compilation, Hook hook) {
    const ZoneFacts* wan = compilation.wan();
    if (wan == nullptr) {
        return;
    }
    for (const Family family : kFamilies) {
        if (auto inside = inside_networks(compilation, family); !inside.empty()) {
            compilation.deny(hook, "screen.inside-to-wan", Reason::zone, {}, Drop{},
                             {EgressZone{wan->number}, AddressIn{Side::destination, false, std::move(inside)}});
        }
    }
}

void record(Compilation& compilation, Hook hook, std::string id) {
    compilation.add({.id = std::move(id),
                     .reason = Reason::accepted,
                     .hook = hook,
                     .matches = {ConnectionState{.fresh = true}, Recorded{.negated = true}},
                     .log = LogKind::recorded,
                     .mark = kMarkRecorded,
                     .verdict = Continue{}});
}

} // namespace

void compile_input_basics(Compilation& compilation) {
    deny_invalid(compilation, Hook::input);
    accept_loopback(compilation, Hook::input, IngressLoopback{});
    accept_established(compilation, Hook::input);
    deny_wan_to_inside(compilation, Hook::input);
    for (const ZoneFacts& facts : compilation.zones) {
        if (facts.zone->is_wan()) {
            input_from_wan(compilation, facts);
        } else {
            input_from_inside(compilation, facts);
        }
    }
}

void compile_management(Compilation& compilation) {
    const model::Management& management = compilation.model.management;
    for (const std::string& zone : management.ssh_zones) {
        if (const ZoneFacts* facts = compilation.find_zone(zone)) {
            compilation.accept_connection(
                Hook::input, text::concat("management.ssh.", zone), management.ssh_place, facts->number,
                model::LogAccepted::yes,
                with({IngressZone{facts->number}, kOwnHere},
                     transport_of(model::Protocol::tcp, {{management.ssh_port, management.ssh_port}})));
        }
    }
}

void compile_forward_basics(Compilation& compilation) {
    deny_invalid(compilation, Hook::forward);
    deny_inside_to_wan(compilation, Hook::forward);
    accept_established(compilation, Hook::forward);
    deny_cut_flows(compilation, Hook::forward);
    deny_wan_to_inside(compilation, Hook::forward);
}

void compile_output(Compilation& compilation) {
    accept_loopback(compilation, Hook::output, EgressLoopback{});
    deny_inside_to_wan(compilation, Hook::output);
    accept_established(compilation, Hook::output);
    deny_cut_flows(compilation, Hook::output);
    compile_dhcp_answers(compilation);
    compilation.accept_quietly(Hook::output, "router.neighbour", {},
                               {IcmpTypeIn{Family::ipv6,
                                           {kRouterSolicitation, kRouterAdvertisement, kNeighbourSolicitation,
                                            kNeighbourAdvertisement, kListenerReport}}});
    compilation.accept_connection(Hook::output, "router.output", {}, kRouterZoneNumber, model::LogAccepted::yes, {});
}

void compile_recording(Compilation& compilation) {
    record(compilation, Hook::record_input, "record.input");
    record(compilation, Hook::record_forward, "record.forward");
}

} // namespace sekisho::ruleset

// SPDX-License-Identifier: GPL-2.0-or-later
// Sources that can't be what they say, judged before connection tracking, so that not even an established flow carries
// them.
#include "policy/ruleset/compilation.hpp"

#include <array>

namespace sekisho::ruleset {

namespace {

IpPrefix v4_prefix(std::uint32_t address, unsigned length) {
    return {IpAddress::v4(address), length};
}

IpPrefix v6_prefix(std::uint8_t first, std::uint8_t second, std::uint8_t last, unsigned length) {
    std::array<std::uint8_t, 16> bytes{};
    bytes[0] = first;
    bytes[1] = second;
    bytes[15] = last;
    return {IpAddress::from_bytes(Family::ipv6, bytes), length};
}

/// Never a source on the wire to the outside: this network, loopback, multicast, reserved (RFC 6890); ::1 and multicast
/// (RFC 4291).
std::vector<IpPrefix> martians(Family family) {
    if (family == Family::ipv4) {
        return {v4_prefix(0x0000'0000, 8), v4_prefix(0x7f00'0000, 8), v4_prefix(0xe000'0000, 4),
                v4_prefix(0xf000'0000, 4)};
    }
    return {v6_prefix(0, 0, 1, 128), v6_prefix(0xff, 0, 0, 8)};
}

void screen_wan(Compilation& compilation, const ZoneFacts& wan) {
    for (const Family family : kFamilies) {
        std::vector<IpPrefix> never = martians(family);
        for (const ZoneFacts& facts : compilation.zones) {
            append(never, facts.addresses_in(family));
            if (!facts.zone->is_wan()) {
                append(never, facts.networks_in(family));
            }
        }
        compilation.deny(Hook::screen, "screen.wan-source", Reason::spoofed, wan.zone->place, Drop{},
                         {IngressZone{wan.number}, AddressIn{Side::source, false, normalised(std::move(never))}});
    }
}

void screen_inside(Compilation& compilation, const ZoneFacts& facts) {
    const IngressZone ingress{facts.number};
    const std::string id = facts.rule_id("source");
    // A DHCP client without an address yet (RFC 2131): whether a server may hear it is the input hook's business.
    compilation.accept_quietly(Hook::screen, facts.rule_id("dhcp"), facts.zone->place,
                               {ingress, AddressIn{Side::source, false, {v4_prefix(0, 32)}},
                                ProtocolIs{model::Protocol::udp}, SourcePortIn{{{68, 68}}},
                                DestinationPortIn{{{67, 67}}}});
    // The zone's networks hold the router's own addresses too, and no neighbour has those.
    for (const Family family : kFamilies) {
        if (!facts.addresses_in(family).empty()) {
            compilation.deny(Hook::screen, id, Reason::spoofed, facts.zone->place, Drop{},
                             {ingress, AddressIn{Side::source, false, facts.addresses_in(family)}});
        }
    }
    if (facts.networks_in(Family::ipv4).empty()) {
        compilation.deny(Hook::screen, id, Reason::spoofed, facts.zone->place, Drop{},
                         {ingress, FamilyIs{Family::ipv4}});
    } else {
        compilation.deny(Hook::screen, id, Reason::spoofed, facts.zone->place, Drop{},
                         {ingress, AddressIn{Side::source, true, facts.networks_in(Family::ipv4)}});
    }
    std::vector<IpPrefix> own = facts.networks_in(Family::ipv6);
    own.push_back(v6_prefix(0xfe, 0x80, 0, 10));
    own.push_back(v6_prefix(0, 0, 0, 128)); // duplicate address detection (RFC 4862)
    compilation.deny(Hook::screen, id, Reason::spoofed, facts.zone->place, Drop{},
                     {ingress, AddressIn{Side::source, true, normalised(std::move(own))}});
}

} // namespace

void compile_screen(Compilation& compilation) {
    for (const ZoneFacts& facts : compilation.zones) {
        if (facts.zone->is_wan()) {
            screen_wan(compilation, facts);
        } else {
            screen_inside(compilation, facts);
        }
    }
}

} // namespace sekisho::ruleset

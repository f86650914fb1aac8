// SPDX-License-Identifier: GPL-2.0-or-later
// The DHCP server and the DNS forwarder of inside networks: what reaches them.
#include "policy/ruleset/compilation.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>

namespace sekisho::ruleset {

namespace {

constexpr model::PortRange kServerPort{67, 67}; // RFC 2131
constexpr model::PortRange kClientPort{68, 68};
constexpr model::PortRange kDnsPort{53, 53};

void accept_clients(Compilation& compilation, const ZoneFacts& facts, const model::Interface& interface) {
    std::vector<IpPrefix> here{{IpAddress::v4(0xffff'ffff), 32}};
    for (const InterfaceAddress& own : interface.addresses) {
        if (own.address.family() == Family::ipv4) {
            here.emplace_back(own.address, 32);
        }
    }
    compilation.accept_connection(
        Hook::input, facts.rule_id("dhcp-server"), interface.dhcp_server->place, facts.number, model::LogAccepted::no,
        {IngressDevice{interface.name}, AddressIn{Side::destination, false, normalised(std::move(here))},
         ProtocolIs{model::Protocol::udp}, SourcePortIn{{kClientPort}}, DestinationPortIn{{kServerPort}}});
}

} // namespace

/// Without an address a device reaches nothing, so whatever its role says, it may ask for one.
void compile_dhcp(Compilation& compilation) {
    for (const ZoneFacts& facts : compilation.zones) {
        for (const std::string& name : facts.zone->interfaces) {
            const model::Interface* interface = compilation.model.find_interface(name);
            if (interface != nullptr && interface->dhcp_server) {
                accept_clients(compilation, facts, *interface);
            }
        }
    }
}

/// Each look-up would be a record of its own: they are not in the access log.
void compile_dns(Compilation& compilation) {
    for (const ZoneFacts& facts : compilation.zones) {
        for (const std::string& name : facts.zone->interfaces) {
            const model::Interface* interface = compilation.model.find_interface(name);
            if (interface == nullptr || !interface->dns_forwarder) {
                continue;
            }
            for (const model::Protocol protocol : {model::Protocol::udp, model::Protocol::tcp}) {
                compilation.accept_connection(
                    Hook::input, facts.rule_id("dns"), interface->place, facts.number, model::LogAccepted::no,
                    with({IngressDevice{name}, AddressKind{Side::destination, AddressKind::Kind::local, true, false}},
                         transport_of(protocol, {kDnsPort})));
            }
        }
    }
}

/// Answers to who has no address yet are connections of their own.
void compile_dhcp_answers(Compilation& compilation) {
    for (const ZoneFacts& facts : compilation.zones) {
        const bool has_server = std::ranges::any_of(facts.zone->interfaces, [&](const std::string& name) {
            const model::Interface* interface = compilation.model.find_interface(name);
            return interface != nullptr && interface->dhcp_server;
        });
        if (has_server) {
            compilation.accept_connection(Hook::output, "router.dhcp-server", {}, kRouterZoneNumber,
                                          model::LogAccepted::no,
                                          {EgressZone{facts.number}, ProtocolIs{model::Protocol::udp},
                                           SourcePortIn{{kServerPort}}, DestinationPortIn{{kClientPort}}});
        }
    }
}

} // namespace sekisho::ruleset

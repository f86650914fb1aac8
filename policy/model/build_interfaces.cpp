// SPDX-License-Identifier: GPL-2.0-or-later
// Interfaces, bridges, zones and the networks on them.
#include "policy/base/text.hpp"
#include "policy/model/building.hpp"

#include <algorithm>
#include <map>

namespace sekisho::model {

namespace {

// Bounds of comparing every network with every other; far above any router of this kind.
constexpr std::size_t kMostInterfaces = 128;
constexpr std::size_t kMostAddresses = 16;
constexpr std::size_t kMostInsideZones = 125; ///< zone numbers in connection marks
constexpr unsigned kLeastLengthV4 = 8;
constexpr unsigned kLeastLengthV6 = 16;

[[nodiscard]] std::string section_of(const Interface& interface) {
    return text::concat("interfaces ", interface.is_bridge ? "bridge " : "interface ", interface.name);
}

[[nodiscard]] std::optional<std::string> why_no_interface_address(const InterfaceAddress& address) {
    if (const auto why = why_no_host(address.address)) {
        return std::string(*why);
    }
    if (address.address.family() == Family::ipv6 && address.address.is_link_local()) {
        return "a link-local address, which every interface has by itself";
    }
    if (address.length < (address.address.family() == Family::ipv4 ? kLeastLengthV4 : kLeastLengthV6)) {
        return "on a network that is too large";
    }
    if (const auto why = why_no_host_on(address.network(), address.address)) {
        return std::string(*why);
    }
    return std::nullopt;
}

void read_addresses(Building& building, const config::Node& node, Interface& interface) {
    const std::vector<const config::Node*> statements = node.all("address");
    if (statements.empty()) {
        building.addressless.insert(interface.name);
    }
    if (statements.size() > kMostAddresses) {
        building.diagnostics.error(
            node.place, section_of(interface),
            text::concat("more than ", text::to_text(kMostAddresses), " addresses on one interface"));
        return;
    }
    for (const config::Node* statement : statements) {
        const InterfaceAddress address = InterfaceAddress::parse(statement->value).value();
        if (const auto why = why_no_interface_address(address)) {
            building.diagnostics.error(statement->value_place, section_of(interface),
                                       text::concat("address ", statement->value, " is ", *why),
                                       "write the router's own address on the network, as 10.0.1.1/24");
            continue;
        }
        interface.addresses.push_back(address);
        building.own_addresses.push_back({address, interface.name, statement->value_place});
    }
}

/// Link-local IPv6 gateways are on every link; others must be on a network of the interface.
[[nodiscard]] std::optional<std::string> why_no_gateway(const Interface& interface, const IpAddress& gateway) {
    if (const auto why = why_no_host(gateway)) {
        return text::concat("is ", *why);
    }
    if (gateway.family() == Family::ipv6 && gateway.is_link_local()) {
        return std::nullopt;
    }
    for (const InterfaceAddress& address : interface.addresses) {
        if (address.address == gateway) {
            return "is the router's own address";
        }
        if (address.network().contains(gateway)) {
            const auto why = why_no_host_on(address.network(), gateway);
            return why ? std::optional(text::concat("is ", *why)) : std::nullopt;
        }
    }
    return text::concat("is on no network of ", interface.name);
}

void read_gateways(Building& building, const config::Node& node, Interface& interface) {
    for (const config::Node* statement : node.all("gateway")) {
        const IpAddress gateway = IpAddress::parse(statement->value).value();
        const std::string title = text::concat("gateway ", statement->value);
        if (const auto why = why_no_gateway(interface, gateway)) {
            building.diagnostics.error(statement->value_place, section_of(interface), text::concat(title, " ", *why),
                                       "a gateway is a neighbour: add an address of the network that it is on");
            continue;
        }
        const bool second = std::any_of(interface.gateways.begin(), interface.gateways.end(),
                                        [&](const IpAddress& other) { return other.family() == gateway.family(); });
        if (second) {
            building.diagnostics.error(
                statement->place, section_of(interface),
                text::concat(title, " is a second one for ", gateway.family() == Family::ipv4 ? "IPv4" : "IPv6"),
                "one gateway per family");
            continue;
        }
        if (interface.dhcp && gateway.family() == Family::ipv4) {
            building.diagnostics.error(statement->place, section_of(interface), text::concat(title, " beside dhcp"),
                                       "the lease brings the IPv4 gateway: take one of them away");
            continue;
        }
        interface.gateways.push_back(gateway);
    }
}

void check_dhcp(Building& building, const config::Node& node, const Interface& interface) {
    const bool has_v4 =
        std::any_of(interface.addresses.begin(), interface.addresses.end(),
                    [](const InterfaceAddress& address) { return address.address.family() == Family::ipv4; });
    if (interface.dhcp && has_v4) {
        building.diagnostics.error(node.find("dhcp")->place, section_of(interface), "dhcp beside an IPv4 address",
                                   "the lease brings the IPv4 address: take one of them away");
    }
}

void build_interface(Building& building, const config::Node& node, bool is_bridge) {
    Interface interface{
        .name = node.name(), .place = node.place, .is_bridge = is_bridge, .ports = {}, .addresses = {}, .gateways = {}};
    interface.dhcp = node.find("dhcp") != nullptr;
    for (const config::Node* port : node.all("port")) {
        interface.ports.push_back(port->value);
    }
    read_addresses(building, node, interface);
    read_gateways(building, node, interface);
    check_dhcp(building, node, interface);
    building.model.interfaces.push_back(std::move(interface));
}

/// Every name of the kernel's may be used once: as an interface, as a bridge or as a port of one bridge.
void check_ports(Building& building, const config::Node& interfaces) {
    struct Use {
        std::string as;
        Place place;
    };

    std::map<std::string_view, Use> uses;
    const auto use = [&](const config::Node& node, std::string_view name, const std::string& as,
                         const std::string& section) {
        const auto [first, fresh] = uses.emplace(name, Use{as, node.place});
        if (!fresh) {
            building.diagnostics.error(node.place, section,
                                       text::concat("'", name, "' can't be ", as, ": it is ", first->second.as, " (",
                                                    line_of(first->second.place), ")"),
                                       "a network port has one use");
        }
    };
    for (const config::Node* node : interfaces.all("interface")) {
        use(*node, node->value, "an interface of its own", "interfaces");
    }
    for (const config::Node* node : interfaces.all("bridge")) {
        use(*node, node->value, "a bridge", "interfaces");
    }
    for (const config::Node* node : interfaces.all("bridge")) {
        for (const config::Node* port : node->all("port")) {
            use(*port, port->value, text::concat("a port of bridge ", node->value),
                text::concat("interfaces bridge ", node->value));
        }
    }
}

[[nodiscard]] const Interface* bridge_of_port(const Model& model, std::string_view port) {
    for (const Interface& interface : model.interfaces) {
        if (std::find(interface.ports.begin(), interface.ports.end(), port) != interface.ports.end()) {
            return &interface;
        }
    }
    return nullptr;
}

void report_unknown_interface(Building& building, const config::Node& statement, const std::string& section) {
    std::string hint;
    if (const Interface* bridge = bridge_of_port(building.model, statement.value)) {
        hint = text::concat("it is a port of bridge ", bridge->name, ": name the bridge");
    } else {
        hint = suggest(building, statement.value, building.model.interfaces);
    }
    building.diagnostics.error(statement.value_place, section,
                               text::concat("there is no interface or bridge '", statement.value, "'"), hint);
}

void check_interfaces_of(Building& building, const Zone& zone) {
    for (const std::string& name : zone.interfaces) {
        const Interface& interface = *building.model.find_interface(name);
        if (zone.is_wan()) {
            if (building.addressless.contains(name) && !interface.dhcp) {
                building.diagnostics.error(interface.place, section_of(interface),
                                           "an interface of zone wan needs an address or dhcp");
            }
            continue;
        }
        const std::string inside = text::concat("only for zone wan; ", interface.name, " is in zone ", zone.name);
        if (interface.dhcp) {
            building.diagnostics.error(interface.place, section_of(interface), text::concat("dhcp is ", inside),
                                       "on an inside network the router is the one with a fixed address");
        }
        if (!interface.gateways.empty()) {
            building.diagnostics.error(interface.place, section_of(interface), text::concat("a gateway is ", inside),
                                       "from an inside network no route to the internet is taken");
        }
        if (building.addressless.contains(name) && !interface.dhcp) {
            building.diagnostics.error(interface.place, section_of(interface),
                                       "an interface of an inside zone needs an address",
                                       "without one, the router can't tell which senders belong to its network");
        }
    }
}

void check_wan_gateways(Building& building, const Zone& wan) {
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        const Interface* first = nullptr;
        for (const std::string& name : wan.interfaces) {
            const Interface& interface = *building.model.find_interface(name);
            const bool leads_out = (interface.dhcp && family == Family::ipv4) ||
                                   std::any_of(interface.gateways.begin(), interface.gateways.end(),
                                               [&](const IpAddress& gateway) { return gateway.family() == family; });
            if (leads_out && first != nullptr) {
                building.diagnostics.error(interface.place, section_of(interface),
                                           text::concat("a second way to the internet for ",
                                                        family == Family::ipv4 ? "IPv4" : "IPv6", "; the first is ",
                                                        first->name, " (", line_of(first->place), ")"),
                                           "one gateway (or dhcp) per family in zone wan");
            } else if (leads_out) {
                first = &interface;
            }
        }
    }
}

/// Which zone names an interface first; a refused zone counts too.
struct Holder {
    std::string zone;
    Place place;
};

using Holders = std::map<std::string, Holder>;

void build_zone(Building& building, const config::Node& node, Holders& holders) {
    const std::string section = text::concat("zones ", node.name());
    const bool is_router = node.name() == kRouterZone;
    const bool reserved = is_router || node.name() == "none";
    if (reserved) {
        building.diagnostics.error(node.place, "zones", text::concat("'", node.name(), "' can't be the name of a zone"),
                                   is_router ? "router is the router itself; it is always there and has no interfaces"
                                             : "the log uses it for what belongs to no zone");
    }
    Zone zone{.name = node.name(), .place = node.place, .interfaces = {}};
    for (const config::Node* statement : node.all("interface")) {
        const auto [holder, fresh] = holders.emplace(statement->value, Holder{zone.name, zone.place});
        if (building.model.find_interface(statement->value) == nullptr) {
            report_unknown_interface(building, *statement, section);
        } else if (!fresh) {
            building.diagnostics.error(statement->place, section,
                                       text::concat("interface ", statement->value, " is already in zone ",
                                                    holder->second.zone, " (", line_of(holder->second.place), ")"),
                                       "an interface belongs to one zone");
        } else {
            zone.interfaces.push_back(statement->value);
        }
    }
    if (!reserved) {
        building.model.zones.push_back(std::move(zone));
    }
}

void check_zones(Building& building, const config::Node& zones, const Holders& holders) {
    if (const Zone* wan = building.model.find_zone(kWanZone)) {
        check_wan_gateways(building, *wan);
    } else {
        building.diagnostics.error(zones.place, "zones", "zone wan is missing",
                                   "wan { interface NAME; } names the interface towards the internet");
    }
    for (const Interface& interface : building.model.interfaces) {
        if (!holders.contains(interface.name)) {
            building.diagnostics.error(interface.place, section_of(interface), "the interface is in no zone",
                                       "add it to a zone under 'zones', or take it away");
        }
    }
    for (const Zone& zone : building.model.zones) {
        check_interfaces_of(building, zone);
    }
}

void build_nat(Building& building) {
    const config::Node* nat = building.tree.find("nat");
    if (nat == nullptr) {
        return;
    }
    for (const config::Node* statement : nat->all("masquerade")) {
        const auto name = read_zone(building, *statement, "nat");
        if (name == kWanZone || name == kRouterZone) {
            building.diagnostics.error(statement->value_place, "nat",
                                       text::concat("zone ", *name, " can't be masqueraded"),
                                       "name the inside zone whose connections take the router's WAN address");
            continue;
        }
        for (Zone& zone : building.model.zones) {
            zone.masquerade = zone.masquerade || zone.name == name;
        }
    }
}

} // namespace

void build_interfaces(Building& building) {
    const config::Node& interfaces = *building.tree.find("interfaces");
    const std::size_t count = interfaces.all("interface").size() + interfaces.all("bridge").size();
    if (count > kMostInterfaces) {
        building.diagnostics.error(
            interfaces.place, "interfaces",
            text::concat("more than ", text::to_text(kMostInterfaces), " interfaces and bridges"));
        return;
    }
    check_ports(building, interfaces);
    for (const config::Node& node : interfaces.children) {
        build_interface(building, node, node.key == "bridge");
    }
}

void build_zones(Building& building) {
    const config::Node& zones = *building.tree.find("zones");
    if (zones.children.size() > kMostInsideZones + 1) {
        building.diagnostics.error(zones.place, "zones",
                                   text::concat("more than ", text::to_text(kMostInsideZones), " inside zones"));
        return;
    }
    Holders holders;
    for (const config::Node& node : zones.children) {
        build_zone(building, node, holders);
    }
    check_zones(building, zones, holders);
    build_nat(building);
}

void check_networks(Building& building) {
    for (std::size_t later = 1; later < building.own_addresses.size(); ++later) {
        const OwnAddress& one = building.own_addresses[later];
        for (std::size_t earlier = 0; earlier < later; ++earlier) {
            const OwnAddress& other = building.own_addresses[earlier];
            const bool same_interface = one.interface == other.interface;
            // several addresses on one network are in order
            if (!one.address.network().overlaps(other.address.network()) ||
                (same_interface && one.address.network() == other.address.network())) {
                continue;
            }
            const Zone* zone = building.model.zone_of_interface(one.interface);
            const Zone* other_zone = building.model.zone_of_interface(other.interface);
            const bool with_wan = zone != nullptr && other_zone != nullptr && zone->is_wan() != other_zone->is_wan();
            building.diagnostics.error(
                one.place, section_of(*building.model.find_interface(one.interface)),
                text::concat("network ", one.address.network().text(), " overlaps ", other.address.network().text(),
                             " of ", other.interface, " (", line_of(other.place), ")"),
                with_wan
                    ? "an inside network can't also be outside: nobody could tell an inside sender from a spoofed one"
                    : "every network is on one interface; to join ports into one network, use a bridge");
            break;
        }
    }
}

} // namespace sekisho::model

// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses on inside networks: who gives them out, which devices have their own, and who answers DNS there.
#include "policy/base/text.hpp"
#include "policy/model/building.hpp"

#include <algorithm>
#include <map>

namespace sekisho::model {

namespace {

constexpr std::size_t kMostRanges = 16;       ///< of an interface: each is compared with each
constexpr std::uint64_t kMostLeases = 16'384; ///< of an interface
constexpr std::size_t kMostDeviceAddresses = 16;

[[nodiscard]] std::string section_of(const config::Node& interface, std::string_view what) {
    return text::concat("interfaces ", interface.key, " ", interface.name(), " ", what);
}

[[nodiscard]] bool has_ipv4(const Interface& interface) {
    return std::ranges::any_of(
        interface.addresses, [](const InterfaceAddress& address) { return address.address.family() == Family::ipv4; });
}

[[nodiscard]] bool overlap(const IpRange& one, const IpRange& other) {
    return one.first <= other.last && other.first <= one.last;
}

[[nodiscard]] std::uint64_t size_of(const IpRange& range) {
    return std::uint64_t{range.last.to_v4()} - range.first.to_v4() + 1;
}

/// Why these addresses can't be given to devices on the interface: "is on no network of br-clinic".
[[nodiscard]] std::optional<std::string> why_no_range(const Interface& interface, const IpRange& range) {
    if (range.family() != Family::ipv4) {
        return "is IPv6; the server gives out IPv4 addresses alone";
    }
    const auto own = std::ranges::find_if(interface.addresses, [&](const InterfaceAddress& address) {
        return address.network().contains(range.first) && address.network().contains(range.last);
    });
    if (own == interface.addresses.end()) {
        return text::concat("is on no network of ", interface.name);
    }
    for (const IpAddress& end : {range.first, range.last}) {
        if (const auto why = why_no_host_on(own->network(), end)) {
            return text::concat("holds ", end.text(), ", ", *why);
        }
    }
    for (const InterfaceAddress& address : interface.addresses) {
        if (range.contains(address.address)) {
            return text::concat("holds the router's own address ", address.address.text());
        }
    }
    return std::nullopt;
}

void read_ranges(Building& building, const config::Node& node, const Interface& interface, DhcpServer& server,
                 const std::string& section) {
    const auto statements = node.all("range");
    if (statements.size() > kMostRanges) {
        building.diagnostics.error(statements[kMostRanges]->place, section,
                                   text::concat("more than ", text::to_text(kMostRanges), " ranges"));
        return;
    }
    std::uint64_t count = 0;
    for (const config::Node* statement : statements) {
        const IpRange range = IpRange::parse(statement->value).value();
        const std::string title = text::concat("range ", statement->value);
        if (const auto why = why_no_range(interface, range)) {
            building.diagnostics.error(statement->value_place, section, text::concat(title, " ", *why),
                                       "write the addresses that are free for anybody, as 10.0.1.100-10.0.1.199");
            continue;
        }
        if (std::ranges::any_of(server.ranges, [&](const IpRange& other) { return overlap(range, other); })) {
            building.diagnostics.error(statement->value_place, section,
                                       text::concat(title, " overlaps another range here"), "write each address once");
            continue;
        }
        count += size_of(range);
        server.ranges.push_back(range);
    }
    if (count > kMostLeases) {
        building.diagnostics.error(node.place, section,
                                   text::concat("the ranges hold more than ", text::to_text(kMostLeases), " addresses"),
                                   "a shorter range is enough: an address that is not used any more is given anew");
    }
}

void build_server(Building& building, const config::Node& node, Interface& interface) {
    const config::Node* statement = node.find("dhcp-server");
    if (statement == nullptr) {
        return;
    }
    const std::string section = section_of(node, "dhcp-server");
    const Zone* zone = building.model.zone_of_interface(interface.name);
    if (zone != nullptr && zone->is_wan()) {
        building.diagnostics.error(
            statement->place, section, "a DHCP server is not for zone wan",
            "it belongs to the inside network whose devices get their addresses from the router");
        return;
    }
    if (!has_ipv4(interface)) {
        building.diagnostics.error(statement->place, section, text::concat(interface.name, " has no IPv4 address"),
                                   "the router has to be on the network that it gives addresses of");
        return;
    }
    DhcpServer server{.place = statement->place, .ranges = {}};
    server.lease_seconds = static_cast<unsigned>(
        setting_number(statement, interface.is_bridge ? "interfaces bridge * dhcp-server lease-time"
                                                      : "interfaces interface * dhcp-server lease-time"));
    read_ranges(building, *statement, interface, server, section);
    interface.dhcp_server = std::move(server);
}

void build_forwarder(Building& building, const config::Node& node, Interface& interface) {
    const config::Node* statement = node.find("dns-forwarder");
    if (statement == nullptr) {
        return;
    }
    const std::string section = section_of(node, "dns-forwarder");
    const Zone* zone = building.model.zone_of_interface(interface.name);
    if (zone != nullptr && zone->is_wan()) {
        building.diagnostics.error(statement->place, section, "the router answers no DNS questions from zone wan",
                                   "a server that anybody may ask is used to flood others with its answers");
        return;
    }
    interface.dns_forwarder = true;
    const bool has_lease = std::ranges::any_of(building.model.interfaces, &Interface::dhcp);
    if (building.model.system.name_servers.empty() && !has_lease) {
        building.diagnostics.warning(statement->place, section, "there is no name server to ask",
                                     "add a name-server under 'system'");
    }
}

/// Whose an address is.
struct Holder {
    std::string device;
    Place place;
};

using Holders = std::map<IpAddress, Holder>;

/// Why an address can't be a device's: "is on no network of an inside zone".
[[nodiscard]] std::optional<std::string> why_no_device_address(const Model& model, const Device& device,
                                                               const IpAddress& address) {
    if (const auto why = why_no_host(address)) {
        return text::concat("is ", *why);
    }
    if (address.is_link_local()) {
        return "is a link-local address, which no router passes on";
    }
    const Interface* home = model.home_of(address);
    if (home == nullptr) {
        return "is on no network of an inside zone";
    }
    for (const InterfaceAddress& own : home->addresses) {
        if (own.address == address) {
            return text::concat("is the router's own on ", home->name);
        }
        if (const auto why = why_no_host_on(own.network(), address); why && own.network().contains(address)) {
            return text::concat("is ", *why);
        }
    }
    if (device.port && !std::ranges::contains(home->ports, *device.port)) {
        return text::concat("is on a network of ", home->name, ", which the device's port ", *device.port,
                            " does not belong to");
    }
    if (home->dhcp_server) {
        for (const IpRange& range : home->dhcp_server->ranges) {
            if (range.contains(address)) {
                return text::concat("is in the range ", range.text(), " of ", home->name,
                                    ", whose addresses are given to anybody");
            }
        }
    }
    return std::nullopt;
}

void read_addresses(Building& building, const config::Node& node, Device& device, Holders& holders) {
    const std::string section = text::concat("port-access device ", node.name());
    const auto statements = node.all("address");
    if (statements.size() > kMostDeviceAddresses) {
        building.diagnostics.error(statements[kMostDeviceAddresses]->place, section,
                                   text::concat("more than ", text::to_text(kMostDeviceAddresses), " addresses"));
        return;
    }
    for (const config::Node* statement : statements) {
        const IpAddress address = IpAddress::parse(statement->value).value();
        const std::string title = text::concat("address ", statement->value);
        if (const auto why = why_no_device_address(building.model, device, address)) {
            building.diagnostics.error(statement->value_place, section, text::concat(title, " ", *why),
                                       "name a free address of the inside network that the device is on");
            continue;
        }
        const auto [holder, fresh] = holders.emplace(address, Holder{node.name(), statement->place});
        if (!fresh) {
            building.diagnostics.error(statement->value_place, section,
                                       text::concat(title, " is already that of device ", holder->second.device, " (",
                                                    line_of(holder->second.place), ")"),
                                       "an address belongs to one device");
            continue;
        }
        device.addresses.push_back(address);
    }
}

void build_device_addresses(Building& building) {
    const config::Node* access = building.tree.find("port-access");
    if (access == nullptr) {
        return;
    }
    Holders holders;
    for (const config::Node* node : access->all("device")) {
        const MacAddress mac = MacAddress::parse(node->name()).value();
        auto& devices = building.model.access.devices; // sorted; without any where there were too many
        const auto found = std::ranges::lower_bound(devices, mac, {}, &Device::mac);
        if (found != devices.end() && found->mac == mac) {
            read_addresses(building, *node, *found, holders);
        }
    }
}

/// A server that gives nothing to anybody was meant otherwise.
void check_servers(Building& building) {
    for (const Interface& interface : building.model.interfaces) {
        if (!interface.dhcp_server || !interface.dhcp_server->ranges.empty()) {
            continue;
        }
        const bool has_device = std::ranges::any_of(building.model.access.devices, [&](const Device& device) {
            return std::ranges::any_of(device.addresses, [&](const IpAddress& address) {
                return address.family() == Family::ipv4 && building.model.home_of(address) == &interface;
            });
        });
        if (!has_device) {
            building.diagnostics.warning(interface.dhcp_server->place,
                                         text::concat("interfaces ", interface.is_bridge ? "bridge " : "interface ",
                                                      interface.name, " dhcp-server"),
                                         "it has no addresses to give",
                                         "add a range, or an address to the devices under port-access");
        }
    }
}

} // namespace

void build_dhcp(Building& building) {
    for (const config::Node& node : building.tree.find("interfaces")->children) {
        const auto found = std::ranges::find(building.model.interfaces, node.name(), &Interface::name);
        if (found != building.model.interfaces.end()) {
            build_server(building, node, *found);
            build_forwarder(building, node, *found);
        }
    }
    build_device_addresses(building);
    check_servers(building);
}

} // namespace sekisho::model

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/model/building.hpp"

#include "policy/base/text.hpp"
#include "policy/config/value.hpp"

namespace sekisho::model {

namespace {

constexpr std::size_t kMostSuggestions = 10;

[[nodiscard]] std::string ports_text(PortRange ports) {
    return ports.first == ports.last ? text::to_text(ports.first)
                                     : text::concat(text::to_text(ports.first), "-", text::to_text(ports.last));
}

/// A DHCP lease brings name servers.
[[nodiscard]] bool has_dhcp(const config::Tree& tree) {
    const config::Node* interfaces = tree.find("interfaces");
    if (interfaces != nullptr) {
        for (const config::Node* interface : interfaces->all("interface")) {
            if (interface->find("dhcp") != nullptr) {
                return true;
            }
        }
    }
    return false;
}

/// "service web source"; the block's own name at the top level.
[[nodiscard]] std::string section_in(const config::Node& block, const std::string& section) {
    return section.empty() ? block.key : text::concat(section, " ", block.key);
}

} // namespace

std::string setting(const config::Node* block, std::string_view path) {
    const std::size_t space = path.rfind(' ');
    const config::Node* node = block == nullptr ? nullptr : block->find(path.substr(space + 1));
    if (node != nullptr) {
        return node->value;
    }
    return std::string(config::find_parameter(path)->fallback);
}

std::uint64_t setting_number(const config::Node* block, std::string_view path) {
    return config::parse_size(setting(block, path)).value();
}

const AddressList& Building::list(std::string_view name) const {
    return model.address_lists[list_index.find(name)->second];
}

std::string suggest_name(std::string_view word, const std::vector<std::string_view>& known) {
    if (const auto near = text::nearest(word, known)) {
        return text::concat("did you mean '", *near, "'?");
    }
    std::string all;
    for (std::size_t index = 0; index < known.size() && index < kMostSuggestions; ++index) {
        all += text::concat(index == 0 ? "there is: " : ", ", known[index]);
    }
    return known.size() > kMostSuggestions ? all + " …" : all;
}

LogAccepted read_log(const config::Node& node, std::string_view path) {
    return setting(&node, path) == "none" ? LogAccepted::no : LogAccepted::yes;
}

std::string line_of(Place place) {
    return text::concat("line ", text::to_text(place.line));
}

ProtocolAndPorts read_protocol(Building& building, const config::Node& node, std::string_view path,
                               const std::string& section) {
    ProtocolAndPorts result;
    result.protocol = find_protocol(setting(&node, path)).value();
    std::vector<const config::Node*> statements = node.all("port");
    if (!statements.empty() && !has_ports(result.protocol)) {
        building.diagnostics.error(
            statements.front()->place, section, text::concat("protocol ", name_of(result.protocol), " has no ports"),
            result.protocol == Protocol::any ? "name the protocol: tcp, udp or sctp" : "take the port away");
        return result;
    }
    // one bit per port: a file may hold tens of thousands of them
    std::vector<bool> taken(65536);
    for (const config::Node* statement : statements) {
        const config::PortNumbers numbers = config::parse_ports(statement->value).value();
        bool overlaps = false;
        for (std::uint32_t port = numbers.first; port <= numbers.last; ++port) {
            overlaps = overlaps || taken[port];
            taken[port] = true;
            if (overlaps) {
                break;
            }
        }
        const PortRange ports{numbers.first, numbers.last};
        if (overlaps) {
            building.diagnostics.error(
                statement->place, section,
                text::concat("port ", ports_text(ports), " overlaps another port statement here"),
                "write each port once");
            continue;
        }
        result.ports.push_back(ports);
    }
    return result;
}

std::vector<std::string> read_lists(Building& building, const config::Node* block, const std::string& section) {
    std::vector<std::string> names;
    if (block == nullptr) {
        return names;
    }
    for (const config::Node* statement : block->all("address-list")) {
        if (!building.list_index.contains(statement->value)) {
            building.diagnostics.error(statement->value_place, section_in(*block, section),
                                       text::concat("there is no address-list '", statement->value, "'"),
                                       suggest(building, statement->value, building.model.address_lists));
            continue;
        }
        names.push_back(statement->value);
    }
    return names;
}

std::vector<std::string> read_geo_lists(Building& building, const config::Node* block, const std::string& section) {
    std::vector<std::string> names;
    if (block == nullptr) {
        return names;
    }
    for (const config::Node* statement : block->all("geo-list")) {
        if (building.model.find_geo_list(statement->value) == nullptr) {
            building.diagnostics.error(statement->value_place, section_in(*block, section),
                                       text::concat("there is no geo-list '", statement->value, "'"),
                                       suggest(building, statement->value, building.model.geo_lists));
            continue;
        }
        names.push_back(statement->value);
    }
    return names;
}

void require_lists(Building& building, const config::Node* block, const std::string& section) {
    if (block != nullptr && block->children.empty()) {
        building.diagnostics.error(block->place, section_in(*block, section), "no list is named",
                                   "it is written: address-list NAME; or geo-list NAME;");
    }
}

std::optional<std::string> read_zone(Building& building, const config::Node& node, const std::string& section) {
    if (node.value == kRouterZone || building.model.find_zone(node.value) != nullptr) {
        return node.value;
    }
    std::vector<std::string_view> known;
    for (const Zone& zone : building.model.zones) {
        known.emplace_back(zone.name);
    }
    known.push_back(kRouterZone);
    building.diagnostics.error(node.value_place, section,
                               text::concat(node.key, ": there is no zone '", node.value, "'"),
                               suggest_name(node.value, known));
    return std::nullopt;
}

void warn_unless_found(Building& building, const config::Node& statement, const std::string& section) {
    if (building.model.system.name_servers.empty() && !has_dhcp(building.tree)) {
        building.diagnostics.warning(statement.place, section,
                                     text::concat(statement.key, " ", statement.value,
                                                  " can't be found: there is no name server to ask for its address"),
                                     "add a name-server under 'system', or write the server's address");
    }
}

std::optional<std::string_view> why_no_host(const IpAddress& address) noexcept {
    if (address.is_unspecified()) {
        return "the unspecified address";
    }
    if (address.is_loopback()) {
        return "a loopback address";
    }
    if (address.is_multicast()) {
        return "a multicast address";
    }
    if (address.family() == Family::ipv4) {
        const std::uint32_t first = address.to_v4() >> 24;
        if (first == 0) {
            return "an address of \"this network\" (0.0.0.0/8)";
        }
        if (first >= 240) {
            return "a reserved address (240.0.0.0/4)";
        }
        return std::nullopt;
    }
    static const IpPrefix kMapped = IpPrefix::parse("::ffff:0:0/96").value();
    if (kMapped.contains(address)) {
        return "an IPv4 address in IPv6 notation";
    }
    return std::nullopt;
}

std::optional<std::string_view> why_no_host_on(const IpPrefix& network, const IpAddress& address) noexcept {
    // RFC 3021 and RFC 6164: the two addresses of a point-to-point network are both hosts
    if (network.length() + 1 >= bits_of(network.family())) {
        return std::nullopt;
    }
    if (address == network.first()) {
        return network.family() == Family::ipv4 ? "the address of the network itself"
                                                : "the network's anycast address of all its routers (RFC 4291)";
    }
    if (network.family() == Family::ipv4 && address == network.last()) {
        return "the broadcast address of its network";
    }
    return std::nullopt;
}

} // namespace sekisho::model

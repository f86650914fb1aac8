// SPDX-License-Identifier: GPL-2.0-or-later
// Services: each for itself.
#include "policy/address/range_set.hpp"
#include "policy/base/text.hpp"
#include "policy/model/building.hpp"
#include "policy/model/sensitive_ports.hpp"

#include <algorithm>
#include <map>

namespace sekisho::model {

namespace {

constexpr std::size_t kMostNetworksShown = 8;

[[nodiscard]] std::string section_of(const Service& service) {
    return text::concat("service ", service.name);
}

[[nodiscard]] std::string_view family_title(Family family) {
    return family == Family::ipv4 ? "IPv4" : "IPv6";
}

[[nodiscard]] std::string networks_text(const std::vector<IpPrefix>& networks) {
    std::string all;
    for (std::size_t index = 0; index < networks.size() && index < kMostNetworksShown; ++index) {
        all += text::concat(all.empty() ? "" : ", ", networks[index].text());
    }
    return networks.size() > kMostNetworksShown ? all + " …" : all;
}

void read_from(Building& building, const config::Node& node, Service& service) {
    const std::vector<const config::Node*> statements = node.all("from");
    if (statements.empty()) {
        service.from = {setting(nullptr, "service * from")};
        return;
    }
    bool has_wan = false;
    bool all_known = true;
    for (const config::Node* statement : statements) {
        const auto zone = read_zone(building, *statement, section_of(service));
        all_known = all_known && zone.has_value();
        if (zone == kRouterZone) {
            building.diagnostics.error(statement->value_place, section_of(service),
                                       "from router: the router itself needs no service",
                                       "its own connections are not held back");
        } else if (zone) {
            has_wan = has_wan || zone == kWanZone;
            service.from.push_back(*zone);
        }
    }
    if (!has_wan && all_known) {
        building.diagnostics.error(statements.front()->place, section_of(service),
                                   "a service is for the WAN, and 'from' leaves it out",
                                   "add 'from wan;', or write a policy for what an inside zone may reach");
    }
}

/// Why an address is no inside host; nothing where it is one.
[[nodiscard]] std::optional<std::string> why_no_inside_host(const Building& building, const IpAddress& host) {
    for (const OwnAddress& own : building.own_addresses) {
        if (own.address.address == host) {
            return "is the router's own address";
        }
    }
    for (const IpPrefix& network : building.model.inside_networks()) {
        if (network.contains(host)) {
            const auto why = why_no_host_on(network, host);
            return why ? std::optional(text::concat("is ", *why)) : std::nullopt;
        }
    }
    return "is in no inside network";
}

void read_forwarding(Building& building, const config::Node& node, Service& service) {
    for (const config::Node* statement : node.all("forward-to")) {
        const IpAddress host = IpAddress::parse(statement->value).value();
        const std::string title = text::concat("forward-to ", statement->value);
        std::optional<IpAddress>& slot = host.family() == Family::ipv4 ? service.forward_v4 : service.forward_v6;
        if (slot) {
            building.diagnostics.error(statement->place, section_of(service),
                                       text::concat(title, " is a second ", family_title(host.family()), " host"),
                                       "one inside host per family");
            continue;
        }
        if (const auto why = why_no_inside_host(building, host)) {
            building.diagnostics.error(
                statement->value_place, section_of(service), text::concat(title, " ", *why),
                text::concat("inside networks: ", networks_text(building.model.inside_networks())));
        }
        slot = host;
    }
    const bool wrong_family = (service.protocol == Protocol::icmp && service.forward_v6) ||
                              (service.protocol == Protocol::icmpv6 && service.forward_v4);
    if (wrong_family) {
        building.diagnostics.error(node.find("forward-to")->place, section_of(service),
                                   text::concat("protocol ", name_of(service.protocol),
                                                " can't be forwarded to an address of the other family"),
                                   "icmp is of IPv4, icmpv6 of IPv6");
    }
}

void read_forward_port(Building& building, const config::Node& node, Service& service) {
    const config::Node* statement = node.find("forward-port");
    if (statement == nullptr) {
        return;
    }
    if (!service.is_forwarded()) {
        building.diagnostics.error(statement->place, section_of(service), "forward-port without forward-to",
                                   "name the inside host");
        return;
    }
    if (service.ports.size() != 1 || service.ports.front().first != service.ports.front().last) {
        building.diagnostics.error(statement->place, section_of(service),
                                   "forward-port needs exactly one port in front of it",
                                   "write a service for each port that is translated");
        return;
    }
    service.forward_port = static_cast<std::uint16_t>(text::parse_unsigned(statement->value).value());
}

/// How many addresses a service's lists admit together, expired entries included: an entry's day may be moved, its
/// width is what is judged.
struct Width {
    double v4 = 0;
    double v6 = 0;
    double global_v6 = 0; ///< those within 2000::/3

    [[nodiscard]] double of(Family family) const noexcept { return family == Family::ipv4 ? v4 : v6; }
};

[[nodiscard]] Width width_of(const Building& building, const std::vector<std::string>& lists) {
    static const IpPrefix kGlobal = IpPrefix::parse("2000::/3").value();
    std::vector<IpRange> ranges;
    for (const std::string& name : lists) {
        for (const ListEntry& entry : building.list(name).entries) {
            ranges.push_back(entry.range);
        }
    }
    const std::vector<IpRange> merged = address::merge(std::move(ranges));
    const std::vector<IpRange> elsewhere = address::subtract(merged, std::vector{IpRange::of(kGlobal)});
    Width width{.v4 = address::count(merged, Family::ipv4), .v6 = address::count(merged, Family::ipv6)};
    width.global_v6 = width.v6 - address::count(elsewhere, Family::ipv6);
    return width;
}

/// Services mostly share their lists, and lists may be long.
using WidthCache = std::map<std::vector<std::string>, Width>;

[[nodiscard]] const SensitivePort* sensitive_inside_port(const Model& model, const Service& service) {
    if (leads_to_ssh(model, service)) { // whatever port it was given
        static const SensitivePort kRouterSsh{{}, Transport::tcp, "SSH on the router"};
        return &kRouterSsh;
    }
    if (service.forward_port) {
        return find_sensitive(service.protocol, {*service.forward_port, *service.forward_port});
    }
    for (const PortRange ports : service.ports) {
        if (const SensitivePort* row = find_sensitive(service.protocol, ports)) {
            return row;
        }
    }
    return nullptr;
}

void check_width(Building& building, const Service& service, const Width& width, Place place) {
    const double v4 = width.v4;
    const double v6 = width.global_v6;
    const std::string v4_text = text::to_text(static_cast<std::uint64_t>(v4));
    const std::string section = text::concat(section_of(service), " source");
    if (v4 > kMostSourcesV4) {
        building.diagnostics.error(
            place, section,
            text::concat("the lists together admit ", v4_text, " IPv4 addresses, which is as good as any"),
            "at most 16777216 (as many as a /8); name the networks that need the service");
    }
    if (v6 >= kAnySourcesV6) {
        building.diagnostics.error(
            place, section,
            "the lists together admit half of the global IPv6 addresses or more, which is as good as any",
            "name the networks that need the service");
    }
    const SensitivePort* sensitive = sensitive_inside_port(building.model, service);
    if (sensitive == nullptr) {
        return;
    }
    const std::string reached = text::concat("the service leads to ", sensitive->name);
    if (v4 > kMostSensitiveSourcesV4 && v4 <= kMostSourcesV4) {
        building.diagnostics.error(
            place, section,
            text::concat(reached, "; for that, the lists together admit too many IPv4 addresses: ", v4_text),
            "at most 65536 (as many as a /16); name the addresses of those who maintain it");
    }
    if (v6 > kMostSensitiveSourcesV6 && v6 < kAnySourcesV6) {
        building.diagnostics.error(
            place, section, text::concat(reached, "; for that, the lists together admit too many IPv6 addresses"),
            "at most as many as a /32; name the networks of those who maintain it");
    }
}

/// A country has millions of addresses, and whoever breaks in rents one of them.
void check_country_alone(Building& building, const Service& service, Place place) {
    const std::string section = text::concat(section_of(service), " source");
    if (const SensitivePort* sensitive = sensitive_inside_port(building.model, service)) {
        building.diagnostics.error(
            place, section,
            text::concat("the service leads to ", sensitive->name, "; for that, a country is far too wide a source"),
            "add an address-list with the addresses of those who maintain it; both must admit");
        return;
    }
    building.diagnostics.warning(place, section,
                                 "the service is guarded by country alone, which is weaker than an address list",
                                 "add an address-list where those who use it are known; both must admit");
}

/// Whether connections of a family can come to the service at all, apart from its lists.
[[nodiscard]] bool serves(const Model& model, const Service& service, Family family) {
    if (service.protocol == (family == Family::ipv4 ? Protocol::icmpv6 : Protocol::icmp)) {
        return false;
    }
    if (service.is_forwarded()) {
        return family == Family::ipv4 ? service.forward_v4.has_value() : service.forward_v6.has_value();
    }
    const Zone* wan = model.find_zone(kWanZone);
    if (wan == nullptr) {
        return false;
    }
    for (const std::string& name : wan->interfaces) {
        const Interface& interface = *model.find_interface(name);
        const bool has_family =
            std::any_of(interface.addresses.begin(), interface.addresses.end(),
                        [&](const InterfaceAddress& address) { return address.address.family() == family; });
        if (has_family || (interface.dhcp && family == Family::ipv4)) {
            return true;
        }
    }
    return false;
}

void warn_of_closed_family(Building& building, const Service& service, const Width& width, Place place) {
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        if (serves(building.model, service, family) && width.of(family) == 0) {
            building.diagnostics.warning(
                place, text::concat(section_of(service), " source"),
                text::concat("the lists have no ", family_title(family), " address: the service is closed over ",
                             family_title(family)),
                text::concat("add the ", family_title(family),
                             " addresses of those who use it, if it is to be reached that way"));
        }
    }
}

void read_sources(Building& building, const config::Node& node, Service& service, WidthCache& cache) {
    const config::Node* source = node.find("source");
    if (source == nullptr) {
        building.diagnostics.error(node.place, section_of(service),
                                   "a service from the WAN must say who may use it, and this one has no source list",
                                   "source { address-list NAME; } with the addresses that need it");
        return;
    }
    const std::size_t before = building.diagnostics.error_count();
    require_lists(building, source, section_of(service));
    service.source_lists = read_lists(building, source, section_of(service));
    service.geo_lists = read_geo_lists(building, source, section_of(service));
    if (building.diagnostics.error_count() != before) {
        return;
    }
    if (service.source_lists.empty()) {
        check_country_alone(building, service, source->place);
        return;
    }
    auto width = cache.find(service.source_lists);
    if (width == cache.end()) {
        width = cache.emplace(service.source_lists, width_of(building, service.source_lists)).first;
    }
    check_width(building, service, width->second, source->place);
    warn_of_closed_family(building, service, width->second, source->place);
}

} // namespace

void build_services(Building& building) {
    WidthCache widths;
    for (const config::Node* node : building.tree.all("service")) {
        Service service;
        service.name = node->name();
        service.place = node->place;
        service.description = setting(node, "service * description");
        read_from(building, *node, service);
        const std::size_t before = building.diagnostics.error_count();
        ProtocolAndPorts protocol = read_protocol(building, *node, "service * protocol", section_of(service));
        service.protocol = protocol.protocol;
        service.ports = std::move(protocol.ports);
        if (has_ports(service.protocol) && service.ports.empty() && building.diagnostics.error_count() == before) {
            building.diagnostics.error(node->place, section_of(service),
                                       text::concat("protocol ", name_of(service.protocol), " needs a port"),
                                       "port VALUE; names what the sender addresses");
        }
        read_forwarding(building, *node, service);
        read_forward_port(building, *node, service);
        read_sources(building, *node, service, widths);
        service.log = read_log(*node, "service * log");
        building.model.services.push_back(std::move(service));
    }
}

} // namespace sekisho::model

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/model/model.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sekisho::model {

namespace {

constexpr std::array<std::pair<Protocol, std::string_view>, 9> kProtocols{{
    {Protocol::icmp, "icmp"},
    {Protocol::tcp, "tcp"},
    {Protocol::udp, "udp"},
    {Protocol::gre, "gre"},
    {Protocol::esp, "esp"},
    {Protocol::ah, "ah"},
    {Protocol::icmpv6, "icmpv6"},
    {Protocol::sctp, "sctp"},
    {Protocol::any, "any"},
}};

template <typename Named>
[[nodiscard]] const Named* find_named(const std::vector<Named>& all, std::string_view name) noexcept {
    for (const Named& one : all) {
        if (one.name == name) {
            return &one;
        }
    }
    return nullptr;
}

void sort_unique(std::vector<IpPrefix>& prefixes) {
    std::sort(prefixes.begin(), prefixes.end());
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
}

} // namespace

std::string_view name_of(Protocol protocol) noexcept {
    for (const auto& [known, name] : kProtocols) {
        if (known == protocol) {
            return name;
        }
    }
    return "unknown";
}

std::optional<Protocol> find_protocol(std::string_view name) noexcept {
    for (const auto& [protocol, known] : kProtocols) {
        if (known == name) {
            return protocol;
        }
    }
    return std::nullopt;
}

bool has_ports(Protocol protocol) noexcept {
    return protocol == Protocol::tcp || protocol == Protocol::udp || protocol == Protocol::sctp;
}

const Zone* Model::find_zone(std::string_view name) const noexcept {
    return find_named(zones, name);
}

const Zone* Model::zone_of_interface(std::string_view interface) const noexcept {
    for (const Zone& zone : zones) {
        if (std::ranges::contains(zone.interfaces, interface)) {
            return &zone;
        }
    }
    return nullptr;
}

const Interface* Model::find_interface(std::string_view name) const noexcept {
    return find_named(interfaces, name);
}

const Interface* Model::home_of(const IpAddress& address) const noexcept {
    for (const Interface& interface : interfaces) {
        const Zone* zone = zone_of_interface(interface.name);
        if (zone == nullptr || zone->is_wan()) {
            continue;
        }
        for (const InterfaceAddress& own : interface.addresses) {
            if (own.network().contains(address)) {
                return &interface;
            }
        }
    }
    return nullptr;
}

bool Model::is_guarded(const Interface& interface) const noexcept {
    return std::ranges::any_of(interface.ports,
                               [this](const std::string& name) { return access.find_port(name) != nullptr; });
}

bool Model::routes_between_ports(const Interface& interface) const noexcept {
    const Zone* zone = zone_of_interface(interface.name);
    return zone != nullptr && is_guarded(interface) && std::ranges::any_of(policies, [&](const Policy& policy) {
               return policy.from == zone->name && policy.to == zone->name && policy.action == Action::allow;
           });
}

const AddressList* Model::find_address_list(std::string_view name) const noexcept {
    return find_named(address_lists, name);
}

const GeoList* Model::find_geo_list(std::string_view name) const noexcept {
    return find_named(geo_lists, name);
}

std::vector<IpPrefix> Model::networks_of(const Zone& zone) const {
    std::vector<IpPrefix> networks;
    for (const std::string& name : zone.interfaces) {
        if (const Interface* interface = find_interface(name)) {
            for (const InterfaceAddress& address : interface->addresses) {
                networks.push_back(address.network());
            }
        }
    }
    sort_unique(networks);
    return networks;
}

std::vector<IpAddress> Model::own_addresses_of(const Zone& zone) const {
    std::vector<IpAddress> addresses;
    for (const std::string& name : zone.interfaces) {
        if (const Interface* interface = find_interface(name)) {
            for (const InterfaceAddress& address : interface->addresses) {
                addresses.push_back(address.address);
            }
        }
    }
    return addresses;
}

std::vector<IpPrefix> Model::inside_networks() const {
    std::vector<IpPrefix> networks;
    for (const Zone& zone : zones) {
        if (!zone.is_wan()) {
            const std::vector<IpPrefix> more = networks_of(zone);
            networks.insert(networks.end(), more.begin(), more.end());
        }
    }
    sort_unique(networks);
    return networks;
}

geo::Selection selection_of(const GeoList& list, ListUse use) {
    const bool unknown =
        use == ListUse::admits ? list.unknown == GeoList::Unknown::allow : list.unknown == GeoList::Unknown::deny;
    return {list.countries, unknown};
}

std::vector<geo::Selection> selections_of(const Model& model) {
    std::vector<geo::Selection> selections;
    const auto add = [&](const std::vector<std::string>& names, ListUse use) {
        for (const std::string& name : names) {
            if (const GeoList* list = model.find_geo_list(name)) {
                selections.push_back(selection_of(*list, use));
            }
        }
    };
    add(model.block.geo_lists, ListUse::refuses);
    add(model.gate.geo_lists, ListUse::admits);
    for (const Service& service : model.services) {
        add(service.geo_lists, ListUse::admits);
    }
    for (const Policy& policy : model.policies) {
        add(policy.destination_geo_lists, policy.action == Action::allow ? ListUse::admits : ListUse::refuses);
    }
    std::ranges::sort(selections);
    selections.erase(std::ranges::unique(selections).begin(), selections.end());
    return selections;
}

} // namespace sekisho::model

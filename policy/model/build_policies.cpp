// SPDX-License-Identifier: GPL-2.0-or-later
// Policies between zones, and blocked sources.
#include "policy/base/text.hpp"
#include "policy/model/building.hpp"

#include <algorithm>

namespace sekisho::model {

namespace {

[[nodiscard]] std::string section_of(const Policy& policy) {
    return text::concat("policy ", policy.name);
}

/// Where ports are kept apart, what passes between them is a matter of policy.
[[nodiscard]] bool has_guarded_bridge(const Model& model, std::string_view name_of_zone) {
    const Zone* zone = model.find_zone(name_of_zone);
    return zone != nullptr && std::ranges::any_of(zone->interfaces, [&](const std::string& name) {
               const Interface* interface = model.find_interface(name);
               return interface != nullptr && model.is_guarded(*interface);
           });
}

void read_zones(Building& building, const config::Node& node, Policy& policy) {
    const config::Node& from = *node.find("from");
    const config::Node& to = *node.find("to");
    const auto from_zone = read_zone(building, from, section_of(policy));
    const auto to_zone = read_zone(building, to, section_of(policy));
    if (from_zone == kWanZone) {
        building.diagnostics.error(from.value_place, section_of(policy), "a policy can't let in from the WAN",
                                   "what the WAN may reach is a service, which names its sources");
    } else if (from_zone == kRouterZone) {
        building.diagnostics.error(from.value_place, section_of(policy), "a policy can't be from the router",
                                   "the router's own connections are not held back");
    } else if (from_zone && from_zone == to_zone && !has_guarded_bridge(building.model, *from_zone)) {
        building.diagnostics.error(
            to.value_place, section_of(policy), text::concat("from and to are both ", *to_zone),
            "inside a zone devices trust each other, unless port-access names a port of it; to hold some apart, put "
            "them into a zone of their own");
    }
    policy.from = from_zone.value_or("");
    policy.to = to_zone.value_or("");
}

/// Addresses of inside zones have no country.
void read_destination_countries(Building& building, const config::Node& node, Policy& policy) {
    const config::Node* destination = node.find("destination");
    require_lists(building, destination, section_of(policy));
    policy.destination_geo_lists = read_geo_lists(building, destination, section_of(policy));
    if (!policy.destination_geo_lists.empty() && !policy.to.empty() && policy.to != kWanZone) {
        building.diagnostics.error(destination->place, text::concat(section_of(policy), " destination"),
                                   text::concat("a geo-list says nothing of addresses in ", policy.to),
                                   "it is for policies to the WAN: name addresses in an address-list");
    }
}

/// A list that blocks opens when it expires: allowed, but nobody should be surprised.
void warn_of_expiring_block(Building& building, const std::vector<std::string>& lists, Place place,
                            const std::string& section) {
    for (const std::string& name : lists) {
        const AddressList& list = building.list(name);
        const auto expiring = std::find_if(list.entries.begin(), list.entries.end(),
                                           [](const ListEntry& entry) { return entry.expires.has_value(); });
        if (expiring != list.entries.end()) {
            building.diagnostics.warning(place, section,
                                         text::concat("address-list ", name, " has entries that expire (",
                                                      line_of(expiring->place), "): from then on they are not blocked"),
                                         "take the expiry away if they are to stay blocked");
        }
    }
}

void build_block(Building& building) {
    const config::Node* node = building.tree.find("block");
    if (node == nullptr) {
        return;
    }
    building.model.block.place = node->place;
    require_lists(building, node, {});
    building.model.block.lists = read_lists(building, node, {});
    building.model.block.geo_lists = read_geo_lists(building, node, {});
    warn_of_expiring_block(building, building.model.block.lists, node->place, "block");
}

} // namespace

void build_policies(Building& building) {
    for (const config::Node* node : building.tree.all("policy")) {
        Policy policy;
        policy.name = node->name();
        policy.place = node->place;
        policy.description = setting(node, "policy * description");
        read_zones(building, *node, policy);
        ProtocolAndPorts protocol = read_protocol(building, *node, "policy * protocol", section_of(policy));
        policy.protocol = protocol.protocol;
        policy.ports = std::move(protocol.ports);
        policy.source_lists = read_lists(building, node->find("source"), section_of(policy));
        policy.destination_lists = read_lists(building, node->find("destination"), section_of(policy));
        read_destination_countries(building, *node, policy);
        policy.action = setting(node, "policy * action") == "allow" ? Action::allow : Action::deny;
        policy.log = read_log(*node, "policy * log");
        if (policy.action == Action::deny) {
            warn_of_expiring_block(building, policy.source_lists, policy.place, section_of(policy));
            warn_of_expiring_block(building, policy.destination_lists, policy.place, section_of(policy));
        }
        building.model.policies.push_back(std::move(policy));
    }
    build_block(building);
}

} // namespace sekisho::model

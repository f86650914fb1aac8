// SPDX-License-Identifier: GPL-2.0-or-later
// Lists of countries, the gate, and what neither can do for addresses that have no country.
#include "policy/address/range_set.hpp"
#include "policy/base/text.hpp"
#include "policy/model/building.hpp"

#include <algorithm>
#include <iterator>

namespace sekisho::model {

namespace {

[[nodiscard]] GeoList::Unknown read_unknown(const config::Node& node) {
    const config::Node* statement = node.find("unknown");
    if (statement == nullptr) {
        return GeoList::Unknown::as_unnamed;
    }
    return statement->value == "allow" ? GeoList::Unknown::allow : GeoList::Unknown::deny;
}

void read_countries(const config::Node& node, GeoList& list) {
    for (const config::Node* statement : node.all("country")) {
        list.countries.push_back(CountryCode::parse(statement->value).value());
    }
    std::sort(list.countries.begin(), list.countries.end());
}

void read_except(Building& building, const config::Node& node, GeoList& list) {
    for (const config::Node* statement : node.all("except")) {
        if (building.list_index.contains(statement->value)) {
            list.except_lists.push_back(statement->value);
            continue;
        }
        building.diagnostics.error(statement->value_place, text::concat("geo-list ", list.name, " except"),
                                   text::concat("there is no address-list '", statement->value, "'"),
                                   suggest(building, statement->value, building.model.address_lists));
    }
}

/// What the except lists of any of these lists of countries let through.
[[nodiscard]] std::vector<IpRange> excepted(const Building& building, const std::vector<std::string>& geo_lists) {
    std::vector<IpRange> ranges;
    for (const std::string& name : geo_lists) {
        for (const std::string& list : building.model.find_geo_list(name)->except_lists) {
            std::ranges::transform(building.list(list).entries, std::back_inserter(ranges), &ListEntry::range);
        }
    }
    return address::merge(std::move(ranges));
}

/// The first entry of the address lists that has no country and that no except list lets through.
[[nodiscard]] const ListEntry* first_shut_out(const Building& building, const std::vector<std::string>& lists,
                                              const std::vector<IpRange>& let_through) {
    for (const std::string& name : lists) {
        for (const ListEntry& entry : building.list(name).entries) {
            const auto left = address::subtract(std::span(&entry.range, 1), let_through);
            const auto global = address::subtract(left, geo::special_purpose(entry.range.family()));
            if (address::count(global, entry.range.family()) < address::count(left, entry.range.family())) {
                return &entry;
            }
        }
    }
    return nullptr;
}

/// A private address has no country: a list of countries refuses it whatever the address lists of a service say.
void warn_of_addresses_without_country(Building& building, const Service& service,
                                       const std::vector<std::string>& geo_lists, std::string_view judge) {
    if (geo_lists.empty()) {
        return;
    }
    if (const ListEntry* entry = first_shut_out(building, service.source_lists, excepted(building, geo_lists))) {
        building.diagnostics.warning(service.place, text::concat("service ", service.name, " source"),
                                     text::concat("entry ", entry->range.text(), " on ", line_of(entry->place),
                                                  " is of an address space that belongs to no country: ", judge,
                                                  " refuses it"),
                                     "name it in an address list and that in the geo-list: except address-list NAME;");
    }
}

} // namespace

void build_geo_lists(Building& building) {
    building.model.geo.warn_after_days =
        static_cast<unsigned>(setting_number(building.tree.find("geo"), "geo warn-age"));
    for (const config::Node* node : building.tree.all("geo-list")) {
        GeoList list{.name = node->name(),
                     .place = node->place,
                     .description = setting(node, "geo-list * description"),
                     .countries = {},
                     .except_lists = {},
                     .unknown = read_unknown(*node)};
        read_countries(*node, list);
        read_except(building, *node, list);
        building.model.geo_lists.push_back(std::move(list));
    }
}

void build_gate(Building& building) {
    if (const config::Node* node = building.tree.find("gate")) {
        building.model.gate.place = node->place;
        building.model.gate.geo_lists = read_geo_lists(building, node, {});
    }
}

void check_geo(Building& building) {
    for (const Service& service : building.model.services) {
        warn_of_addresses_without_country(building, service, building.model.gate.geo_lists, "the gate");
        warn_of_addresses_without_country(building, service, service.geo_lists, "the service's geo-list");
    }
}

} // namespace sekisho::model

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/model/build.hpp"

#include "policy/base/text.hpp"
#include "policy/config/value.hpp"
#include "policy/model/building.hpp"

#include <map>

namespace sekisho::model {

namespace {

[[nodiscard]] bool is_host_name(std::string_view text) {
    return !IpAddress::parse(text).has_value();
}

void build_time(Building& building) {
    const config::Node* time = building.tree.find("time");
    if (time == nullptr) {
        return;
    }
    for (const config::Node* server : time->all("server")) {
        building.model.time_servers.push_back({server->value, server->place});
        if (is_host_name(server->value)) {
            warn_unless_found(building, *server, "time");
        } else if (const auto why = why_no_host(IpAddress::parse(server->value).value())) {
            building.diagnostics.error(server->value_place, "time",
                                       text::concat("server ", server->value, " is ", *why));
        }
    }
}

[[nodiscard]] std::string folded(std::string_view name) {
    std::string result(name);
    for (char& byte : result) {
        if (byte >= 'A' && byte <= 'Z') {
            byte = static_cast<char>(byte - 'A' + 'a');
        }
    }
    return result;
}

/// Names of one namespace, each with what it names.
class Names {
public:
    explicit Names(Diagnostics& diagnostics) : m_diagnostics(diagnostics) {}

    void add(std::string_view kind, const std::string& name, Place place, std::string_view why) {
        const auto [first, fresh] = m_taken.emplace(folded(name), Taken{kind, name, place});
        if (fresh) {
            return;
        }
        const Taken& taken = first->second;
        const std::string other = text::concat(taken.kind, " ", taken.name, " on ", line_of(taken.place));
        m_diagnostics.error(place, text::concat(kind, " ", name),
                            taken.name == name
                                ? text::concat("the name is already that of ", other)
                                : text::concat("the name differs only in upper and lower case from ", other),
                            std::string(why));
    }

private:
    struct Taken {
        std::string_view kind;
        std::string name;
        Place place;
    };

    Diagnostics& m_diagnostics;
    std::map<std::string, Taken> m_taken;
};

} // namespace

void build_system(Building& building) {
    const config::Node* node = building.tree.find("system");
    System& system = building.model.system;
    system.host_name = setting(node, "system host-name");
    system.time_zone = setting(node, "system time-zone");
    system.utc_offset_minutes = config::find_time_zone(system.time_zone).value();
    if (node == nullptr) {
        return;
    }
    for (const config::Node* server : node->all("name-server")) {
        const IpAddress address = IpAddress::parse(server->value).value();
        if (const auto why = why_no_host(address)) {
            building.diagnostics.error(server->value_place, "system",
                                       text::concat("name-server ", server->value, " is ", *why));
        }
        system.name_servers.push_back(address);
    }
}

void check_names(Building& building) {
    Names rules(building.diagnostics);
    for (const Service& service : building.model.services) {
        rules.add("service", service.name, service.place,
                  "the log and the counters name rules by it: choose another name");
    }
    for (const Policy& policy : building.model.policies) {
        rules.add("policy", policy.name, policy.place,
                  "the log and the counters name rules by it: choose another name");
    }
    Names lists(building.diagnostics);
    for (const AddressList& list : building.model.address_lists) {
        lists.add("address-list", list.name, list.place, "people would mistake one for the other: choose another name");
    }
    for (const GeoList& list : building.model.geo_lists) {
        lists.add("geo-list", list.name, list.place, "people would mistake one for the other: choose another name");
    }
    Names zones(building.diagnostics);
    for (const Zone& zone : building.model.zones) {
        zones.add("zones", zone.name, zone.place, "people would mistake one for the other: choose another name");
    }
    Names servers(building.diagnostics);
    for (const SyslogServer& server : building.model.syslog_servers) {
        servers.add("log server", server.name, server.place,
                    "people would mistake one for the other: choose another name");
    }
}

std::optional<Model> build_model(const config::Tree& tree, const ClockReading& clock, Diagnostics& diagnostics,
                                 Purpose purpose) {
    const std::size_t before = diagnostics.error_count();
    Building building{tree, clock, diagnostics, purpose, {}, {}, {}, {}};
    build_system(building);
    build_time(building);
    build_log(building);
    build_interfaces(building);
    build_zones(building);
    check_networks(building);
    build_syslog_servers(building);
    build_accounts(building);
    build_management(building);
    build_address_lists(building);
    build_access(building);
    build_dhcp(building);
    build_geo_lists(building);
    build_gate(building);
    build_services(building);
    build_policies(building);
    check_services(building);
    check_geo(building);
    check_management(building);
    check_names(building);
    if (diagnostics.error_count() != before) {
        return std::nullopt;
    }
    return std::move(building.model);
}

} // namespace sekisho::model

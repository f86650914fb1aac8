// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/ruleset/station_filter.hpp"

#include "policy/base/text.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace sekisho::ruleset {

namespace {

constexpr unsigned kMostRoles = 65'536;    ///< stations in force
constexpr unsigned kMostStrangers = 4'096; ///< remembered at a time
constexpr unsigned kSnapLength = 64;       ///< nothing of a stranger's frame is of interest but its header

std::string devices_text(const std::vector<std::string>& names) {
    std::vector<std::string> quoted;
    std::ranges::transform(names, std::back_inserter(quoted),
                           [](const std::string& name) { return text::concat("\"", name, "\""); });
    return text::join(quoted, ", ");
}

std::string chain(std::string_view name, std::string_view hook, const std::vector<std::string>& devices,
                  std::string_view policy, const std::vector<std::string>& rules) {
    if (devices.empty()) {
        return {};
    }
    return text::concat("    chain ", name, " {\n        type filter hook ", hook, " devices = { ",
                        devices_text(devices), " } priority 0; policy ", policy, ";\n        ",
                        text::join(rules, "\n        "), "\n    }\n");
}

std::string log_text(std::string_view prefix) {
    return text::concat("log prefix \"", prefix, "\" group ", text::to_text(kLogGroupStations), " snaplen ",
                        text::to_text(kSnapLength));
}

/// A stranger is told of at most six times a minute; a registered device as often as it takes to come on within a
/// second of anything that ended its session. Nobody's telling depends on what others send: each kind has its own set.
std::string stranger_text(std::string_view prefix) {
    return text::concat("update @strangers { iifname . ether saddr limit rate 6/minute burst 1 packets } ",
                        log_text(prefix));
}

std::string acquaintance_text() {
    return text::concat("update @acquaintances { iifname . ether saddr limit rate 2/second burst 4 packets } ",
                        log_text(kStrangerPrefix));
}

std::vector<std::string> locked_rules() {
    return {
        "meta mark set 0",
        "ether type { 8021q, 8021ad } goto tagged",
        // to the port's authenticator; a bridge passes it to nobody else
        "ether daddr 01:80:c2:00:00:03 accept",
        text::concat("meta mark set iifname . ether saddr map @", kRoleMap, " goto ", kBindingChain),
        text::concat("ether saddr @known ", acquaintance_text()),
        text::concat("ether saddr != @known ", stranger_text(kStrangerPrefix)),
        "counter name unauthorised drop",
    };
}

std::vector<std::string> outward_rules(bool wakes) {
    std::vector<std::string> rules{
        "ether type 0x888e accept", // the authenticator's
        text::concat("oifname @", kLivelySet, " accept"),
    };
    if (wakes) {
        rules.emplace_back("oifname . ether daddr @woken accept");
    }
    rules.emplace_back("counter name withheld drop");
    return rules;
}

/// A sleeping device is woken by its own address or by everybody's.
std::string woken_text(const std::vector<Sleeper>& woken) {
    std::set<std::string> elements;
    for (const Sleeper& station : woken) {
        for (const std::string& address : {station.mac.text(), std::string("ff:ff:ff:ff:ff:ff")}) {
            elements.insert(text::concat("\"", station.port, "\" . ", address));
        }
    }
    return elements.empty() ? std::string()
                            : text::concat("    set woken {\n        type ifname . ether_addr\n        elements = { ",
                                           text::join({elements.begin(), elements.end()}, ", "), " }\n    }\n");
}

std::string known_text(const std::vector<MacAddress>& known) {
    std::vector<std::string> addresses;
    std::ranges::transform(known, std::back_inserter(addresses), &MacAddress::text);
    return addresses.empty() ? std::string()
                             : text::concat("        elements = { ", text::join(addresses, ", "), " }\n");
}

std::string seen_set(std::string_view name) {
    return text::concat("    set ", name, " {\n        type ifname . ether_addr\n        size ",
                        text::to_text(kMostStrangers), "\n        flags dynamic,timeout\n        timeout 1m\n    }\n");
}

} // namespace

StationFilter station_filter_of(const model::Model& model) {
    StationFilter filter;
    for (const model::Interface& interface : model.interfaces) {
        if (!model.is_guarded(interface)) {
            continue;
        }
        for (const std::string& name : interface.ports) {
            const model::AccessPort* port = model.access.find_port(name);
            const bool is_open = port == nullptr || port->mode == model::AccessMode::open;
            (is_open ? filter.open : filter.locked).push_back(name);
        }
    }
    for (const model::Device& device : model.access.devices) {
        filter.known.push_back(device.mac);
        if (device.is_woken && device.port && std::ranges::contains(filter.locked, *device.port)) {
            filter.woken.push_back({*device.port, device.mac});
        }
    }
    std::vector<std::string> ports = filter.locked;
    ports.insert(ports.end(), filter.open.begin(), filter.open.end());
    filter.binding = binding_rules_of(model, ports);
    return filter;
}

std::string station_filter_comment(const StationFilter& filter) {
    if (filter.locked.empty() && filter.open.empty()) {
        return {};
    }
    const std::string text = station_filter_text(filter);
    std::string result = "# Port access, loaded on the ports that are there:\n";
    for (const std::string_view line : text::split(text, '\n')) {
        result += line.empty() ? std::string() : text::concat("# ", line, "\n");
    }
    return result;
}

std::string station_filter_text(const StationFilter& filter) {
    const std::string table = text::concat("table netdev ", kStationTable);
    if (filter.locked.empty() && filter.open.empty()) {
        return text::concat("destroy ", table, "\n");
    }
    std::string result = text::concat("add ", table, "\n");
    for (const std::string_view name : {"locked", "outward", "open", "tagged"}) {
        result += text::concat("destroy chain netdev ", kStationTable, " ", name, "\n");
    }
    result += binding_removal_text(text::concat("netdev ", kStationTable));
    for (const std::string_view name : {"known", "woken"}) {
        result += text::concat("destroy set netdev ", kStationTable, " ", name, "\n");
    }
    result += text::concat(
        table, " {\n    counter tagged { }\n    counter unauthorised { }\n    counter withheld { }\n    map ", kRoleMap,
        " {\n        type ifname . ether_addr : mark\n        size ", text::to_text(kMostRoles),
        "\n        flags timeout\n        counter\n    }\n");
    result += text::concat("    set ", kLivelySet, " {\n        type ifname\n        flags timeout\n    }\n");
    result += text::concat("    set known {\n        type ether_addr\n", known_text(filter.known), "    }\n");
    result += woken_text(filter.woken);
    result += seen_set("strangers") + seen_set("acquaintances");
    result += binding_sets_text(filter.binding) + binding_chains_text(filter.binding);
    result += text::concat("    chain tagged {\n        ", stranger_text(kTaggedPrefix),
                           "\n        counter name tagged drop\n    }\n");
    result += chain("locked", "ingress", filter.locked, "drop", locked_rules());
    result += chain("outward", "egress", filter.locked, "drop", outward_rules(!filter.woken.empty()));
    result += chain("open", "ingress", filter.open, "accept",
                    {text::concat("meta mark set ", text::to_text(kOpenPort), " goto ", kBindingChain)});
    return result + "}\n";
}

} // namespace sekisho::ruleset

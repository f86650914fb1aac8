// SPDX-License-Identifier: GPL-2.0-or-later
// What the parts of build_model() share. Internal to policy/model.
#pragma once

#include "policy/base/diagnostic.hpp"
#include "policy/base/time.hpp"
#include "policy/config/tree.hpp"
#include "policy/model/build.hpp"
#include "policy/model/model.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::model {

/// An address of the router as it stands in the configuration.
struct OwnAddress {
    InterfaceAddress address;
    std::string interface;
    Place place;
};

struct Building {
    const config::Tree& tree;
    const ClockReading& clock;
    Diagnostics& diagnostics;
    Purpose purpose;
    Model model;
    std::vector<OwnAddress> own_addresses;
    std::set<std::string> addressless; ///< interfaces without any address statement, right or wrong
    /// Position of each address list by its name: a file may hold tens of thousands of lists and of references to them.
    std::map<std::string, std::size_t, std::less<>> list_index;

    [[nodiscard]] const AddressList& list(std::string_view name) const; ///< must be there
};

void build_system(Building& building);
void build_interfaces(Building& building);
void build_zones(Building& building);    ///< needs the interfaces
void check_networks(Building& building); ///< needs the zones
void build_log(Building& building);
void build_syslog_servers(Building& building); ///< needs the system's name servers and the router's own addresses
void build_accounts(Building& building);
void build_management(Building& building); ///< needs the zones
void build_address_lists(Building& building);
void build_access(Building& building);     ///< needs zones and address lists
void build_dhcp(Building& building);       ///< needs zones and port access: DHCP servers, DNS, addresses of devices
void build_geo_lists(Building& building);  ///< needs address lists
void build_gate(Building& building);       ///< needs lists of countries
void build_services(Building& building);   ///< needs zones, management, lists of addresses and countries
void build_policies(Building& building);   ///< needs zones, port access, lists of addresses and countries
void check_geo(Building& building);        ///< needs services
void check_services(Building& building);   ///< of services that are each right: do they fit together
void check_management(Building& building); ///< needs accounts, services and policies
void check_names(Building& building);

// ---- values
// ------------------------------------------------------------------------------------------------------------------------------------------

/// The value of a parameter inside `block` (which may be absent), or its default from the schema.
[[nodiscard]] std::string setting(const config::Node* block, std::string_view path);
[[nodiscard]] std::uint64_t setting_number(const config::Node* block, std::string_view path);
[[nodiscard]] LogAccepted read_log(const config::Node& node, std::string_view path);
[[nodiscard]] std::string line_of(Place place); ///< "line 12"

[[nodiscard]] std::string suggest_name(std::string_view word, const std::vector<std::string_view>& known);

/// A hint for an unknown name: the nearest of the known ones, or some of them. Empty once nobody would read it.
template <typename Named>
[[nodiscard]] std::string suggest(const Building& building, std::string_view word, const std::vector<Named>& known) {
    if (building.diagnostics.error_count() >= Diagnostics::kMost) {
        return {};
    }
    std::vector<std::string_view> names;
    names.reserve(known.size());
    for (const Named& one : known) {
        names.emplace_back(one.name);
    }
    return suggest_name(word, names);
}

/// Protocol and ports of a service or policy. Refuses ports where the protocol has none, and ports that overlap each
/// other.
struct ProtocolAndPorts {
    Protocol protocol = Protocol::any;
    std::vector<PortRange> ports;
};

[[nodiscard]] ProtocolAndPorts read_protocol(Building& building, const config::Node& node, std::string_view path,
                                             const std::string& section);

/// Names of address lists inside a `source` or `destination` block (which may be absent); unknown ones are refused.
[[nodiscard]] std::vector<std::string> read_lists(Building& building, const config::Node* block,
                                                  const std::string& section);

/// The same for lists of countries.
[[nodiscard]] std::vector<std::string> read_geo_lists(Building& building, const config::Node* block,
                                                      const std::string& section);

/// Refuses a block that is there and names no list of either kind.
void require_lists(Building& building, const config::Node* block, const std::string& section);

/// The zone that a statement names: its name, or nothing after a report. `router` is returned as it is.
[[nodiscard]] std::optional<std::string> read_zone(Building& building, const config::Node& node,
                                                   const std::string& section);

/// Warns of a statement whose value is a host name where there is nobody to ask for its address.
void warn_unless_found(Building& building, const config::Node& statement, const std::string& section);

/// Why an address can't be a host's: "a multicast address"; nothing where it can.
[[nodiscard]] std::optional<std::string_view> why_no_host(const IpAddress& address) noexcept;
/// Why it can't be a host on this network: "the address of the network itself", "the broadcast address of the network".
[[nodiscard]] std::optional<std::string_view> why_no_host_on(const IpPrefix& network,
                                                             const IpAddress& address) noexcept;

} // namespace sekisho::model

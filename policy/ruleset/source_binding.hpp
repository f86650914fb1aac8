// SPDX-License-Identifier: GPL-2.0-or-later
// Which addresses a device may use on a guarded port, and what no device says: part of the table of station_filter.hpp.
// A port and a MAC address are bound to each other by that table's map of roles; here the MAC address and the addresses
// of its packets are: in IPv4 and IPv6, as a sender in ARP (hardware and protocol address alike), and as what neighbour
// discovery claims.
#pragma once

#include "policy/model/model.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::ruleset {

/// MAC address . IPv4 address, from leases of the router's own DHCP server; elements end by themselves.
inline constexpr std::string_view kLeasedSet = "leased4";

/// Log prefix of a DHCP request that a device makes for itself; whole, as far as clients use.
inline constexpr std::string_view kRequestPrefix = "station.dhcp-request";

/// What the rules tell of; each has a log prefix of its own.
enum class BindingReport : std::uint8_t {
    claimed,              ///< an address that is the router's or another device's by the configuration
    other_address,        ///< a device with addresses in the configuration uses another one
    arp_sender,           ///< an ARP packet whose sender's hardware address is not that of its frame
    dhcp_client,          ///< a DHCP request for another hardware address than that of its frame, or by a relay
    dhcp_server,          ///< an answer of a DHCP server
    router_advertisement, ///< a router advertisement or redirect
    unbound,              ///< a device without address and lease
};

/// The report that a log prefix names; nothing where it is none of these.
[[nodiscard]] std::optional<BindingReport> binding_report_of(std::string_view prefix) noexcept;

/// As reason code in the log.
[[nodiscard]] std::string_view name_of(BindingReport report) noexcept;

/// Whether the packet was dropped, whatever the port says.
[[nodiscard]] constexpr bool is_refusal(BindingReport report) noexcept {
    return report != BindingReport::unbound;
}

struct BindingRules {
    struct Named {
        MacAddress mac;
        IpAddress address;
        friend auto operator<=>(const Named&, const Named&) = default;
    };

    std::vector<Named> named;        ///< what devices have in the configuration
    std::vector<IpAddress> own;      ///< the router's
    std::vector<std::string> off;    ///< ports where nobody asks for lease or address
    std::vector<std::string> strict; ///< ports where IPv4 without either is dropped
    friend bool operator==(const BindingRules&, const BindingRules&) = default;
};

/// `ports` are those of guarded bridges.
[[nodiscard]] BindingRules binding_rules_of(const model::Model& model, std::span<const std::string> ports);

/// Of nft's transaction: what takes the former rules away, what stands inside the table, and the chain that packets of
/// a device that is admitted go to (it decides about all of them).
[[nodiscard]] std::string binding_removal_text(std::string_view table);
[[nodiscard]] std::string binding_sets_text(const BindingRules& rules);
[[nodiscard]] std::string binding_chains_text(const BindingRules& rules);
inline constexpr std::string_view kBindingChain = "binding";

/// The address that a packet of a report claims: the sender's of ARP, the target of neighbour discovery where it claims
/// one, else the source. Nothing where it is cut off. `packet` begins behind the Ethernet header.
[[nodiscard]] std::optional<IpAddress> claimed_address(std::span<const std::uint8_t> packet) noexcept;

} // namespace sekisho::ruleset

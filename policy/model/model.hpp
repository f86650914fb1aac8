// SPDX-License-Identifier: GPL-2.0-or-later
// The typed configuration after every check has passed. Made by build_model() from a parsed tree; read by the compiler
// and the services. Names are unique per kind, references are resolved to indices or names known to exist, and whatever
// the product refuses is not representable in an accepted model.
#pragma once

#include "policy/base/address.hpp"
#include "policy/base/diagnostic.hpp"
#include "policy/base/time.hpp"
#include "policy/geo/selection.hpp"
#include "policy/model/port_access.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::model {

/// The outside zone and the device itself; every other zone is an inside zone.
inline constexpr std::string_view kWanZone = "wan";
inline constexpr std::string_view kRouterZone = "router";

struct System {
    std::string host_name;
    std::string time_zone = "UTC"; ///< IANA name
    int utc_offset_minutes = 0;    ///< of that zone; dates in the configuration are days there
    std::vector<IpAddress> name_servers;
};

/// Gives the devices of a network their IPv4 addresses.
struct DhcpServer {
    Place place;
    std::vector<IpRange> ranges; ///< for anybody, on networks of the interface; no address of a device or the router
    unsigned lease_seconds = 3600;
};

/// A network interface or a bridge of several; `ports` is empty for a plain interface.
struct Interface {
    std::string name;
    Place place;
    bool is_bridge = false;
    std::vector<std::string> ports;
    bool dhcp = false; ///< DHCPv4 client; only on interfaces of the WAN zone
    std::vector<InterfaceAddress> addresses;
    std::vector<IpAddress> gateways; ///< at most one per family; only on interfaces of the WAN zone
    std::optional<DhcpServer> dhcp_server = std::nullopt; ///< only on interfaces of inside zones
    bool dns_forwarder = false;                           ///< likewise: answers questions that come in here
};

struct Zone {
    std::string name;
    Place place;
    std::vector<std::string> interfaces;
    bool masquerade = false; ///< IPv4 leaving through the WAN takes the WAN address

    [[nodiscard]] bool is_wan() const noexcept { return name == kWanZone; }
};

struct ListEntry {
    IpRange range;
    Place place;
    std::optional<Time> expires; ///< first moment at which the entry no longer holds
};

struct AddressList {
    std::string name;
    Place place;
    std::string description;
    std::vector<ListEntry> entries; ///< the list's own expiry is already in each entry (the earlier of both)
};

/// Countries under a name. What a list is used for decides whether it admits (source of a service, gate, destination of
/// an allowing policy) or refuses (block, destination of a denying policy).
struct GeoList {
    /// What happens to a global address that the database gives no country.
    enum class Unknown : std::uint8_t {
        as_unnamed, ///< like an address of a country that is not named
        deny,
        allow,
    };

    std::string name;
    Place place;
    std::string description;
    std::vector<CountryCode> countries; ///< sorted, each once, at least one
    /// Address lists whose addresses are let through whatever their country: an admitting list admits them, a refusing
    /// one does not refuse them. The only way in past a country list for addresses that have no country.
    std::vector<std::string> except_lists;
    Unknown unknown = Unknown::as_unnamed;
};

/// IANA protocol numbers; `any` matches every protocol.
enum class Protocol : std::uint16_t {
    icmp = 1,
    tcp = 6,
    udp = 17,
    gre = 47,
    esp = 50,
    ah = 51,
    icmpv6 = 58,
    sctp = 132,
    any = 256
};

[[nodiscard]] std::string_view name_of(Protocol protocol) noexcept; ///< as in the configuration
[[nodiscard]] std::optional<Protocol> find_protocol(std::string_view name) noexcept;
[[nodiscard]] bool has_ports(Protocol protocol) noexcept;

struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0; ///< included
    friend auto operator<=>(const PortRange&, const PortRange&) = default;
};

/// Whether the connections that a rule admits are in the access log. Denials always are (limited).
enum class LogAccepted : std::uint8_t { yes, no };

/// What the outside (and, with `from`, an inside zone by way of the WAN address: hairpin) may reach.
struct Service {
    std::string name;
    Place place;
    std::string description;
    std::vector<std::string> from; ///< zone names; contains the WAN
    Protocol protocol = Protocol::tcp;
    std::vector<PortRange> ports;              ///< as the sender addresses them; empty for protocols without ports
    std::optional<IpAddress> forward_v4;       ///< destination translation
    std::optional<IpAddress> forward_v6;       ///< the host's own address, reached without translation
    std::optional<std::uint16_t> forward_port; ///< inside port, where it differs (single `ports` entry then)
    std::vector<std::string> source_lists; ///< address lists, any of which admits; empty only where geo_lists are not
    std::vector<std::string> geo_lists;    ///< any of which admits; where both kinds are there, both must
    LogAccepted log = LogAccepted::yes;

    [[nodiscard]] bool is_forwarded() const noexcept { return forward_v4.has_value() || forward_v6.has_value(); }
};

enum class Action : std::uint8_t { allow, deny };

/// Zone to zone, in the order of the configuration; the first that matches decides.
struct Policy {
    std::string name;
    Place place;
    std::string description;
    std::string from; ///< an inside zone
    std::string to;   ///< any other zone, the WAN or the router
    Protocol protocol = Protocol::any;
    std::vector<PortRange> ports;
    std::vector<std::string> source_lists;          ///< empty: every address of the zone
    std::vector<std::string> destination_lists;     ///< empty: every address
    std::vector<std::string> destination_geo_lists; ///< only where `to` is the WAN; with address lists, both must hold
    Action action = Action::allow;
    LogAccepted log = LogAccepted::yes;
};

/// Sources that the WAN never lets in, whatever lists name them.
struct Block {
    Place place;
    std::vector<std::string> lists;
    std::vector<std::string> geo_lists;
};

/// What everything new from the WAN must satisfy before a service is asked: one of these lists admits its source. No
/// lists: no gate.
struct Gate {
    Place place;
    std::vector<std::string> geo_lists;
};

struct GeoSettings {
    unsigned warn_after_days = 90; ///< a database older than this is warned of; it stays in force
};

struct LogSettings {
    std::uint64_t file_size = 4u << 20; ///< bytes after which the file is rotated
    unsigned files = 8;                 ///< rotated files kept
    unsigned per_minute = 10;           ///< denials logged per source prefix and minute
    unsigned burst = 20;
    unsigned ipv4_prefix = 24; ///< source prefix that shares a limit
    unsigned ipv6_prefix = 56;
};

enum class SyslogTransport : std::uint8_t { tls, tcp, udp };

/// Where the access log is sent beside being kept: RFC 5424 over TLS (RFC 5425), or unprotected where that is asked
/// for.
struct SyslogServer {
    std::string name;
    Place place;
    std::string host; ///< address or host name
    std::uint16_t port = 0;
    SyslogTransport transport = SyslogTransport::tls;
    std::string server_name;               ///< TLS: the DNS name or address that the certificate must bear
    std::vector<std::string> certificates; ///< TLS: PEM, authorities that the server's certificate must come from
};

/// Who may log in. The account `admin` exists without an entry; its password is kept elsewhere.
struct Account {
    std::string name;
    Place place;
    std::string description;
    std::vector<std::string>
        ssh_keys; ///< "ssh-ed25519 AAAA…": type and base64, the comment left out; of no other account
};

/// Ways in to the router itself. Nothing is open that no statement opens.
struct Management {
    std::vector<std::string> ssh_zones; ///< inside zones, each once; empty: no SSH at all, from the WAN neither
    std::uint16_t ssh_port = 22;
    Place ssh_place;
};

struct TimeServer {
    std::string server; ///< address or host name
    Place place;
};

struct Model {
    System system;
    std::vector<Interface> interfaces;
    std::vector<Zone> zones;
    std::vector<AddressList> address_lists;
    std::vector<Service> services;
    std::vector<Policy> policies;
    std::vector<GeoList> geo_lists;
    Block block;
    Gate gate;
    GeoSettings geo;
    LogSettings log;
    std::vector<TimeServer> time_servers;
    std::vector<SyslogServer> syslog_servers;
    std::vector<Account> accounts;
    Management management;
    PortAccess access;

    [[nodiscard]] const Zone* find_zone(std::string_view name) const noexcept;
    [[nodiscard]] const Zone* zone_of_interface(std::string_view interface) const noexcept;
    [[nodiscard]] const Interface* find_interface(std::string_view name) const noexcept;
    /// The interface of an inside zone whose network an address is on.
    [[nodiscard]] const Interface* home_of(const IpAddress& address) const noexcept;
    [[nodiscard]] const AddressList* find_address_list(std::string_view name) const noexcept;
    [[nodiscard]] const GeoList* find_geo_list(std::string_view name) const noexcept;
    /// Whether devices are judged on a port of the bridge: it keeps all its ports apart.
    [[nodiscard]] bool is_guarded(const Interface& interface) const noexcept;
    /// Whether devices on different ports of a guarded bridge may reach each other by the router.
    [[nodiscard]] bool routes_between_ports(const Interface& interface) const noexcept;
    /// Networks of the interfaces of a zone, sorted.
    [[nodiscard]] std::vector<IpPrefix> networks_of(const Zone& zone) const;
    /// The router's own addresses on the interfaces of a zone.
    [[nodiscard]] std::vector<IpAddress> own_addresses_of(const Zone& zone) const;
    /// Networks of all inside zones, sorted.
    [[nodiscard]] std::vector<IpPrefix> inside_networks() const;
};

/// Which way a list errs when what it says of an address can't be relied on.
enum class ListUse : std::uint8_t {
    admits,  ///< an entry in doubt is left out
    refuses, ///< an entry in doubt stays
};

/// What a list of countries stands for in a use: special-purpose space never, unknown space as the list and the use
/// say.
[[nodiscard]] geo::Selection selection_of(const GeoList& list, ListUse use);

/// Every selection that the policy's rules need, sorted, each once: what the country database is asked for.
[[nodiscard]] std::vector<geo::Selection> selections_of(const Model& model);

/// Whether the service opens the router's own SSH port, wherever there is an SSH server.
[[nodiscard]] bool leads_to_ssh(const Model& model, const Service& service) noexcept;

/// Whether the SSH server must be reached over the WAN too: there is one, and a service on the router leads to it.
[[nodiscard]] bool ssh_from_wan(const Model& model) noexcept;

} // namespace sekisho::model

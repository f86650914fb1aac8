// SPDX-License-Identifier: GPL-2.0-or-later
// Links, addresses and default routes: reading them from the kernel and changing one at a time.
#pragma once

#include "drivers/network/netlink.hpp"
#include "policy/base/address.hpp"

#include <optional>
#include <vector>

namespace sekisho::drivers::network {

/// Marks addresses (IFA_PROTO) and routes (rtm_protocol) as ours; not in use by anybody in iproute2's rt_protos.
inline constexpr std::uint8_t kOurProtocol = 199;
/// Marks links as ours (IFLA_IFALIAS).
inline constexpr const char* kOurAlias = "sekisho";

/// How a bridge treats a port (linux/if_link.h, IFLA_BRPORT_…).
struct PortFlags {
    bool is_locked = false;   ///< passes only frames of stations in the bridge's table
    bool is_isolated = false; ///< exchanges nothing with other isolated ports
    bool learns = true;
    friend bool operator==(const PortFlags&, const PortFlags&) = default;
};

/// What a bridge with guarded ports needs, see guard_bridge().
struct BridgeGuard {
    bool learns_from_link_local = true;
    std::uint32_t ageing_seconds = 0;
    friend bool operator==(const BridgeGuard&, const BridgeGuard&) = default;
};

/// Seconds without renewal after which an entry of a guarded bridge ends: longer than two renewals.
inline constexpr BridgeGuard kGuarded{.learns_from_link_local = false, .ageing_seconds = 60};

struct Link {
    int index = 0;
    std::string name;
    unsigned flags = 0; ///< IFF_…
    bool carrier = false;
    std::string kind; ///< "bridge", "veth" …; empty for hardware
    int master = 0;   ///< index of the bridge that it is a port of
    std::string alias;
    std::optional<PortFlags> port; ///< of a bridge's port
    std::optional<bool> floods;    ///< of a bridge's port: all three kinds, or none; no value in between
    BridgeGuard guard;             ///< of a bridge
    std::optional<MacAddress> mac;
    std::optional<MacAddress> permanent_mac;
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_bytes = 0;

    [[nodiscard]] bool is_up() const noexcept;
    [[nodiscard]] bool is_loopback() const noexcept;

    [[nodiscard]] bool is_bridge() const noexcept { return kind == "bridge"; }

    [[nodiscard]] bool is_ours() const noexcept { return alias == kOurAlias; }
};

struct LinkAddress {
    int link = 0;
    InterfaceAddress address;
    std::uint8_t protocol = 0;
    bool is_duplicate = false; ///< another host has it (RFC 4862, 5.4): the kernel keeps it and does not use it

    [[nodiscard]] bool is_ours() const noexcept { return protocol == kOurProtocol; }
};

/// A default route in the main table.
struct DefaultRoute {
    int link = 0;
    IpAddress gateway;
    std::uint32_t metric = 0;
    bool on_link = false; ///< the gateway is on the link whatever the addresses say
    friend bool operator==(const DefaultRoute&, const DefaultRoute&) = default;
};

/// A route or a routing rule as the kernel tells of it.
struct Routing {
    std::string text;                  ///< for people
    std::vector<std::uint8_t> payload; ///< of the message, by which it can be deleted
    std::uint8_t family = 0;
};

class KernelLinks {
public:
    explicit KernelLinks(Connection& connection) : m_connection(connection) {}

    Result<std::vector<Link>> links();
    Result<std::vector<LinkAddress>> addresses();
    Result<std::vector<DefaultRoute>> our_default_routes();

    Result<void> add_bridge(const std::string& name, const MacAddress& mac); ///< down, without spanning tree
    Result<void> remove_link(const Link& link);
    Result<void> set_master(const Link& link, int master); ///< 0: none
    /// A port that becomes locked floods nothing from then on, and the stations learnt on it are forgotten.
    Result<void> set_port(const Link& link, const PortFlags& flags);
    /// For a bridge with guarded ports: no station is learnt from link-local frames (an EAPOL frame would open its
    /// port), and entries that nobody renews end soon.
    Result<void> guard_bridge(const Link& link);
    Result<void> set_up(const Link& link, bool up);
    Result<void> set_ours(const Link& link, bool ours);
    Result<void> put_address(const Link& link, const InterfaceAddress& address); ///< adds it or marks it as ours
    Result<void> remove_address(const Link& link, const InterfaceAddress& address);
    Result<void> add_route(const DefaultRoute& route, const std::string& link_name);
    Result<void> remove_route(const DefaultRoute& route, const std::string& link_name);

    /// Routes of any table that neither the kernel made nor we did.
    Result<std::vector<Routing>> foreign_routes();
    /// All of both families. The three that a kernel begins with are told as "IPv4 0: local" and so on.
    Result<std::vector<Routing>> rules();
    Result<void> remove_route(const Routing& route);
    Result<void> remove_rule(const Routing& rule);
    Result<void> add_rule(std::uint8_t family, std::uint32_t priority, std::uint32_t table);

private:
    Connection& m_connection;
};

} // namespace sekisho::drivers::network

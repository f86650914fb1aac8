// SPDX-License-Identifier: GPL-2.0-or-later
// Which devices may be on which ports, and how they prove themselves (IEEE 802.1X-2020; guideline 6.0, network, 13).
#pragma once

#include "policy/base/address.hpp"
#include "policy/base/diagnostic.hpp"
#include "policy/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::model {

/// How a device gets onto a port.
enum class AccessMode : std::uint8_t {
    open,   ///< without proof
    closed, ///< not at all
    dot1x,
    mab, ///< by its MAC address (MAC authentication bypass), which can be forged
    dot1x_then_mab,
    mab_then_dot1x,
};

/// How many devices a port admits.
enum class HostMode : std::uint8_t {
    single_host, ///< one
    multi_host,  ///< once one has proved itself, others beside it, with its role
    multi_auth,  ///< several, each by its own proof
};

/// What happens when a device appears on a port while it is in force on another one.
enum class Moves : std::uint8_t { refuse, follow };

/// What happens to IPv4 of a device that has neither an address of its own nor a lease of the router's DHCP server.
enum class SourceBinding : std::uint8_t { off, report, enforce };

[[nodiscard]] std::string_view name_of(AccessMode mode) noexcept; ///< as in the configuration
[[nodiscard]] std::string_view name_of(HostMode mode) noexcept;
[[nodiscard]] std::string_view name_of(SourceBinding binding) noexcept;
[[nodiscard]] bool has_dot1x(AccessMode mode) noexcept;
[[nodiscard]] bool has_mab(AccessMode mode) noexcept;

/// What an authorised device may reach: what its zone may, and where the role names destinations, only these.
struct Role {
    std::string name;
    Place place;
    std::string description;
    std::vector<std::string> destination_lists; ///< address lists; empty: no limit beyond the zone's policies
    bool critical = false;                      ///< its sessions in force are prolonged while no RADIUS server answers
};

/// One LAN port. Lengths of time are in seconds; zero means "never".
struct AccessPort {
    std::string name; ///< port of a bridge of an inside zone
    Place place;
    AccessMode mode = AccessMode::closed;
    HostMode host_mode = HostMode::multi_auth;
    Moves moves = Moves::refuse;
    unsigned max_devices = 8;
    std::string role;                       ///< of who has proved itself and has no role of its own
    std::optional<std::string> guest_role;  ///< of a device that could not prove itself
    std::optional<std::string> failed_role; ///< of a device whose proof was refused
    unsigned tx_period = 5;                 ///< between two invitations to 802.1X
    unsigned attempts = 3;                  ///< invitations until a device counts as one without 802.1X
    unsigned quiet_period = 60;             ///< a refused device is left alone for so long
    unsigned reauthentication = 3600;
    unsigned inactivity = 0; ///< a session ends whose station sent nothing for so long
    SourceBinding source_binding = SourceBinding::report;
};

/// By what a registered device may be admitted.
enum class DeviceMethod : std::uint8_t {
    mab,   ///< its MAC address alone; it has no 802.1X
    dot1x, ///< 802.1X alone; its MAC address admits nothing
};

/// A device that the clinic knows.
struct Device {
    MacAddress mac;
    Place place;
    std::string name;
    DeviceMethod method = DeviceMethod::mab;
    std::optional<std::string> role;
    std::optional<std::string> port;  ///< the only port that it may be on
    std::vector<IpAddress> addresses; ///< its alone, on inside networks; empty: it may use any that nobody has
    std::optional<Time> expires;      ///< first moment at which the entry no longer holds
    std::string owner;
    std::string note;
    bool never_inactive = false;
    bool critical = false; ///< its session in force is prolonged while no RADIUS server answers
    bool is_woken = false; ///< what wakes it goes out to its port while it is not in force
};

/// Who may prove themselves to the router's own EAP server. Passwords are stored apart and are no part of a
/// configuration.
struct AccessUser {
    std::string name; ///< of the inner method; at most 63 bytes, nothing that needs quoting
    Place place;
    std::optional<std::string> role;
    std::optional<Time> expires; ///< first moment at which the entry no longer holds
    std::vector<std::string>
        certificates; ///< serial numbers, capital hexadecimal digits, of the authority's certificates
    std::string note;
};

/// The router's own EAP server.
struct EapServer {
    std::optional<std::string> authority;       ///< PEM: clients' certificates come from it; none: no EAP-TLS
    std::optional<std::string> revocation_list; ///< PEM: what the authority has revoked (RFC 5280, 5)
};

/// How a server has MAC addresses in its table of users.
struct MacFormat {
    char separator = 0; ///< '-' or ':'; 0: none
    bool is_upper = false;
    friend bool operator==(const MacFormat&, const MacFormat&) = default;

    [[nodiscard]] std::string text(const MacAddress& mac) const;
};

/// A RADIUS server of the clinic (RFC 2865). Secrets are stored apart.
struct RadiusServer {
    std::string name;
    Place place;
    IpAddress address;
    std::uint16_t port = 1812;
    unsigned timeout = 3; ///< seconds
    MacFormat mac_format;
};

struct PortAccess {
    std::vector<Role> roles;
    std::vector<AccessPort> ports;
    std::vector<Device> devices; ///< sorted by MAC address, each once
    std::vector<AccessUser> users;
    EapServer eap_server;
    std::vector<RadiusServer> radius_servers; ///< in their order; none: the router's own EAP server decides

    [[nodiscard]] const AccessPort* find_port(std::string_view name) const noexcept;
    [[nodiscard]] const Device* find_device(const MacAddress& mac) const noexcept;
    [[nodiscard]] const Role* find_role(std::string_view name) const noexcept;
    [[nodiscard]] const AccessUser* find_user(std::string_view name) const noexcept;

    /// Whether any port lets devices prove themselves by 802.1X.
    [[nodiscard]] bool has_dot1x() const noexcept;
};

} // namespace sekisho::model

// SPDX-License-Identifier: GPL-2.0-or-later
// What port access is told, and what it orders. Values only: who tells and who carries out is the service's business.
#pragma once

#include "policy/base/address.hpp"
#include "policy/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::access {

/// A time or a length of time in milliseconds; times count from the boot and never step. Timers run by it; only the
/// expiry of an entry asks the calendar.
class Ticks {
public:
    constexpr Ticks() = default;

    constexpr explicit Ticks(std::int64_t milliseconds) : m_count(milliseconds) {}

    [[nodiscard]] static constexpr Ticks of_seconds(std::int64_t seconds) { return Ticks(seconds * 1000); }

    [[nodiscard]] constexpr std::int64_t count() const noexcept { return m_count; }

    friend constexpr auto operator<=>(Ticks, Ticks) = default;

    friend constexpr Ticks operator+(Ticks left, Ticks right) { return Ticks(left.m_count + right.m_count); }

    friend constexpr Ticks operator-(Ticks left, Ticks right) { return Ticks(left.m_count - right.m_count); }

    friend constexpr Ticks operator*(Ticks ticks, std::int64_t factor) { return Ticks(ticks.m_count * factor); }

    friend constexpr Ticks operator/(Ticks ticks, std::int64_t divisor) { return Ticks(ticks.m_count / divisor); }

private:
    std::int64_t m_count = 0;
};

struct Moment {
    Ticks ticks;
    ClockReading clock;
};

/// A device on a port: what everything is about. A port alone is not enough (several devices), nor is a MAC address
/// (the same one may appear on two ports).
struct Station {
    std::string port;
    MacAddress mac;
    friend auto operator<=>(const Station&, const Station&) = default;
};

// ---- what is told

/// A frame of a station that is not in force was seen.
struct FrameSeen {
    Station station;
};

/// 802.1X succeeded. `user` is the identity that was proved (of the inner method, or of the certificate), never the one
/// that was claimed in the clear; empty where only a RADIUS server of the clinic knows it.
struct Authenticated {
    Station station;
    std::string user;
    std::optional<Ticks> valid_for; ///< RADIUS Session-Timeout (RFC 3580, 3.17)
};

/// 802.1X was refused: the proof was wrong.
struct Rejected {
    Station station;
};

/// 802.1X came to no end: nobody answered, or no server.
struct TimedOut {
    Station station;
};

/// The station said goodbye (EAPOL-Logoff). Anybody on the port can say so in its name.
struct LoggedOff {
    Station station;
};

/// A RADIUS server's word on a MAC address.
struct MacJudged {
    Station station;
    bool accepted = false;
    std::optional<std::string> role;
    std::optional<Ticks> valid_for;
};

/// Nothing was heard of a station for as long as the port allows.
struct WentQuiet {
    Station station;
};

struct LinkChanged {
    std::string port;
    bool has_carrier = false;
};

/// Whether any server that decides answers.
struct ServersChanged {
    bool answer = true;
};

/// The authenticator of a port is there anew and knows nobody.
struct AuthenticatorStarted {
    std::string port;
};

/// A person wants a session to end; the station may come again.
struct Cleared {
    Station station;
};

using Event = std::variant<FrameSeen, Authenticated, Rejected, TimedOut, LoggedOff, MacJudged, WentQuiet, LinkChanged,
                           ServersChanged, AuthenticatorStarted, Cleared>;

// ---- what is in force

enum class Method : std::uint8_t {
    dot1x,
    mab,    ///< weaker: a MAC address can be forged
    host,   ///< beside another device that proved itself (multi-host)
    guest,  ///< could not prove itself
    failed, ///< its proof was refused
};

[[nodiscard]] std::string_view name_of(Method method) noexcept; ///< "dot1x", "mab" …
/// "strong", "weak" or "none": how much the method proves of who is there.
[[nodiscard]] std::string_view strength_of(Method method) noexcept;

struct Session {
    Station station;
    Method method = Method::mab;
    std::string role;
    std::string user;                 ///< 802.1X only
    Time since;                       ///< of the calendar, for people
    Ticks proved;                     ///< when it last proved itself
    std::optional<Ticks> lasts_until; ///< when it ends unless it proves itself anew
    bool is_prolonged = false;        ///< no server answers; it lives on as it was (critical)
};

// ---- what is ordered

/// Why something happened; the codes are in the log.
enum class Cause : std::uint8_t {
    proved,         ///< 802.1X succeeded
    registered,     ///< the device's MAC address is registered, or a server accepted it
    beside_another, ///< multi-host
    no_proof,       ///< guest
    proof_refused,  ///< 802.1X or the MAC address was refused
    not_registered,
    unknown_user,     ///< what was proved is no user's: a certificate without an entry
    entry_expired,    ///< of the device or the user
    bound_elsewhere,  ///< the device belongs to another port
    own_address,      ///< one of the router's own MAC addresses
    reserved_address, ///< group, zero or reserved: no device's
    port_closed,
    port_full,             ///< as many devices as the port takes
    single_host,           ///< another device is there
    in_force_elsewhere,    ///< the same MAC address is in force on another port
    moved,                 ///< followed to another port
    dot1x_from_mab_device, ///< a device that is registered as one without 802.1X succeeded in it
    mac_after_dot1x,       ///< a MAC address that has done 802.1X asks for less
    timed_out,
    link_lost,
    logged_off,
    inactive,    ///< nothing was heard of it for long
    not_renewed, ///< it did not prove itself anew in time
    renewal_due, ///< a role without proof ends after a while, and may be had again
    servers_silent,
    cleared,
    renewed,       ///< it is as it was, for longer
    configuration, ///< the configuration changed
    other_ended,   ///< multi-host: the device that had proved itself is gone
};

[[nodiscard]] std::string_view name_of(Cause cause) noexcept; ///< "port-full", "link-lost" …

/// To be in force (again, where it is already: role and end may have changed).
struct Authorise {
    Session session;
    Cause cause = Cause::registered;
};

/// No longer in force.
struct Revoke {
    Session session;
    Cause cause = Cause::cleared;
};

/// Not admitted. `is_alarm`: somebody pretends to be what it is not, or something is plugged in wrongly.
struct Refuse {
    Station station;
    Cause cause = Cause::not_registered;
    bool is_alarm = false;
};

/// The authenticator shall invite the station to 802.1X.
struct Invite {
    Station station;
};

/// The authenticator shall forget the station.
struct Forget {
    Station station;
};

/// A RADIUS server shall judge the MAC address.
struct AskForMac {
    Station station;
};

using Order = std::variant<Authorise, Revoke, Refuse, Invite, Forget, AskForMac>;
using Orders = std::vector<Order>;

} // namespace sekisho::access

// SPDX-License-Identifier: GPL-2.0-or-later
// The steps that a station's visit to a port goes through.
#include "policy/access/port_access.hpp"
#include "policy/access/station_rules.hpp"

#include <algorithm>
#include <utility>

namespace sekisho::access {

namespace {

/// What a device that is registered as one without 802.1X is given to show that it has it nevertheless: it is decided
/// within two seconds of its first frame.
constexpr Ticks kShortChance{1000};
/// How long a RADIUS server may take over an address: the authenticator's own retries included.
constexpr Ticks kMostAsking{10'000};
/// From when a session is renewed to when it runs out.
constexpr Ticks kMostLead{30'000};

} // namespace

// ---- what a station may

/// Whether a station may begin, or come to be in force, on this port.
std::optional<Cause> PortAccess::why_refused(const model::AccessPort& port, const Station& station) const {
    if (const auto cause = why_no_device(station.mac, m_settings.own_addresses)) {
        return cause;
    }
    if (port.mode == model::AccessMode::closed) {
        return Cause::port_closed;
    }
    const model::Device* device = m_settings.policy.find_device(station.mac);
    if (device != nullptr && device->port && *device->port != port.name) {
        return Cause::bound_elsewhere;
    }
    std::size_t others = 0;
    for (const auto& [other, visit] : m_visits) {
        if (!visit.session || other == station) {
            continue;
        }
        if (other.mac == station.mac && port.moves == model::Moves::refuse) {
            return Cause::in_force_elsewhere;
        }
        others += other.port == port.name ? 1 : 0;
    }
    if (port.host_mode == model::HostMode::single_host && others > 0) {
        return Cause::single_host;
    }
    return others >= port.max_devices ? std::optional(Cause::port_full) : std::nullopt;
}

/// Multi-host: the one that has proved itself, and that the others depend on.
const Session* PortAccess::leader_of(std::string_view port) const {
    for (const auto& [station, visit] : m_visits) {
        if (station.port == port && visit.session &&
            (visit.session->method == Method::dot1x || visit.session->method == Method::mab)) {
            return &*visit.session;
        }
    }
    return nullptr;
}

bool PortAccess::has_expired(const MacAddress& mac, const Moment& now) const {
    const model::Device* device = m_settings.policy.find_device(mac);
    return device != nullptr && device->expires && now.clock.has_passed(*device->expires);
}

/// When the entry that speaks for a session ends.
std::optional<Time> PortAccess::expiry_of(const Session& session) const {
    if (session.method == Method::mab) {
        const model::Device* device = m_settings.policy.find_device(session.station.mac);
        return device == nullptr ? std::nullopt : device->expires;
    }
    const model::AccessUser* user =
        session.method == Method::dot1x ? m_settings.policy.find_user(session.user) : nullptr;
    return user == nullptr ? std::nullopt : user->expires;
}

/// Whether a proved identity counts. Those that the router's own EAP server proves must be in its table.
std::optional<Cause> PortAccess::why_no_user(const std::string& name, const Moment& now) const {
    const model::AccessUser* user = m_settings.policy.find_user(name);
    if (user == nullptr) {
        return m_settings.policy.radius_servers.empty() ? std::optional(Cause::unknown_user) : std::nullopt;
    }
    return user->expires && now.clock.has_passed(*user->expires) ? std::optional(Cause::entry_expired) : std::nullopt;
}

/// Of who proved themselves by 802.1X: the user's own, else the device's, else the port's.
const std::string& PortAccess::role_of(const model::AccessPort& port, const MacAddress& mac,
                                       const std::string& user) const {
    const model::AccessUser* entry = m_settings.policy.find_user(user);
    if (entry != nullptr && entry->role) {
        return *entry->role;
    }
    const model::Device* device = m_settings.policy.find_device(mac);
    return device != nullptr && device->role ? *device->role : port.role;
}

Ticks PortAccess::chance_of(const model::AccessPort& port, const MacAddress& mac) const {
    const model::Device* device = m_settings.policy.find_device(mac);
    const Ticks whole = Ticks::of_seconds(port.tx_period) * port.attempts;
    const bool is_mab_device = device != nullptr && device->method == model::DeviceMethod::mab;
    return is_mab_device ? std::min(kShortChance, whole) : whole;
}

// ---- steps

void PortAccess::begin(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit) {
    const Session* leader = leader_of(port.name);
    if (port.host_mode == model::HostMode::multi_host && leader != nullptr) {
        authorise(turn, port, station, visit,
                  {.method = Method::host, .role = leader->role, .cause = Cause::beside_another});
        return;
    }
    switch (port.mode) {
    case model::AccessMode::dot1x:
    case model::AccessMode::dot1x_then_mab:
        invite(turn, port, station, visit);
        break;
    case model::AccessMode::mab:
    case model::AccessMode::mab_then_dot1x:
        judge_mac(turn, port, station, visit);
        break;
    case model::AccessMode::open:
    case model::AccessMode::closed:
        m_visits.erase(station); // nothing to decide: an open port has no sessions, a closed one refuses
        break;
    }
}

void PortAccess::invite(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit) {
    visit.was_invited = true;
    visit.invited_until = turn.now.ticks + chance_of(port, station.mac);
    turn.orders.push_back(Invite{station});
}

void PortAccess::judge_mac(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit) {
    const model::Device* device = m_settings.policy.find_device(station.mac);
    if (m_proved.contains(station.mac)) {
        hold(turn, port, station, visit, Cause::mac_after_dot1x);
    } else if (device == nullptr && m_settings.servers_judge_macs) {
        visit.asked_until = turn.now.ticks + kMostAsking;
        turn.orders.push_back(AskForMac{station});
    } else if (device == nullptr || device->method != model::DeviceMethod::mab) {
        unproved(turn, port, station, visit, Cause::not_registered);
    } else if (has_expired(station.mac, turn.now)) {
        unproved(turn, port, station, visit, Cause::entry_expired);
    } else if (const auto cause = why_refused(port, station)) {
        hold(turn, port, station, visit, *cause);
    } else {
        authorise(turn, port, station, visit, {.method = Method::mab, .role = device->role.value_or(port.role)});
    }
}

/// 802.1X had its chance.
void PortAccess::end_of_chance(Turn turn, const Station& station, Visit& visit) {
    const model::AccessPort* port = m_settings.policy.find_port(station.port);
    visit.invited_until.reset();
    if (visit.session) {
        return; // it has until its time runs out
    }
    turn.orders.push_back(Forget{station});
    if (port->mode == model::AccessMode::dot1x_then_mab) {
        judge_mac(turn, *port, station, visit);
    } else {
        unproved(turn, *port, station, visit, m_servers_answer ? Cause::timed_out : Cause::servers_silent);
    }
}

/// Nothing speaks for the station.
void PortAccess::unproved(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit, Cause cause) {
    if (port.mode == model::AccessMode::mab_then_dot1x && !visit.was_invited) {
        invite(turn, port, station, visit);
    } else if (!port.guest_role) {
        hold(turn, port, station, visit, cause);
    } else if (const auto refusal = why_refused(port, station)) {
        hold(turn, port, station, visit, *refusal);
    } else {
        authorise(turn, port, station, visit,
                  {.method = Method::guest, .role = *port.guest_role, .cause = Cause::no_proof});
    }
}

/// Something speaks against it.
void PortAccess::refused_proof(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit) {
    if (!port.failed_role) {
        hold(turn, port, station, visit, Cause::proof_refused);
    } else if (const auto refusal = why_refused(port, station)) {
        hold(turn, port, station, visit, *refusal);
    } else {
        authorise(turn, port, station, visit,
                  {.method = Method::failed, .role = *port.failed_role, .cause = Cause::proof_refused});
    }
}

void PortAccess::authorise(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit,
                           Grant grant) {
    // followed to this port: nowhere else from now on
    for (const Session& other : sessions()) {
        if (other.station.mac == station.mac && other.station != station) {
            revoke(turn, m_visits.find(other.station), Cause::moved);
        }
    }
    const bool is_same = visit.session && visit.session->method == grant.method && visit.session->role == grant.role &&
                         visit.session->user == grant.user;
    Session session{.station = station,
                    .method = grant.method,
                    .role = std::move(grant.role),
                    .user = std::move(grant.user),
                    .since = is_same ? visit.session->since : turn.now.clock.now,
                    .proved = turn.now.ticks,
                    .lasts_until = {},
                    .is_prolonged = false};
    visit = Visit{};
    Ticks interval = Ticks::of_seconds(port.reauthentication);
    if (grant.valid_for && (interval == Ticks{} || *grant.valid_for < interval)) {
        interval = *grant.valid_for;
    }
    if (interval > Ticks{} && grant.method != Method::host) {
        session.lasts_until = turn.now.ticks + interval;
        visit.renew_at = *session.lasts_until - std::min(interval / 4, kMostLead);
    }
    visit.session = std::move(session);
    turn.orders.push_back(Authorise{*visit.session, is_same ? Cause::renewed : grant.cause});
    end_hosts(turn, station.port); // it may have been the one that proved itself, and be so no more
}

/// Ends a visit; one that is not in force leaves no trace.
void PortAccess::revoke(Turn turn, Visits::iterator found, Cause cause) {
    const auto [station, visit] = std::move(*found);
    m_visits.erase(found);
    if (visit.invited_until || (visit.session && visit.session->method == Method::dot1x)) {
        turn.orders.push_back(Forget{station});
    }
    if (!visit.session) {
        return;
    }
    turn.orders.push_back(Revoke{*visit.session, cause});
    end_hosts(turn, station.port);
}

/// Multi-host: where nobody is left who proved itself, those beside it go too.
void PortAccess::end_hosts(Turn turn, std::string_view port) {
    if (leader_of(port) != nullptr) {
        return;
    }
    for (const Station& station : stations_on(port)) {
        const auto found = m_visits.find(station);
        if (found->second.session && found->second.session->method == Method::host) {
            turn.orders.push_back(Revoke{*found->second.session, Cause::other_ended});
            m_visits.erase(found);
        }
    }
}

/// It shall prove itself anew while it stays in force.
void PortAccess::renew(Turn turn, const Station& station, Visit& visit) {
    const model::AccessPort* port = m_settings.policy.find_port(station.port);
    switch (visit.session->method) {
    case Method::dot1x:
        invite(turn, *port, station, visit);
        break;
    case Method::mab:
        judge_mac(turn, *port, station, visit);
        break;
    case Method::host:
    case Method::guest:
    case Method::failed:
        break; // it ends, and comes anew by its next frame
    }
}

/// A session's time is over.
void PortAccess::run_out(Turn turn, const Station& station, Visit& visit) {
    const model::Device* device = m_settings.policy.find_device(station.mac);
    const model::Role* role = m_settings.policy.find_role(visit.session->role);
    const bool is_critical = (device != nullptr && device->critical) || (role != nullptr && role->critical);
    const bool depends_on_servers =
        visit.session->method == Method::dot1x || (visit.session->method == Method::mab && device == nullptr);
    if (depends_on_servers && !m_servers_answer && is_critical) {
        visit.session->lasts_until.reset();
        visit.session->is_prolonged = true;
        visit.renew_at.reset();
        visit.invited_until.reset();
        visit.asked_until.reset();
        turn.orders.push_back(Authorise{*visit.session, Cause::servers_silent});
        return;
    }
    revoke(turn, m_visits.find(station), depends_on_servers ? Cause::not_renewed : Cause::renewal_due);
}

// ---- visits

std::vector<Station> PortAccess::stations_on(std::string_view port) const {
    std::vector<Station> stations;
    for (const auto& [station, visit] : m_visits) {
        if (station.port == port) {
            stations.push_back(station);
        }
    }
    return stations;
}

/// The visit of a station, made where there is room. Registered devices find room among those that are not.
PortAccess::Visit* PortAccess::visit_of(const Station& station) {
    if (const auto found = m_visits.find(station); found != m_visits.end()) {
        return &found->second;
    }
    std::size_t visitors = 0;
    auto oldest = m_visits.end();
    auto stranger = m_visits.end();
    for (auto each = m_visits.begin(); each != m_visits.end(); ++each) {
        if (each->first.port != station.port || each->second.session) {
            continue;
        }
        ++visitors;
        const auto& held = each->second.held_until;
        if (held && (oldest == m_visits.end() || *held < *oldest->second.held_until)) {
            oldest = each;
        }
        if (m_settings.policy.find_device(each->first.mac) == nullptr) {
            stranger = each;
        }
    }
    if (visitors >= kMostVisitors) {
        const bool is_known = m_settings.policy.find_device(station.mac) != nullptr;
        const auto leaving = oldest != m_visits.end() ? oldest : is_known ? stranger : m_visits.end();
        if (leaving == m_visits.end()) {
            return nullptr;
        }
        m_visits.erase(leaving);
    }
    return &m_visits[station];
}

} // namespace sekisho::access

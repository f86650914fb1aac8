// SPDX-License-Identifier: GPL-2.0-or-later
// What each event does. The steps that they take are in port_access_steps.cpp.
#include "policy/access/port_access.hpp"

#include "policy/access/station_rules.hpp"

#include <algorithm>
#include <utility>

namespace sekisho::access {

namespace {

bool is_alarming(Cause cause) noexcept {
    switch (cause) {
    case Cause::bound_elsewhere:
    case Cause::own_address:
    case Cause::reserved_address:
    case Cause::in_force_elsewhere:
    case Cause::single_host:
    case Cause::dot1x_from_mab_device:
    case Cause::mac_after_dot1x:
    case Cause::unknown_user:
        return true;
    default:
        return false;
    }
}

} // namespace

// ---- events

Orders PortAccess::take(const Event& event, const Moment& now) {
    Orders orders;
    std::visit([&](const auto& each) { on({now, orders}, each); }, event);
    return orders;
}

void PortAccess::on(Turn turn, const FrameSeen& event) {
    const model::AccessPort* port = m_settings.policy.find_port(event.station.port);
    Visit* visit = port == nullptr ? nullptr : visit_of(event.station);
    if (visit == nullptr || visit->held_until || visit->invited_until || visit->asked_until) {
        return;
    }
    if (visit->session) { // the kernel lost it
        turn.orders.push_back(Authorise{*visit->session, Cause::renewed});
    } else if (const auto cause = why_refused(*port, event.station)) {
        hold(turn, *port, event.station, *visit, *cause);
    } else {
        begin(turn, *port, event.station, *visit);
    }
}

void PortAccess::on(Turn turn, const Authenticated& event) {
    const model::AccessPort* port = m_settings.policy.find_port(event.station.port);
    if (port == nullptr || !model::has_dot1x(port->mode)) {
        return; // no authenticator of ours runs there
    }
    Visit* visit = visit_of(event.station);
    if (visit == nullptr) {
        turn.orders.push_back(Forget{event.station});
        return;
    }
    visit->invited_until.reset();
    const model::Device* device = m_settings.policy.find_device(event.station.mac);
    auto cause = why_refused(*port, event.station);
    if (!cause && device != nullptr && device->method == model::DeviceMethod::mab) {
        cause = Cause::dot1x_from_mab_device;
    } else if (!cause && has_expired(event.station.mac, turn.now)) {
        cause = Cause::entry_expired;
    } else if (!cause) {
        cause = why_no_user(event.user, turn.now);
    }
    if (cause) {
        // success marks nothing here: what is in force by the address alone stays, and nothing else begins; what was in
        // force by an earlier proof has lost it
        turn.orders.push_back(Forget{event.station});
        if (visit->session && visit->session->method != Method::dot1x) {
            turn.orders.push_back(Refuse{event.station, *cause, is_alarming(*cause)});
        } else {
            hold(turn, *port, event.station, *visit, *cause);
        }
        return;
    }
    m_proved.insert(event.station.mac);
    authorise(turn, *port, event.station, *visit,
              {.method = Method::dot1x,
               .role = role_of(*port, event.station.mac, event.user),
               .user = event.user,
               .valid_for = event.valid_for,
               .cause = Cause::proved});
}

/// Whatever becomes of it, a refused proof is told of: somebody may be guessing.
void PortAccess::on(Turn turn, const Rejected& event) {
    const model::AccessPort* port = m_settings.policy.find_port(event.station.port);
    Visit* visit = port == nullptr || !model::has_dot1x(port->mode) ? nullptr : visit_of(event.station);
    if (visit == nullptr) {
        return;
    }
    visit->invited_until.reset();
    if (visit->held_until || (visit->session && visit->session->method != Method::dot1x)) {
        // it is left alone already; or what it has, it has without 802.1X
        turn.orders.push_back(Refuse{event.station, Cause::proof_refused, false});
        return;
    }
    const model::Device* device = m_settings.policy.find_device(event.station.mac);
    const bool is_mab_device = device != nullptr && device->method == model::DeviceMethod::mab;
    if (!visit->session && port->mode == model::AccessMode::dot1x_then_mab && is_mab_device) {
        judge_mac(turn, *port, event.station, *visit);
    } else {
        refused_proof(turn, *port, event.station, *visit);
    }
}

void PortAccess::on(Turn turn, const TimedOut& event) {
    const auto found = m_visits.find(event.station);
    if (found == m_visits.end() || !found->second.invited_until) {
        return;
    }
    if (found->second.session) {
        found->second.invited_until.reset(); // a hiccup: it has until its time runs out
    } else {
        end_of_chance(turn, event.station, found->second);
    }
}

void PortAccess::on(Turn turn, const LoggedOff& event) {
    const auto found = m_visits.find(event.station);
    if (found != m_visits.end() && found->second.session && found->second.session->method == Method::dot1x) {
        revoke(turn, found, Cause::logged_off);
    }
}

void PortAccess::on(Turn turn, const MacJudged& event) {
    const model::AccessPort* port = m_settings.policy.find_port(event.station.port);
    const auto found = m_visits.find(event.station);
    if (port == nullptr || found == m_visits.end() || !found->second.asked_until) {
        return;
    }
    Visit& visit = found->second;
    visit.asked_until.reset();
    if (!event.accepted) {
        unproved(turn, *port, event.station, visit, Cause::not_registered);
    } else if (const auto cause = why_refused(*port, event.station)) {
        hold(turn, *port, event.station, visit, *cause);
    } else {
        authorise(turn, *port, event.station, visit,
                  {.method = Method::mab, .role = event.role.value_or(port->role), .valid_for = event.valid_for});
    }
}

void PortAccess::on(Turn turn, const WentQuiet& event) {
    const auto found = m_visits.find(event.station);
    const model::Device* device = m_settings.policy.find_device(event.station.mac);
    if (found != m_visits.end() && found->second.session && (device == nullptr || !device->never_inactive)) {
        revoke(turn, found, Cause::inactive);
    }
}

/// Whoever pulls a cable may plug in another device: everything on the port begins anew.
void PortAccess::on(Turn turn, const LinkChanged& event) {
    if (event.has_carrier) {
        return;
    }
    for (const Station& station : stations_on(event.port)) {
        if (const auto found = m_visits.find(station); found != m_visits.end()) {
            revoke(turn, found, Cause::link_lost);
        }
    }
}

void PortAccess::on(Turn turn, const ServersChanged& event) {
    m_servers_answer = event.answer;
    if (!event.answer) {
        return;
    }
    // who was refused for their silence, or asked about in vain so far, may come again with the next frame
    std::erase_if(m_visits, [](const auto& entry) {
        return entry.second.waits_for_servers || (entry.second.asked_until && !entry.second.session);
    });
    for (auto& [station, visit] : m_visits) {
        if (visit.session && visit.session->is_prolonged) {
            const model::AccessPort* port = m_settings.policy.find_port(station.port);
            visit.session->is_prolonged = false;
            visit.session->lasts_until = turn.now.ticks + chance_of(*port, station.mac) * 2;
            turn.orders.push_back(Authorise{*visit.session, Cause::renewed});
            renew(turn, station, visit);
        }
    }
}

void PortAccess::on(Turn turn, const AuthenticatorStarted& event) {
    const model::AccessPort* port = m_settings.policy.find_port(event.port);
    if (port == nullptr) {
        return;
    }
    for (const Station& station : stations_on(event.port)) {
        Visit& visit = m_visits.at(station);
        if (visit.invited_until || (visit.session && visit.session->method == Method::dot1x)) {
            invite(turn, *port, station, visit);
        }
    }
}

void PortAccess::on(Turn turn, const Cleared& event) {
    if (const auto found = m_visits.find(event.station); found != m_visits.end()) {
        revoke(turn, found, Cause::cleared);
    }
}

// ---- time

void PortAccess::due(Turn turn, const Station& station) {
    const auto found = m_visits.find(station);
    if (found == m_visits.end()) {
        return; // ended with another one
    }
    Visit& visit = found->second;
    const auto has_come = [&](const std::optional<Ticks>& moment) { return moment && *moment <= turn.now.ticks; };
    if (has_come(visit.held_until)) {
        if (visit.was_invited) { // else its authenticator would leave it alone for longer, or for shorter
            turn.orders.push_back(Forget{station});
        }
        m_visits.erase(found);
        return;
    }
    if (const auto expiry = visit.session ? expiry_of(*visit.session) : std::nullopt;
        expiry && turn.now.clock.has_passed(*expiry)) {
        revoke(turn, found, Cause::entry_expired);
        return;
    }
    if (visit.session && has_come(visit.session->lasts_until)) {
        run_out(turn, station, visit);
        return;
    }
    if (has_come(visit.renew_at)) {
        visit.renew_at.reset();
        renew(turn, station, visit);
    }
    if (has_come(visit.invited_until)) {
        end_of_chance(turn, station, visit);
    }
    if (has_come(visit.asked_until)) {
        visit.asked_until.reset();
        if (!visit.session) {
            unproved(turn, *m_settings.policy.find_port(station.port), station, visit, Cause::servers_silent);
        }
    }
}

Orders PortAccess::advance(const Moment& now) {
    Orders orders;
    std::vector<Station> all;
    for (const auto& [station, visit] : m_visits) {
        all.push_back(station);
    }
    for (const Station& station : all) {
        due({now, orders}, station);
    }
    return orders;
}

std::optional<Ticks> PortAccess::next_deadline(const Moment& now) const {
    std::optional<Ticks> next;
    const auto consider = [&](const std::optional<Ticks>& moment) {
        if (moment && (!next || *moment < *next)) {
            next = moment;
        }
    };
    for (const auto& [station, visit] : m_visits) {
        for (const auto& moment : {visit.renew_at, visit.invited_until, visit.asked_until, visit.held_until}) {
            consider(moment);
        }
        if (!visit.session) {
            continue;
        }
        consider(visit.session->lasts_until);
        if (const auto expiry = expiry_of(*visit.session)) {
            const std::int64_t left = expiry->microseconds - now.clock.now.microseconds;
            consider(now.ticks + Ticks(std::max<std::int64_t>(left / 1000 + 1, 0)));
        }
    }
    return next;
}

std::vector<Session> PortAccess::sessions() const {
    std::vector<Session> sessions;
    for (const auto& [station, visit] : m_visits) {
        if (visit.session) {
            sessions.push_back(*visit.session);
        }
    }
    return sessions;
}

std::optional<Session> PortAccess::find_session(const Station& station) const {
    const auto found = m_visits.find(station);
    return found == m_visits.end() ? std::nullopt : found->second.session;
}

// ---- settings

Orders PortAccess::configure(Settings settings, const Moment& now) {
    m_settings = std::move(settings);
    std::ranges::sort(m_settings.own_addresses);
    Orders orders;
    std::vector<Station> all;
    for (const auto& [station, visit] : m_visits) {
        all.push_back(station);
    }
    for (const Station& station : all) {
        judge_anew({now, orders}, station);
    }
    return orders;
}

Orders PortAccess::adopt(std::vector<Session> sessions, const Moment& now) {
    Orders orders;
    for (Session& session : sessions) {
        const Station station = session.station;
        if (session.method == Method::dot1x) {
            m_proved.insert(station.mac);
        }
        Visit& visit = m_visits[station];
        visit.renew_at = session.lasts_until ? now.ticks : visit.renew_at;
        visit.session = std::move(session);
    }
    std::vector<Station> all;
    for (const auto& [station, visit] : m_visits) {
        all.push_back(station);
    }
    for (const Station& station : all) {
        judge_anew({now, orders}, station);
        if (const auto found = m_visits.find(station); found != m_visits.end() && found->second.session) {
            orders.push_back(Authorise{*found->second.session, Cause::renewed});
        }
    }
    return orders;
}

/// New settings: what was refused may try again at once; what is in force stays only if it would come in again.
void PortAccess::judge_anew(Turn turn, const Station& station) {
    const auto found = m_visits.find(station);
    if (found == m_visits.end()) {
        return;
    }
    Visit& visit = found->second;
    const model::AccessPort* port = m_settings.policy.find_port(station.port);
    if (port == nullptr || !visit.session) {
        revoke(turn, found, Cause::configuration);
        return;
    }
    // judged as one that comes: it must not stand in its own way
    std::optional<Session> session = std::exchange(visit.session, std::nullopt);
    auto cause = why_refused(*port, station);
    visit.session = std::move(session);
    const model::Device* device = m_settings.policy.find_device(station.mac);
    std::string role = visit.session->role;
    switch (visit.session->method) {
    case Method::dot1x:
        if (!model::has_dot1x(port->mode) || (device != nullptr && device->method == model::DeviceMethod::mab)) {
            cause = Cause::configuration;
        } else if (!cause) {
            cause = why_no_user(visit.session->user, turn.now);
            role = role_of(*port, station.mac, visit.session->user);
        }
        break;
    case Method::mab:
        if (!model::has_mab(port->mode) || (device == nullptr && !m_settings.servers_judge_macs) ||
            (device != nullptr && device->method != model::DeviceMethod::mab)) {
            cause = Cause::configuration;
        } else if (device != nullptr) {
            role = device->role.value_or(port->role);
        }
        break;
    case Method::host:
        if (port->host_mode != model::HostMode::multi_host) {
            cause = Cause::configuration;
        }
        break;
    case Method::guest:
        role = port->guest_role.value_or("");
        break;
    case Method::failed:
        role = port->failed_role.value_or("");
        break;
    }
    if (!cause && has_expired(station.mac, turn.now)) {
        cause = Cause::entry_expired;
    } else if (!cause && m_settings.policy.find_role(role) == nullptr) {
        cause = Cause::configuration;
    }
    if (cause) {
        revoke(turn, found, *cause);
    } else if (role != visit.session->role) {
        visit.session->role = std::move(role);
        turn.orders.push_back(Authorise{*visit.session, Cause::configuration});
    }
}

void PortAccess::hold(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit, Cause cause) {
    const bool was_invited = visit.was_invited;
    const auto session = std::exchange(visit, Visit{}).session;
    visit.was_invited = was_invited;
    visit.waits_for_servers = cause == Cause::servers_silent;
    visit.held_until = turn.now.ticks + Ticks::of_seconds(port.quiet_period);
    if (session) {
        turn.orders.push_back(Revoke{*session, cause});
        end_hosts(turn, station.port);
    }
    const bool is_made_up = cause == Cause::not_registered && station.mac.is_locally_administered();
    turn.orders.push_back(Refuse{station, cause, is_alarming(cause) || is_made_up});
}

} // namespace sekisho::access

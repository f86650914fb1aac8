// SPDX-License-Identifier: GPL-2.0-or-later
// The decisions of port access (IEEE 802.1X-2020, clause 8, for the port; MAC authentication is ours): a state machine
// that is told events and gives orders. It has no clock: every call says when it is. Nothing is in force that an
// Authorise order did not put in force, and a station is in force on one port at a time.
#pragma once

#include "policy/access/event.hpp"
#include "policy/model/port_access.hpp"

#include <map>
#include <set>
#include <string_view>
#include <vector>

namespace sekisho::access {

struct Settings {
    model::PortAccess policy;
    std::vector<MacAddress> own_addresses; ///< of the router, on any interface
    bool servers_judge_macs = false;       ///< a RADIUS server is asked for addresses that are not registered
};

class PortAccess {
public:
    /// Stations of one port that are not in force and nevertheless remembered; a flood of made-up addresses pushes out
    /// the oldest.
    static constexpr std::size_t kMostVisitors = 256;

    /// Everything that is in force is judged by the new settings: what they do not admit ends.
    [[nodiscard]] Orders configure(Settings settings, const Moment& now);

    /// Takes over what was in force before a restart, as far as the settings still admit it; the rest is revoked.
    [[nodiscard]] Orders adopt(std::vector<Session> sessions, const Moment& now);

    [[nodiscard]] Orders take(const Event& event, const Moment& now);

    /// Does what is due.
    [[nodiscard]] Orders advance(const Moment& now);
    /// When advance() has something to do next; nothing where only an event can change anything.
    [[nodiscard]] std::optional<Ticks> next_deadline(const Moment& now) const;

    /// What is in force, by port and address.
    [[nodiscard]] std::vector<Session> sessions() const;
    [[nodiscard]] std::optional<Session> find_session(const Station& station) const;

private:
    struct Visit {
        std::optional<Session> session;
        std::optional<Ticks> renew_at;      ///< it shall prove itself anew
        std::optional<Ticks> invited_until; ///< 802.1X runs; ends with its chance
        std::optional<Ticks> asked_until;   ///< a server was asked for the address
        std::optional<Ticks> held_until;    ///< refused and left alone
        bool was_invited = false;           ///< since it came
        bool waits_for_servers = false;     ///< refused only because none answered
    };

    using Visits = std::map<Station, Visit>;

    /// One call: where its orders go, and when it is.
    struct Turn {
        const Moment& now;
        Orders& orders;
    };

    void on(Turn turn, const FrameSeen& event);
    void on(Turn turn, const Authenticated& event);
    void on(Turn turn, const Rejected& event);
    void on(Turn turn, const TimedOut& event);
    void on(Turn turn, const LoggedOff& event);
    void on(Turn turn, const MacJudged& event);
    void on(Turn turn, const WentQuiet& event);
    void on(Turn turn, const LinkChanged& event);
    void on(Turn turn, const ServersChanged& event);
    void on(Turn turn, const AuthenticatorStarted& event);
    void on(Turn turn, const Cleared& event);

    // ---- what a station may
    [[nodiscard]] std::optional<Cause> why_refused(const model::AccessPort& port, const Station& station) const;
    [[nodiscard]] const Session* leader_of(std::string_view port) const;
    [[nodiscard]] bool has_expired(const MacAddress& mac, const Moment& now) const;
    [[nodiscard]] std::optional<Time> expiry_of(const Session& session) const;
    [[nodiscard]] std::optional<Cause> why_no_user(const std::string& name, const Moment& now) const;
    [[nodiscard]] const std::string& role_of(const model::AccessPort& port, const MacAddress& mac,
                                             const std::string& user) const;
    [[nodiscard]] Ticks chance_of(const model::AccessPort& port, const MacAddress& mac) const;

    // ---- steps of a visit
    void begin(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit);
    void invite(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit);
    void judge_mac(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit);
    void end_of_chance(Turn turn, const Station& station, Visit& visit);
    void unproved(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit, Cause cause);
    void refused_proof(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit);
    void hold(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit, Cause cause);

    struct Grant {
        Method method = Method::mab;
        std::string role;
        std::string user;
        std::optional<Ticks> valid_for;
        Cause cause = Cause::registered;
    };

    void authorise(Turn turn, const model::AccessPort& port, const Station& station, Visit& visit, Grant grant);
    void revoke(Turn turn, Visits::iterator visit, Cause cause);
    void end_hosts(Turn turn, std::string_view port);
    void renew(Turn turn, const Station& station, Visit& visit);
    void run_out(Turn turn, const Station& station, Visit& visit);
    void due(Turn turn, const Station& station);

    // ---- visits
    Visit* visit_of(const Station& station);
    [[nodiscard]] std::vector<Station> stations_on(std::string_view port) const;
    void judge_anew(Turn turn, const Station& station);

    Settings m_settings;
    Visits m_visits;
    std::set<MacAddress> m_proved; ///< has done 802.1X: its address alone is not enough any more
    bool m_servers_answer = true;
};

} // namespace sekisho::access

// SPDX-License-Identifier: GPL-2.0-or-later
// Port access on the router: tells the state machine (policy/access) what happens on the ports, and carries its orders
// out in both layers, the bridge's table of stations and the filter where frames come in. What is in force is a lease
// in the kernel, renewed here: without the daemon it ends by itself.
#pragma once

#include "firmware/ports/authenticators.hpp"
#include "firmware/ports/clock.hpp"
#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/packet_log.hpp"
#include "firmware/ports/radius_servers.hpp"
#include "firmware/ports/station_filter.hpp"
#include "firmware/ports/station_table.hpp"
#include "firmware/ports/store.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/timekeeper.hpp"
#include "policy/access/port_access.hpp"
#include "policy/model/model.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::services {

class PortAccess {
public:
    struct Ports {
        ports::StationTable& table;
        ports::StationFilter& filter;
        ports::PacketLog& frames; ///< of ruleset::kLogGroupStations
        ports::Authenticators& authenticators;
        ports::RadiusServers& radius;
        ports::EventLoop& loop;
        ports::Clock& clock;
        ports::Store& run_store; ///< gone with the next boot: sessions in force, for a daemon that starts anew
    };

    PortAccess(Ports ports, Timekeeper& timekeeper, EventLog& log);

    /// Begins to listen. Call once, before the first follow().
    Result<void> start();

    /// Who is told of records about the addresses of devices (ruleset::binding_report_of), which are not judged here.
    void on_binding(std::function<void(const events::LogRecord&)> callback) { m_on_binding = std::move(callback); }

    /// Who is told of DHCP requests (ruleset::kRequestPrefix).
    void on_request(std::function<void(const events::LogRecord&)> callback) { m_on_request = std::move(callback); }

    /// Makes the ports follow the configuration. The first call takes over the sessions of an earlier process whose
    /// leases are still in the kernel. An error says that a port may be closed to who should be let in, never the other
    /// way round.
    Result<void> follow(const model::Model& model);

    /// The second layer of port access beside what was installed, and putting it there again with its leases.
    Result<::sekisho::ports::Comparisons> compare_filter() { return m_ports.filter.compare(); }

    Result<void> restore_filter();

    /// Whether frames for everybody go out to locked ports, beside who is there, and making it so again.
    Result<::sekisho::ports::Comparisons> compare_flooding();
    Result<void> restore_flooding();

    /// Looks at the links anew: installs the filter where ports have come or gone, and knows the router's addresses.
    void check_links();

    /// The clock may have stepped, or be synchronised now: entries that expire are judged anew.
    void check_clock();

    [[nodiscard]] std::vector<access::Session> sessions() const { return m_access.sessions(); }

    [[nodiscard]] std::optional<access::Session> find_session(const access::Station& station) const {
        return m_access.find_session(station);
    }

    [[nodiscard]] const model::PortAccess& policy() const noexcept { return m_policy; }

    [[nodiscard]] access::Ticks ticks() const { return moment().ticks; }

    /// Ports that have a link.
    [[nodiscard]] bool has_carrier(const std::string& port) const;

    [[nodiscard]] std::vector<ports::RadiusServerState> servers() const { return m_ports.radius.states(); }

    /// Whether the port's authenticator is there.
    [[nodiscard]] bool has_authenticator(const std::string& port) const {
        return m_ports.authenticators.is_present(port);
    }

    /// The router's own MAC addresses: no device's.
    [[nodiscard]] const std::vector<MacAddress>& own_addresses() const noexcept { return m_own_addresses; }

    struct LastResult {
        access::Cause cause = access::Cause::registered;
        Time at;
        access::Ticks proved; ///< as it was then
    };

    /// What was decided last of a station that is in force. A new process knows of what it takes over that it is as it
    /// was.
    [[nodiscard]] std::optional<LastResult> last_result(const access::Station& station) const;

    /// Calls back for every frame that is told of: of a station that is not in force.
    void on_sighting(std::function<void(const access::Station&)> callback) { m_on_sighting = std::move(callback); }

    /// Whether there was such a session.
    bool clear(const access::Station& station);

    /// Why a part of the policy is not in the kernel; empty where all is well.
    [[nodiscard]] const std::string& trouble() const noexcept { return m_trouble; }

private:
    struct Executor;

    void on_frame(const events::LogRecord& record);
    void on_link(const ports::LinkEvent& event);
    void on_authenticator(access::Event event);
    void on_server(const std::string& name, std::string_view what);
    void tell(const access::Event& event);
    void carry_out(const access::Orders& orders);
    void put_in_force(const access::Authorise& order);
    void end(const access::Revoke& order);
    void renew_leases();
    void note_heard();
    void end_silent();
    void let_wake();
    [[nodiscard]] bool wants_flooding(const std::string& port) const;
    void set_timer();
    Result<bool> read_links();
    [[nodiscard]] ruleset::StationFilter wanted_filter() const;
    Result<void> install_filter();
    Result<void> configure();
    void follow_authenticators();
    Result<void> adopt();
    void save();
    void fail(std::string_view what, const Error& error);
    void record(const access::Session& session, std::string_view action, access::Cause cause);
    void record_refusal(const access::Refuse& order);
    [[nodiscard]] access::Moment moment() const;
    [[nodiscard]] std::uint32_t number_of(const std::string& role) const;

    Ports m_ports;
    Timekeeper& m_timekeeper;
    EventLog& m_log;
    access::PortAccess m_access;
    std::function<void(const events::LogRecord&)> m_on_binding;
    std::function<void(const events::LogRecord&)> m_on_request;
    model::PortAccess m_policy;
    ruleset::StationFilter m_filter;                             ///< with all ports that are wanted
    std::map<std::string, std::uint32_t, std::less<>> m_numbers; ///< of roles
    std::map<std::string, bool> m_links;                         ///< carrier, by name
    std::vector<MacAddress> m_own_addresses;                     ///< of all links
    std::map<access::Station, LastResult> m_results;             ///< of what is in force
    std::map<access::Station, access::Ticks> m_heard; ///< of what is in force: when it sent something, as far as known
    std::function<void(const access::Station&)> m_on_sighting;
    std::set<std::string> m_waking_ports; ///< to which frames that wake go out
    bool m_was_synchronised = false;
    ruleset::StationFilter m_installed;
    bool m_is_installed = false;
    bool m_has_adopted = false;
    std::string m_saved;
    std::string m_trouble;
    std::unique_ptr<ports::Timer> m_due;
    std::unique_ptr<ports::Timer> m_renewal;
    std::unique_ptr<ports::Timer> m_save; ///< many orders are written once
};

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/port_access.hpp"

#include "firmware/services/access_sessions.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

/// Two fit into a lease, so that one may fail.
constexpr std::uint64_t kRenewalMilliseconds = 20'000;
constexpr std::uint64_t kSaveMilliseconds = 50;
constexpr std::string_view kSessionsFile = "access-sessions";
constexpr std::size_t kMostSessions = 4u << 20; ///< bytes

} // namespace

PortAccess::PortAccess(Ports ports, Timekeeper& timekeeper, EventLog& log)
    : m_ports(ports),
      m_timekeeper(timekeeper),
      m_log(log),
      m_due(ports.loop.make_timer([this] {
          carry_out(m_access.advance(moment()));
          set_timer();
      })),
      m_renewal(ports.loop.make_timer([this] {
          check_clock();
          end_silent();
          renew_leases();
      })),
      m_save(ports.loop.make_timer([this] { save(); })) {}

access::Moment PortAccess::moment() const {
    return {.ticks = access::Ticks(m_ports.clock.monotonic_microseconds() / 1000), .clock = m_timekeeper.reading()};
}

Result<void> PortAccess::start() {
    m_renewal->start_repeating(kRenewalMilliseconds);
    m_ports.radius.on_event([this](const access::Event& event) { tell(event); });
    m_ports.radius.on_server([this](const std::string& name, std::string_view what) { on_server(name, what); });
    m_ports.authenticators.on_event([this](const access::Event& event) { on_authenticator(event); });
    TRY(m_ports.table.watch_links([this](const ports::LinkEvent& event) { on_link(event); }));
    return m_ports.frames.start([this](const events::LogRecord& record) { on_frame(record); });
}

// ---- configuration

Result<void> PortAccess::follow(const model::Model& model) {
    m_policy = model.access;
    m_filter = ruleset::station_filter_of(model);
    std::vector<std::string> names;
    std::ranges::transform(m_policy.roles, std::back_inserter(names), &model::Role::name);
    m_numbers = ruleset::role_numbers(names);
    m_trouble.clear();
    auto done = configure();
    if (!done) {
        fail("port access", done.error());
    }
    follow_authenticators();
    set_timer();
    return done;
}

void PortAccess::follow_authenticators() {
    std::vector<std::string> ports;
    for (const model::AccessPort& port : m_policy.ports) {
        if (model::has_dot1x(port.mode)) {
            ports.push_back(port.name);
        }
    }
    m_ports.authenticators.follow(ports);
}

Result<void> PortAccess::configure() {
    TRY(read_links());
    const access::Moment now = moment();
    m_was_synchronised = now.clock.synchronised;
    const access::Orders orders = m_access.configure(
        {.policy = m_policy, .own_addresses = m_own_addresses, .servers_judge_macs = !m_policy.radius_servers.empty()},
        now);
    auto installed = install_filter();
    carry_out(orders);
    if (!std::exchange(m_has_adopted, true)) {
        TRY(adopt());
    }
    TRY(std::move(installed));
    note_heard();
    renew_leases(); // roles may have other numbers now
    let_wake();
    return {};
}

/// Sessions of an earlier process. A lease that is still in the bridge's table says that the link was there all the
/// time; what has none is over.
Result<void> PortAccess::adopt() {
    const std::vector<access::Station> leases = TRY(m_ports.table.stations());
    std::vector<access::Session> sessions;
    if (m_ports.run_store.exists(kSessionsFile)) {
        sessions = read_sessions(TRY(m_ports.run_store.read(kSessionsFile, kMostSessions)));
    }
    std::erase_if(sessions, [&](const access::Session& session) {
        return !std::ranges::contains(leases, session.station) || !has_carrier(session.station.port);
    });
    for (const access::Station& station : leases) {
        if (!std::ranges::contains(sessions, station, &access::Session::station)) {
            TRY(m_ports.table.expel(station)); // nobody answers for it
        }
    }
    carry_out(m_access.adopt(std::move(sessions), moment()));
    return {};
}

ruleset::StationFilter PortAccess::wanted_filter() const {
    ruleset::StationFilter wanted = m_filter;
    const auto is_absent = [this](const std::string& port) { return !m_links.contains(port); };
    std::erase_if(wanted.locked, is_absent); // a table on a port that is not there would be refused whole
    std::erase_if(wanted.open, is_absent);
    return wanted;
}

Result<void> PortAccess::restore_filter() {
    note_heard();
    m_is_installed = false;
    ruleset::StationFilter wanted = wanted_filter();
    TRY(m_ports.filter.install_anew(wanted));
    m_installed = std::move(wanted);
    m_is_installed = true;
    renew_leases();
    let_wake();
    return {};
}

Result<void> PortAccess::install_filter() {
    ruleset::StationFilter wanted = wanted_filter();
    if (m_is_installed && wanted == m_installed) {
        return {};
    }
    m_is_installed = false;
    TRY(m_ports.filter.install(wanted));
    m_installed = std::move(wanted);
    m_is_installed = true;
    return {};
}

/// Whether the router has other addresses than before.
Result<bool> PortAccess::read_links() {
    const auto links = TRY(m_ports.table.links());
    std::vector<MacAddress> own;
    m_links.clear();
    for (const auto& link : links) {
        m_links[link.name] = link.has_carrier;
        std::ranges::copy(link.addresses, std::back_inserter(own));
    }
    std::ranges::sort(own);
    return std::exchange(m_own_addresses, own) != own;
}

void PortAccess::check_links() {
    const auto are_others = read_links();
    const auto done = !are_others   ? Result<void>(std::unexpected(are_others.error()))
                      : *are_others ? configure()
                                    : install_filter();
    if (!done) {
        fail("port access", done.error());
    }
    let_wake();
    set_timer();
}

void PortAccess::check_clock() {
    if (moment().clock.synchronised != m_was_synchronised) {
        if (const auto done = configure(); !done) {
            fail("port access", done.error());
        }
    }
    carry_out(m_access.advance(moment()));
    set_timer();
}

// ---- what happens

void PortAccess::on_frame(const events::LogRecord& record) {
    if (!record.source_mac) {
        return;
    }
    if (ruleset::binding_report_of(record.prefix)) {
        if (m_on_binding) {
            m_on_binding(record);
        }
        return;
    }
    if (record.prefix == ruleset::kRequestPrefix) {
        if (m_on_request) {
            m_on_request(record);
        }
        return;
    }
    const access::Station station{record.ingress_interface, *record.source_mac};
    if (record.prefix == ruleset::kTaggedPrefix) {
        Event event;
        event.set(Field::event_kind, "alert");
        event.set(Field::event_category, "network");
        event.set(Field::event_action, "access-refused");
        event.set(Field::event_outcome, "failure");
        event.set(Field::event_reason, "vlan-tagged");
        event.set(Field::interface_ingress, station.port);
        event.set(Field::source_mac, station.mac.text());
        event.set(Field::message, "frames with a VLAN tag are not let in here");
        m_log.record(std::move(event));
        return;
    }
    if (m_on_sighting) {
        m_on_sighting(station);
    }
    tell(access::FrameSeen{station});
}

void PortAccess::on_link(const ports::LinkEvent& event) {
    const bool is_known = m_links.contains(event.port);
    m_links[event.port] = event.has_carrier;
    if (event.was_lost) {
        tell(access::LinkChanged{event.port, false});
    }
    if (event.has_carrier) {
        tell(access::LinkChanged{event.port, true});
    }
    if (!is_known) {
        check_links();
    }
}

/// A success counts with a server's word for it alone, and that names the user: the name that an authenticator has may
/// be the one that was claimed in the clear.
void PortAccess::on_authenticator(access::Event event) {
    if (auto* success = std::get_if<access::Authenticated>(&event)) {
        auto acceptance = m_ports.radius.take_acceptance(success->station);
        if (!acceptance) {
            m_ports.authenticators.forget(success->station);
            return;
        }
        success->user = std::move(acceptance->user);
        success->valid_for = acceptance->valid_for;
    }
    tell(event);
}

void PortAccess::on_server(const std::string& name, std::string_view what) {
    const bool is_good = what == "answers";
    Event event;
    event.set(Field::event_kind, is_good ? "event" : "alert");
    event.set(Field::event_category, "authentication");
    event.set(Field::event_action, "radius-server");
    event.set(Field::event_outcome, is_good ? "success" : "failure");
    event.set(Field::event_reason, std::string(what));
    event.set(Field::message, text::concat("RADIUS server ", name));
    m_log.record(std::move(event));
}

void PortAccess::tell(const access::Event& event) {
    carry_out(m_access.take(event, moment()));
    set_timer();
}

bool PortAccess::clear(const access::Station& station) {
    const bool is_there = m_access.find_session(station).has_value();
    tell(access::Cleared{station});
    return is_there;
}

std::optional<PortAccess::LastResult> PortAccess::last_result(const access::Station& station) const {
    const auto found = m_results.find(station);
    return found == m_results.end() ? std::nullopt : std::optional(found->second);
}

bool PortAccess::has_carrier(const std::string& port) const {
    const auto found = m_links.find(port);
    return found != m_links.end() && found->second;
}

void PortAccess::set_timer() {
    const access::Moment now = moment();
    const auto next = m_access.next_deadline(now);
    if (!next) {
        m_due->stop();
        return;
    }
    m_due->start_once(static_cast<std::uint64_t>(std::max<std::int64_t>((*next - now.ticks).count(), 1)));
}

// ---- orders

struct PortAccess::Executor {
    PortAccess& service;

    void operator()(const access::Authorise& order) const { service.put_in_force(order); }

    void operator()(const access::Revoke& order) const { service.end(order); }

    void operator()(const access::Refuse& order) const { service.record_refusal(order); }

    void operator()(const access::Invite& order) const { service.m_ports.authenticators.invite(order.station); }

    void operator()(const access::Forget& order) const { service.m_ports.authenticators.forget(order.station); }

    void operator()(const access::AskForMac& order) const { service.m_ports.radius.judge_mac(order.station); }
};

void PortAccess::carry_out(const access::Orders& orders) {
    const auto is_anew = [this](const access::Order& order) {
        const auto* authorise = std::get_if<access::Authorise>(&order);
        return authorise != nullptr && m_heard.contains(authorise->session.station);
    };
    if (std::ranges::any_of(orders, is_anew)) {
        note_heard(); // a lease that is put anew has counted nothing
    }
    for (const access::Order& order : orders) {
        std::visit(Executor{*this}, order);
    }
    if (!orders.empty()) {
        m_save->start_once(kSaveMilliseconds);
    }
}

std::uint32_t PortAccess::number_of(const std::string& role) const {
    const auto found = m_numbers.find(role);
    return found == m_numbers.end() ? 0 : found->second; // 0: not admitted
}

/// The filter first: the bridge must let nothing in that has no role.
void PortAccess::put_in_force(const access::Authorise& order) {
    const access::Session& session = order.session;
    LastResult& result = m_results[session.station];
    if (order.cause != access::Cause::renewed || result.proved != session.proved) { // else its lease alone is put anew
        result = {order.cause, m_timekeeper.reading().now, session.proved};
    }
    access::Ticks& heard = m_heard.try_emplace(session.station, moment().ticks).first->second;
    if (session.method == access::Method::dot1x) {
        heard = std::max(heard, session.proved); // its EAPOL frames are not counted
    }
    const ports::StationFilter::Lease lease{session.station, number_of(session.role)};
    auto put = m_ports.filter.put({&lease, 1});
    if (put) {
        put = m_ports.table.admit(session.station);
    }
    if (put) {
        put = m_ports.table.set_flooding(session.station.port, true);
    }
    if (!put) {
        fail(text::concat(session.station.port, " ", session.station.mac.text(), " can't be let in"), put.error());
        return;
    }
    if (order.cause != access::Cause::renewed) {
        record(session, "access-granted", order.cause);
    }
}

void PortAccess::end(const access::Revoke& order) {
    const access::Station& station = order.session.station;
    m_results.erase(station);
    m_heard.erase(station);
    for (auto removed : {m_ports.table.expel(station), m_ports.filter.remove(station)}) {
        if (!removed) {
            fail(text::concat(station.port, " ", station.mac.text(), " may be let in for a minute more"),
                 removed.error());
        }
    }
    const auto sessions = m_access.sessions();
    const bool is_last = std::ranges::none_of(
        sessions, [&](const access::Session& session) { return session.station.port == station.port; });
    if (is_last && m_links.contains(station.port)) {
        // a port that is open by now gets every frame: its session ended with the lock
        const bool is_locked = std::ranges::contains(m_filter.locked, station.port);
        const bool floods = !is_locked || wants_flooding(station.port);
        for (auto closed : {m_ports.table.set_flooding(station.port, floods), m_ports.filter.close(station.port)}) {
            if (!closed) {
                fail(text::concat("frames for everybody still go out to ", station.port), closed.error());
            }
        }
    }
    record(order.session, "access-ended", order.cause);
}

// ---- silence and sleep

/// Who has sent something since this was asked last. Before leases are put, which count anew from then on.
void PortAccess::note_heard() {
    const bool is_asked = std::ranges::any_of(m_policy.ports, [](const auto& port) { return port.inactivity > 0; });
    if (!is_asked || m_heard.empty()) {
        return;
    }
    const auto heard = m_ports.filter.heard();
    if (!heard) {
        fail("who is silent is not known", heard.error());
        for (auto& [station, ticks] : m_heard) {
            ticks = moment().ticks; // nobody is sent away for what is not known
        }
        return;
    }
    const access::Ticks now = moment().ticks;
    for (const access::Station& station : *heard) {
        if (const auto found = m_heard.find(station); found != m_heard.end()) {
            found->second = now;
        }
    }
}

/// Ends what has been silent for as long as its port allows.
void PortAccess::end_silent() {
    note_heard();
    const access::Ticks now = moment().ticks;
    std::vector<access::Station> silent;
    for (const auto& [station, ticks] : m_heard) {
        const model::AccessPort* port = m_policy.find_port(station.port);
        if (port != nullptr && port->inactivity > 0 && now - ticks >= access::Ticks::of_seconds(port->inactivity)) {
            silent.push_back(station);
        }
    }
    for (const access::Station& station : silent) {
        tell(access::WentQuiet{station});
    }
}

bool PortAccess::wants_flooding(const std::string& port) const {
    return std::ranges::contains(m_filter.woken, port, &ruleset::Sleeper::port) ||
           std::ranges::any_of(m_access.sessions(), [&](const auto& each) { return each.station.port == port; });
}

Result<::sekisho::ports::Comparisons> PortAccess::compare_flooding() {
    constexpr std::array<const char*, 3> kTexts{"off", "some kinds", "on"};
    ::sekisho::ports::Comparisons rows;
    for (const auto& link : TRY(m_ports.table.links())) {
        if (link.flooding && std::ranges::contains(m_filter.locked, link.name)) {
            rows.push_back({text::concat("flooding of locked port ", link.name),
                            wants_flooding(link.name) ? "on" : "off",
                            kTexts[static_cast<std::size_t>(*link.flooding)]});
        }
    }
    return rows;
}

Result<void> PortAccess::restore_flooding() {
    Result<void> done;
    for (const auto& link : TRY(m_ports.table.links())) {
        if (link.flooding && std::ranges::contains(m_filter.locked, link.name)) {
            auto set = m_ports.table.set_flooding(link.name, wants_flooding(link.name));
            done = done ? std::move(set) : std::move(done);
        }
    }
    return done;
}

/// The filter lets out what wakes a device; the bridge has to bring it there, also while nobody is in force.
void PortAccess::let_wake() {
    std::set<std::string> ports;
    std::ranges::transform(m_filter.woken, std::inserter(ports, ports.end()), &ruleset::Sleeper::port);
    const auto sessions = m_access.sessions();
    const auto set = [&](const std::string& port, bool on) {
        if (!m_links.contains(port)) {
            return;
        }
        if (auto flooding = m_ports.table.set_flooding(port, on); !flooding) {
            fail(text::concat("what wakes devices on ", port), flooding.error());
        }
    };
    for (const std::string& port : ports) {
        set(port, true);
    }
    for (const std::string& port : std::exchange(m_waking_ports, ports)) {
        const bool is_used = std::ranges::any_of(sessions, [&](const auto& each) { return each.station.port == port; });
        if (!ports.contains(port) && !is_used && std::ranges::contains(m_filter.locked, port)) {
            set(port, false);
        }
    }
}

/// A lease that is gone though its session is in force: the port lost its link, however briefly.
void PortAccess::renew_leases() {
    const auto sessions = m_access.sessions();
    std::vector<access::Station> stations;
    std::ranges::transform(sessions, std::back_inserter(stations), &access::Session::station);
    const auto gone = m_ports.table.renew(stations);
    if (!gone) {
        fail("leases can't be renewed", gone.error());
        return;
    }
    std::vector<ports::StationFilter::Lease> leases;
    for (const access::Session& session : sessions) {
        if (!std::ranges::contains(*gone, session.station)) {
            leases.push_back({session.station, number_of(session.role)});
        }
    }
    if (auto put = m_ports.filter.put(leases); !put) {
        fail("leases can't be renewed", put.error());
    }
    std::set<std::string> lost;
    std::ranges::transform(*gone, std::inserter(lost, lost.end()), &access::Station::port);
    for (const std::string& port : lost) {
        tell(access::LinkChanged{port, false});
    }
}

// ---- what is told

void PortAccess::save() {
    std::string text = written_sessions(m_access.sessions());
    if (text == m_saved) {
        return;
    }
    if (auto saved = m_ports.run_store.write(kSessionsFile, text); !saved) {
        fail("a restart would drop sessions", saved.error());
        return;
    }
    m_saved = std::move(text);
}

/// Once for each trouble; a new configuration begins afresh.
void PortAccess::fail(std::string_view what, const Error& error) {
    std::string trouble = text::concat(what, ": ", error.message());
    if (trouble == m_trouble) {
        return;
    }
    Event event;
    event.set(Field::event_kind, "alert");
    event.set(Field::event_category, "host");
    event.set(Field::event_action, "port-access");
    event.set(Field::event_outcome, "failure");
    event.set(Field::message, trouble);
    m_log.record(std::move(event), Durability::immediate);
    m_trouble = std::move(trouble);
}

void PortAccess::record(const access::Session& session, std::string_view action, access::Cause cause) {
    Event event;
    event.set(Field::event_kind, "event");
    event.set(Field::event_category, "authentication");
    event.set(Field::event_action, std::string(action));
    event.set(Field::event_outcome, "success");
    event.set(Field::event_reason, std::string(access::name_of(cause)));
    event.set(Field::interface_ingress, session.station.port);
    event.set(Field::source_mac, session.station.mac.text());
    event.set(Field::access_method, std::string(access::name_of(session.method)));
    event.set(Field::access_role, session.role);
    if (!session.user.empty()) {
        event.set(Field::user_name, session.user);
    }
    const model::Device* device = m_policy.find_device(session.station.mac);
    if (device != nullptr) {
        event.set(Field::access_device, device->name);
        event.set_number(Field::rule_line, static_cast<std::int64_t>(device->place.line));
    }
    m_log.record(std::move(event), Durability::immediate);
}

void PortAccess::record_refusal(const access::Refuse& order) {
    if (const auto found = m_results.find(order.station); found != m_results.end()) {
        found->second = {order.cause, m_timekeeper.reading().now, found->second.proved}; // it stays in force as it was
    }
    Event event;
    event.set(Field::event_kind, order.is_alarm ? "alert" : "event");
    event.set(Field::event_category, "authentication");
    event.set(Field::event_action, "access-refused");
    event.set(Field::event_outcome, "failure");
    event.set(Field::event_reason, std::string(access::name_of(order.cause)));
    event.set(Field::interface_ingress, order.station.port);
    event.set(Field::source_mac, order.station.mac.text());
    if (const model::Device* device = m_policy.find_device(order.station.mac)) {
        event.set(Field::access_device, device->name);
    }
    m_log.record(std::move(event));
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/access_learning.hpp"

#include "policy/access/station_rules.hpp"
#include "policy/base/table.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <utility>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;
using ports::ControlResponse;

constexpr std::string_view kDefaultTime = "10m";
constexpr access::Ticks kLeastTime = access::Ticks::of_seconds(10);
constexpr access::Ticks kMostTime = access::Ticks::of_seconds(24 * 3600);

ControlResponse failure(int status, std::string_view errors) {
    return {.exit_status = status, .output = {}, .errors = text::concat(errors, "\n")};
}

/// Why a port can't learn; nothing where it can.
std::optional<std::string> why_not(const model::PortAccess& policy, std::string_view name) {
    const std::string shown = text::escape_for_terminal(name);
    const model::AccessPort* port = policy.find_port(name);
    if (port == nullptr) {
        std::vector<std::string_view> names;
        std::ranges::transform(policy.ports, std::back_inserter(names), &model::AccessPort::name);
        const auto near = text::nearest(name, names);
        return text::concat("port-access has no port '", shown, "'",
                            near ? text::concat("; did you mean '", *near, "'?")
                                 : std::string(": give it an entry, with mode closed where nothing shall come in"));
    }
    if (port->mode == model::AccessMode::open) {
        return text::concat("port ", shown, " is open: who is there is not looked at; set its mode to closed or mab");
    }
    return std::nullopt;
}

} // namespace

std::optional<access::Ticks> read_learning_time(std::string_view text) noexcept {
    if (text.empty()) {
        return std::nullopt;
    }
    const char unit = text.back();
    const std::int64_t seconds = unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : 0;
    const auto count = text::parse_unsigned(text.substr(0, text.size() - 1));
    if (seconds == 0 || !count || *count > 86'400) {
        return std::nullopt;
    }
    const access::Ticks time = access::Ticks::of_seconds(static_cast<std::int64_t>(*count) * seconds);
    return time < kLeastTime || time > kMostTime ? std::nullopt : std::optional(time);
}

AccessLearning::AccessLearning(PortAccess& access, Timekeeper& timekeeper, EventLog& log)
    : m_access(access), m_timekeeper(timekeeper), m_log(log) {
    m_access.on_sighting([this](const access::Station& station) { see(station); });
}

void AccessLearning::see(const access::Station& station) {
    if (m_access.policy().find_port(station.port) == nullptr ||
        access::why_no_device(station.mac, m_access.own_addresses())) {
        return;
    }
    const Time now = m_timekeeper.reading().now;
    if (!m_sightings.contains(station)) {
        auto oldest = m_sightings.end();
        std::size_t count = 0;
        for (auto each = m_sightings.begin(); each != m_sightings.end(); ++each) {
            if (each->first.port == station.port) {
                ++count;
                const bool is_older =
                    oldest == m_sightings.end() || each->second.last_ticks < oldest->second.last_ticks;
                oldest = is_older ? each : oldest;
            }
        }
        if (count >= kMostStations) {
            m_sightings.erase(oldest);
        }
        m_sightings[station].first = now;
    }
    Sighting& sighting = m_sightings[station];
    sighting.last = now;
    sighting.last_ticks = m_access.ticks();
    ++sighting.count;
    const auto window = m_windows.find(station.port);
    sighting.was_learnt =
        sighting.was_learnt || (window != m_windows.end() && sighting.last_ticks < window->second.until_ticks);
}

ControlResponse AccessLearning::learn(const Invocation& invocation, const ports::ControlRequest& request,
                                      int utc_offset_minutes) {
    const std::string port(invocation.value_of("port").value_or(""));
    if (const auto why = why_not(m_access.policy(), port)) {
        return failure(1, *why);
    }
    const std::string time(invocation.value_of("for").value_or(kDefaultTime));
    const auto length = read_learning_time(time);
    if (!length) {
        return failure(2, text::concat("'", text::escape_for_terminal(time),
                                       "' is not a time from 10s to 24h, as 90s, 10m or 2h"));
    }
    const Time now = m_timekeeper.reading().now;
    const Window window{Time{now.microseconds + length->count() * 1000}, m_access.ticks() + *length};
    m_windows.insert_or_assign(port, window);
    for (auto& [station, sighting] : m_sightings) {
        sighting.was_learnt = sighting.was_learnt && station.port != port; // the list begins anew
    }
    Event event;
    event.set(Field::event_kind, "event");
    event.set(Field::event_category, "authentication");
    event.set(Field::event_action, "access-learn");
    event.set(Field::event_outcome, "success");
    event.set(Field::interface_ingress, port);
    event.set(Field::user_name, request.peer.account);
    event.set(Field::session_origin, request.origin);
    event.set(Field::message, text::concat("what appears on ", port, " is listed for ", time, "; nothing is admitted"));
    m_log.record(std::move(event), Durability::immediate);
    return {.exit_status = 0,
            .output = text::concat("Port ", port, " learns until ", rfc3339_offset(window.until, utc_offset_minutes),
                                   " and admits nothing by it. 'show access learned' lists what appeared.\n"),
            .errors = {}};
}

/// What was told of, and who is in force without being registered: of those nothing is told any more.
std::vector<AccessLearning::Shown> AccessLearning::shown(std::optional<std::string_view> port) const {
    Sightings all = m_sightings;
    const Time now = m_timekeeper.reading().now;
    for (const access::Session& session : m_access.sessions()) {
        const bool is_registered = m_access.policy().find_device(session.station.mac) != nullptr;
        if (is_registered) {
            continue;
        }
        Sighting& sighting = all[session.station];
        sighting.first = sighting.count == 0 ? session.since : sighting.first;
        sighting.last = now;
        sighting.last_ticks = m_access.ticks();
        sighting.is_in_force = true;
        const auto window = m_windows.find(session.station.port);
        sighting.was_learnt = window != m_windows.end() && session.since < window->second.until;
    }
    std::vector<Shown> result;
    for (const auto& [station, sighting] : all) {
        if ((port && station.port != *port) || m_access.policy().find_port(station.port) == nullptr) {
            continue;
        }
        result.push_back(
            {.station = station, .sighting = sighting, .device = m_access.policy().find_device(station.mac)});
    }
    return result;
}

/// Statements to stand under port-access. What must not be pasted unseen is a comment.
std::string AccessLearning::entries_of(const std::vector<Shown>& all, int utc_offset_minutes) const {
    std::string result;
    for (const Shown& each : all) {
        if (!each.sighting.was_learnt || each.device != nullptr) {
            continue;
        }
        const std::string& port = each.station.port;
        const bool is_made_up = each.station.mac.is_locally_administered();
        if (is_made_up) {
            result +=
                "# a randomised address, which the device may change: switch private addresses off on the device\n";
        }
        result +=
            text::concat(is_made_up ? "# " : "", "device ", each.station.mac.text(), " { name \"seen on ", port, " ",
                         rfc3339_offset(Time::from_seconds(each.sighting.first.seconds()), utc_offset_minutes),
                         "\"; port ", port, "; }\n");
    }
    return result;
}

ControlResponse AccessLearning::show(const Invocation& invocation, int utc_offset_minutes) {
    const auto port = invocation.value_of("port");
    if (port) {
        if (const auto why = why_not(m_access.policy(), *port)) {
            return failure(1, *why);
        }
    }
    using enum Column::Kind;
    const bool as_json = invocation.has("--json");
    const auto shown_time = [&](Time time) {
        return as_json ? rfc3339_utc(time) : rfc3339_offset(Time::from_seconds(time.seconds()), utc_offset_minutes);
    };
    Table table;
    table.name = "access_learned";
    table.columns = {{"port", "Port", text},
                     {"mac", "MAC address", text},
                     {"first_seen", "First seen", text},
                     {"last_seen", "Last seen", text},
                     {"learnt", "Learnt", boolean},
                     {"randomised", "Randomised", boolean},
                     {"in_force", "In force", boolean},
                     {"device", "Device", text}};
    const auto yes_no = [](bool value) { return std::string(value ? "true" : "false"); };
    const auto all = shown(port);
    for (const Shown& each : all) {
        table.rows.push_back({each.station.port, each.station.mac.text(), shown_time(each.sighting.first),
                              shown_time(each.sighting.last), yes_no(each.sighting.was_learnt),
                              yes_no(each.station.mac.is_locally_administered()), yes_no(each.sighting.is_in_force),
                              each.device == nullptr ? std::string() : each.device->name});
    }
    if (as_json) {
        return {.exit_status = 0, .output = table.json(), .errors = {}};
    }
    table.status = text::concat(text::to_text(table.rows.size()), " seen");
    for (const auto& [name, window] : m_windows) {
        if (!port || *port == name) {
            const bool is_over = m_access.ticks() >= window.until_ticks;
            table.status +=
                text::concat("; ", name, is_over ? " learnt until " : " learns until ",
                             rfc3339_offset(Time::from_seconds(window.until.seconds()), utc_offset_minutes));
        }
    }
    std::string output = table.text();
    if (const std::string entries = entries_of(all, utc_offset_minutes); !entries.empty()) {
        output += text::concat("\nTo paste under port-access, with names that say what and where it is:\n\n", entries);
    }
    return {.exit_status = 0, .output = std::move(output), .errors = {}};
}

} // namespace sekisho::services

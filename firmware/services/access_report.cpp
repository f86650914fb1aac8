// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/access_report.hpp"

#include "policy/base/table.hpp"
#include "policy/base/text.hpp"
#include "policy/config/certificate.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

namespace sekisho::services {

using ports::ControlResponse;

namespace {

/// A session's end as a moment of the calendar.
std::optional<Time> end_of(const access::Session& session, Time since_proved) {
    if (!session.lasts_until) {
        return std::nullopt;
    }
    return Time{since_proved.microseconds + (*session.lasts_until - session.proved).count() * 1000};
}

/// What the method says of who is there, for people.
std::string_view explanation_of(access::Method method) noexcept {
    switch (method) {
    case access::Method::dot1x:
        return "802.1X: the device or its user has shown a secret";
    case access::Method::mab:
        return "weak: a MAC address can be forged, and who forges it on the same port can't be told apart";
    case access::Method::host:
        return "none of its own: it is beside a device that was admitted";
    case access::Method::guest:
        return "none: the device is not registered";
    case access::Method::failed:
        return "none: its proof was refused";
    }
    return {};
}

/// Which sessions are asked for: those for which all that is given holds.
struct SessionFilter {
    std::optional<std::string> port;
    std::optional<MacAddress> mac;
    std::optional<std::string> role;

    [[nodiscard]] bool is_all() const noexcept { return !port && !mac && !role; }

    [[nodiscard]] bool has(const access::Session& session) const {
        return (!port || session.station.port == *port) && (!mac || session.station.mac == *mac) &&
               (!role || session.role == *role);
    }
};

/// A name that the configuration has: a misspelt one would look like a port where nobody is.
template <typename Named>
Result<std::string> known_name(std::string_view kind, std::string_view name, const std::vector<Named>& known) {
    if (std::ranges::contains(known, name, &Named::name)) {
        return std::string(name);
    }
    std::vector<std::string_view> names;
    std::ranges::transform(known, std::back_inserter(names),
                           [](const Named& one) { return std::string_view(one.name); });
    const auto near = text::nearest(name, names);
    return std::unexpected(Error(Domain::argument, "",
                                 text::concat("port-access has no ", kind, " '", text::escape_for_terminal(name), "'",
                                              near ? text::concat("; did you mean '", *near, "'?") : std::string())));
}

Result<SessionFilter> filter_of(const Invocation& invocation, const model::PortAccess& policy) {
    SessionFilter filter;
    if (const auto port = invocation.value_of("port")) {
        filter.port = TRY(known_name("port", *port, policy.ports));
    }
    if (const auto mac = invocation.value_of("mac")) {
        filter.mac = TRY(MacAddress::parse(*mac));
    }
    if (const auto role = invocation.value_of("role")) {
        filter.role = TRY(known_name("role", *role, policy.roles));
    }
    return filter;
}

/// The columns of the short form come first.
constexpr std::size_t kShortColumns = 9;

std::vector<Column> session_columns() {
    using enum Column::Kind;
    return {{"port", "Port", text},
            {"mac", "MAC address", text},
            {"device", "Device", text},
            {"user", "User", text},
            {"method", "Method", text},
            {"strength", "Strength", text},
            {"role", "Role", text},
            {"since", "Since", text},
            {"expires", "Renewal by", text},
            {"proved", "Proved", text},
            {"last_result", "Last result", text},
            {"last_result_at", "Last result at", text},
            {"strength_explained", "What that proves", text},
            {"host_name", "Calls itself", text},
            {"entry_expires", "Entry holds until", text},
            {"owner", "Owner", text},
            {"note", "Note", text},
            {"line", "Configuration line", number}};
}

/// One block of lines per row.
std::string blocks_of(const Table& table) {
    std::string result;
    for (const auto& row : table.rows) {
        Facts facts;
        for (std::size_t index = 0; index < table.columns.size(); ++index) {
            facts.facts.push_back({table.columns[index], row[index]});
        }
        result += facts.text() + "\n";
    }
    return result + text::escape_for_terminal(table.status) + "\n";
}

/// Roles in force on a port, each once.
std::set<std::string> roles_on(std::string_view port, const std::vector<access::Session>& sessions) {
    std::set<std::string> roles;
    for (const access::Session& session : sessions) {
        if (session.station.port == port) {
            roles.insert(session.role);
        }
    }
    return roles;
}

constexpr std::string_view kNotSeparated = "not separated from each other";

/// What is wrong with RADIUS servers, each part behind a semicolon.
std::string state_of_servers(const PortAccess& access) {
    std::string text;
    for (const ports::RadiusServerState& server : access.servers()) {
        if (!server.answers) {
            text += text::concat("; RADIUS server ", server.name, " does not answer");
        }
        if (server.refused > 0) {
            text += text::concat("; ", text::to_text(server.refused), " answers in the name of RADIUS server ",
                                 server.name, " did not count");
        }
    }
    return text;
}

} // namespace

ControlResponse show_access_sessions(const Invocation& invocation, const PortAccess& access, const DeviceNames& names,
                                     Time now, int utc_offset_minutes) {
    const auto filter = filter_of(invocation, access.policy());
    if (!filter) {
        return {.exit_status = 1, .output = {}, .errors = filter.error().message() + "\n"};
    }
    const bool as_json = invocation.has("--json");
    const auto shown_time = [&](const std::optional<Time>& time) {
        return !time ? std::string() : as_json ? rfc3339_utc(*time) : rfc3339_offset(*time, utc_offset_minutes);
    };
    Table table;
    table.name = "access_sessions";
    table.columns = session_columns();
    std::size_t weak = 0;
    const access::Ticks ticks = access.ticks();
    const auto sessions = access.sessions();
    for (const access::Session& session : sessions) {
        if (!filter->has(session)) {
            continue;
        }
        const model::Device* device = access.policy().find_device(session.station.mac);
        weak += session.method == access::Method::dot1x ? 0 : 1;
        const Time proved{now.microseconds - (ticks - session.proved).count() * 1000};
        const auto result = access.last_result(session.station);
        table.rows.push_back(
            {session.station.port, session.station.mac.text(), device == nullptr ? std::string() : device->name,
             session.user, std::string(name_of(session.method)), std::string(strength_of(session.method)), session.role,
             shown_time(session.since), shown_time(end_of(session, proved)), shown_time(proved),
             result ? std::string(name_of(result->cause)) : std::string(),
             shown_time(result ? std::optional(result->at) : std::nullopt), std::string(explanation_of(session.method)),
             names.name_of(session.station.mac), shown_time(device == nullptr ? std::nullopt : device->expires),
             device == nullptr ? std::string() : device->owner, device == nullptr ? std::string() : device->note,
             device == nullptr ? std::string() : text::to_text(device->place.line)});
    }
    table.status = text::concat(text::to_text(table.rows.size()),
                                filter->is_all() ? std::string() : text::concat(" of ", text::to_text(sessions.size())),
                                " in force");
    if (weak > 0) {
        table.status += text::concat("; ", text::to_text(weak),
                                     " by less than 802.1X: a MAC address can be forged, and who forges it on the same "
                                     "port can't be told apart");
    }
    if (!access.trouble().empty()) {
        table.status += "; " + access.trouble();
    }
    const bool in_detail = invocation.has("detail");
    if (!in_detail) {
        table.columns.resize(kShortColumns);
    }
    return {.exit_status = 0,
            .output = as_json     ? table.json()
                      : in_detail ? blocks_of(table)
                                  : table.text(),
            .errors = {}};
}

ControlResponse show_access_ports(const Invocation& invocation, const PortAccess& access) {
    using enum Column::Kind;
    Table table;
    table.name = "access_ports";
    table.columns = {{"port", "Port", text},
                     {"mode", "Mode", text},
                     {"host_mode", "Host mode", text},
                     {"link", "Link", text},
                     {"authenticator", "Authenticator", text},
                     {"devices", "Devices", number},
                     {"maximum", "Maximum", number},
                     {"role", "Role", text},
                     {"roles_in_force", "Roles in force", text},
                     {"separation", "Separation", text}};
    const auto sessions = access.sessions();
    std::vector<std::string> mixed;
    for (const model::AccessPort& port : access.policy().ports) {
        const auto devices = std::ranges::count_if(
            sessions, [&](const access::Session& session) { return session.station.port == port.name; });
        const auto roles = roles_on(port.name, sessions);
        const bool is_mixed = roles.size() > 1;
        if (is_mixed) {
            mixed.push_back(port.name);
        }
        table.rows.push_back({port.name, std::string(name_of(port.mode)), std::string(name_of(port.host_mode)),
                              access.has_carrier(port.name) ? "up" : "down",
                              !has_dot1x(port.mode)                 ? ""
                              : access.has_authenticator(port.name) ? "present"
                                                                    : "absent",
                              text::to_text(static_cast<std::uint64_t>(devices)), text::to_text(port.max_devices),
                              port.role, text::join({roles.begin(), roles.end()}, " "),
                              is_mixed ? std::string(kNotSeparated) : std::string()});
    }
    table.status = text::concat(text::to_text(table.rows.size()), " ports");
    if (!mixed.empty()) {
        table.status +=
            text::concat("; ", text::join(mixed, ", "), ": devices with different roles are behind one cable, ",
                         kNotSeparated, ": what they send each other does not pass the router");
    }
    table.status += state_of_servers(access);
    if (!access.trouble().empty()) {
        table.status += "; " + access.trouble();
    }
    return {.exit_status = 0, .output = invocation.has("--json") ? table.json() : table.text(), .errors = {}};
}

ControlResponse show_access_eap_server(const std::string& certificate) {
    if (certificate.empty()) {
        return {.exit_status = 1,
                .output = {},
                .errors = "there is none: no port has 802.1X, or a RADIUS server of the clinic decides\n"};
    }
    return {.exit_status = 0,
            .output = text::concat("SHA-256 ", config::pem_fingerprint(certificate), "\n", certificate,
                                   certificate.ends_with('\n') ? "" : "\n"),
            .errors = {}};
}

ControlResponse clear_access_session(const Invocation& invocation, PortAccess& access) {
    const auto mac = MacAddress::parse(invocation.operands[1]);
    if (!mac) {
        return {.exit_status = 1, .output = {}, .errors = mac.error().message() + "\n"};
    }
    const access::Station station{invocation.operands[0], *mac};
    if (!access.clear(station)) {
        return {.exit_status = 1,
                .output = {},
                .errors = text::concat("no session of ", mac->text(), " on port ",
                                       text::escape_for_terminal(station.port), "\n")};
    }
    return {.exit_status = 0, .output = text::concat("ended: ", mac->text(), " on ", station.port, "\n"), .errors = {}};
}

} // namespace sekisho::services

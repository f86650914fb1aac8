// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/access_report.hpp"

#include "policy/base/table.hpp"
#include "policy/base/text.hpp"
#include "policy/config/certificate.hpp"

#include <algorithm>

namespace sekisho::services {

namespace {

/// A session's end as a moment of the calendar.
std::optional<Time> end_of(const access::Session& session, Time since_proved) {
    if (!session.lasts_until) {
        return std::nullopt;
    }
    return Time{since_proved.microseconds + (*session.lasts_until - session.proved).count() * 1000};
}

} // namespace

ports::ControlResponse show_access_sessions(const Invocation& invocation, const PortAccess& access, Time now,
                                            int utc_offset_minutes) {
    const bool as_json = invocation.has("--json");
    const auto shown_time = [&](const std::optional<Time>& time) {
        return !time ? std::string() : as_json ? rfc3339_utc(*time) : rfc3339_offset(*time, utc_offset_minutes);
    };
    Table table;
    table.name = "access_sessions";
    table.columns = {{"port", "Port", Column::Kind::text},         {"mac", "MAC address", Column::Kind::text},
                     {"device", "Device", Column::Kind::text},     {"user", "User", Column::Kind::text},
                     {"method", "Method", Column::Kind::text},     {"strength", "Strength", Column::Kind::text},
                     {"role", "Role", Column::Kind::text},         {"since", "Since", Column::Kind::text},
                     {"expires", "Renewal by", Column::Kind::text}};
    std::size_t weak = 0;
    const access::Ticks ticks = access.ticks();
    for (const access::Session& session : access.sessions()) {
        const model::Device* device = access.policy().find_device(session.station.mac);
        weak += session.method == access::Method::dot1x ? 0 : 1;
        const Time proved{now.microseconds - (ticks - session.proved).count() * 1000};
        table.rows.push_back({session.station.port, session.station.mac.text(),
                              device == nullptr ? std::string() : device->name, session.user,
                              std::string(name_of(session.method)), std::string(strength_of(session.method)),
                              session.role, shown_time(session.since), shown_time(end_of(session, proved))});
    }
    table.status = text::concat(text::to_text(table.rows.size()), " in force");
    if (weak > 0) {
        table.status += text::concat("; ", text::to_text(weak),
                                     " by less than 802.1X: a MAC address can be forged, and who forges it on the same "
                                     "port can't be told apart");
    }
    if (!access.trouble().empty()) {
        table.status += "; " + access.trouble();
    }
    return {.exit_status = 0, .output = as_json ? table.json() : table.text(), .errors = {}};
}

ports::ControlResponse show_access_ports(const Invocation& invocation, const PortAccess& access) {
    Table table;
    table.name = "access_ports";
    table.columns = {{"port", "Port", Column::Kind::text},
                     {"mode", "Mode", Column::Kind::text},
                     {"host_mode", "Host mode", Column::Kind::text},
                     {"link", "Link", Column::Kind::text},
                     {"authenticator", "Authenticator", Column::Kind::text},
                     {"devices", "Devices", Column::Kind::number},
                     {"maximum", "Maximum", Column::Kind::number},
                     {"role", "Role", Column::Kind::text}};
    const auto sessions = access.sessions();
    for (const model::AccessPort& port : access.policy().ports) {
        const auto devices = std::ranges::count_if(
            sessions, [&](const access::Session& session) { return session.station.port == port.name; });
        table.rows.push_back({port.name, std::string(name_of(port.mode)), std::string(name_of(port.host_mode)),
                              access.has_carrier(port.name) ? "up" : "down",
                              !has_dot1x(port.mode)                  ? ""
                              : access.has_authenticator(port.name) ? "present"
                                                                    : "absent",
                              text::to_text(static_cast<std::uint64_t>(devices)), text::to_text(port.max_devices),
                              port.role});
    }
    table.status = access.trouble();
    return {.exit_status = 0, .output = invocation.has("--json") ? table.json() : table.text(), .errors = {}};
}

ports::ControlResponse show_access_eap_server(const std::string& certificate) {
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

ports::ControlResponse clear_access_session(const Invocation& invocation, PortAccess& access) {
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

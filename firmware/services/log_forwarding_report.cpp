// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/log_forwarding_report.hpp"

#include "policy/base/table.hpp"
#include "policy/base/text.hpp"

#include <utility>

namespace sekisho::services {

namespace {

std::string_view name_of(model::SyslogTransport transport) {
    switch (transport) {
    case model::SyslogTransport::tls:
        return "tls";
    case model::SyslogTransport::tcp:
        return "tcp";
    case model::SyslogTransport::udp:
        return "udp";
    }
    std::unreachable();
}

std::string_view name_of(ForwardingStatus::State state) {
    switch (state) {
    case ForwardingStatus::State::waiting:
        return "waiting";
    case ForwardingStatus::State::connecting:
        return "connecting";
    case ForwardingStatus::State::connected:
        return "connected";
    }
    std::unreachable();
}

} // namespace

ports::ControlResponse show_log_servers(const Invocation& invocation, const LogForwarding& forwarding,
                                        int utc_offset_minutes) {
    const bool as_json = invocation.has("--json");
    const auto shown_time = [&](const std::optional<Time>& time) {
        return !time ? std::string() : as_json ? rfc3339_utc(*time) : rfc3339_offset(*time, utc_offset_minutes);
    };
    Table table;
    table.name = "log_servers";
    table.columns = {{"name", "Server", Column::Kind::text},           {"host", "Host", Column::Kind::text},
                     {"port", "Port", Column::Kind::number},           {"transport", "Transport", Column::Kind::text},
                     {"state", "State", Column::Kind::text},           {"since", "Since", Column::Kind::text},
                     {"lines_behind", "Behind", Column::Kind::number}, {"last_sent", "Last sent", Column::Kind::text},
                     {"lines_missed", "Missed", Column::Kind::number}, {"connection", "Connection", Column::Kind::text},
                     {"trouble", "Trouble", Column::Kind::text}};
    std::size_t connected = 0;
    std::size_t unprotected = 0;
    for (const auto& [server, status] : forwarding.servers()) {
        connected += status.state == ForwardingStatus::State::connected ? 1 : 0;
        unprotected += server.transport != model::SyslogTransport::tls ? 1 : 0;
        table.rows.push_back(
            {server.name, server.host, text::to_text(server.port), std::string(name_of(server.transport)),
             std::string(name_of(status.state)), shown_time(status.since), text::to_text(status.lines_behind),
             shown_time(status.last_sent), text::to_text(status.missed), status.connection, status.trouble});
    }
    table.status = text::concat(text::to_text(connected), " of ", text::to_text(table.rows.size()), " connected");
    if (unprotected > 0) {
        table.status += text::concat("; ", text::to_text(unprotected),
                                     " without TLS: whoever is on the way reads and changes what is sent");
    }
    return {.exit_status = 0, .output = as_json ? table.json() : table.text(), .errors = {}};
}

} // namespace sekisho::services

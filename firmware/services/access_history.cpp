// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/access_history.hpp"

#include "firmware/services/log_search.hpp"
#include "policy/base/address.hpp"
#include "policy/base/table.hpp"
#include "policy/base/text.hpp"

#include <utility>
#include <vector>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;
using ports::ControlResponse;

constexpr std::size_t kDefaultEvents = 50;

bool is_about(const Event& event, std::string_view mac) {
    return event.text(Field::event_action).starts_with("access-") && event.text(Field::source_mac) == mac;
}

void record_reading(EventLog& log, const ports::ControlRequest& request, const MacAddress& mac, bool success,
                    std::string_view message) {
    Event event;
    event.set(Field::event_kind, success ? "event" : "alert");
    event.set(Field::event_category, "authentication");
    event.set(Field::event_action, "log-read");
    event.set(Field::event_outcome, success ? "success" : "failure");
    event.set(Field::user_name, request.peer.account);
    event.set(Field::session_origin, request.origin);
    event.set(Field::message, text::concat("access history of ", mac.text(), ": ", message));
    log.record(std::move(event), Durability::immediate);
}

std::string shown_time(const Event& event, bool as_json, int utc_offset_minutes) {
    const auto time = parse_rfc3339(event.text(Field::timestamp));
    if (!time) {
        return {};
    }
    return as_json ? rfc3339_utc(*time) : rfc3339_offset(Time::from_seconds(time->seconds()), utc_offset_minutes);
}

Table table_of(const std::vector<Event>& events, bool as_json, int utc_offset_minutes) {
    using enum Column::Kind;
    Table table;
    table.name = "access_history";
    table.columns = {{"time", "Time", text},     {"action", "Action", text}, {"port", "Port", text},
                     {"reason", "Reason", text}, {"method", "Method", text}, {"role", "Role", text},
                     {"user", "User", text},     {"device", "Device", text}, {"alarm", "Alarm", boolean},
                     {"line", "Line", number}};
    for (const Event& event : events) {
        table.rows.push_back(
            {shown_time(event, as_json, utc_offset_minutes), event.shown(Field::event_action),
             event.shown(Field::interface_ingress), event.shown(Field::event_reason), event.shown(Field::access_method),
             event.shown(Field::access_role), event.shown(Field::user_name), event.shown(Field::access_device),
             event.text(Field::event_kind) == "alert" ? "true" : "false", event.shown(Field::rule_line)});
    }
    return table;
}

} // namespace

ControlResponse AccessHistory::show(const Invocation& invocation, const ports::ControlRequest& request,
                                    int utc_offset_minutes) {
    const auto mac = MacAddress::parse(invocation.value_of("mac").value_or(""));
    if (!mac) {
        return {.exit_status = 2, .output = {}, .errors = mac.error().message() + "\n"};
    }
    std::uint64_t most = kDefaultEvents;
    if (const auto last = invocation.value_of("--last")) {
        most = text::parse_unsigned(*last).value_or(0);
        if (most == 0 || most > kMostFoundEvents) {
            return {.exit_status = 2, .output = {}, .errors = "argument: --last takes a number from 1 to 1000\n"};
        }
    }
    const std::string wanted = mac->text();
    const auto found = search_log(
        m_log, m_reader, wanted, [&wanted](const Event& event) { return is_about(event, wanted); },
        static_cast<std::size_t>(most));
    if (!found) {
        record_reading(m_log, request, *mac, false, found.error().message());
        return {.exit_status = 1, .output = {}, .errors = found.error().message() + "\n"};
    }
    record_reading(m_log, request, *mac, true, text::concat(text::to_text(found->events.size()), " events read"));
    const bool as_json = invocation.has("--json");
    Table table = table_of(found->events, as_json, utc_offset_minutes);
    table.status = text::concat(text::to_text(found->events.size()), " events of ", mac->text());
    if (found->older > 0) {
        table.status += text::concat(", the newest ones; ", text::to_text(found->older), " are older");
    }
    if (!found->is_whole) {
        table.status +=
            text::concat("; of the log the newest ", text::to_text(kMostSearchedLines), " lines were looked at");
    }
    return {.exit_status = 0, .output = as_json ? table.json() : table.text(), .errors = {}};
}

} // namespace sekisho::services

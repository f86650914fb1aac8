// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/why_report.hpp"

#include "firmware/services/log_report.hpp"
#include "firmware/services/log_search.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

namespace sekisho::services {

using events::Event;
using events::Field;
using ports::ControlResponse;

namespace {

constexpr std::size_t kShownEvents = 20;
constexpr std::int64_t kExceptionDays = 7;
constexpr std::string_view kServicePrefix = "service.";
constexpr std::string_view kDenied = ".deny";

bool is_about(const Event& event, std::string_view address) {
    return event.text(Field::source_ip) == address || event.text(Field::destination_ip) == address ||
           event.text(Field::destination_nat_ip) == address;
}

/// Services that refused the address as a source, by the rules of the events.
std::set<std::string> refusing_services(const std::vector<Event>& events, std::string_view address) {
    std::set<std::string> names;
    for (const Event& event : events) {
        const std::string_view rule = event.text(Field::rule_id);
        if (event.text(Field::source_ip) == address && rule.starts_with(kServicePrefix) && rule.ends_with(kDenied)) {
            names.emplace(rule.substr(kServicePrefix.size(), rule.size() - kServicePrefix.size() - kDenied.size()));
        }
    }
    return names;
}

/// A name that the language takes: "exception-203-0-113-9".
std::string list_name(const IpAddress& address) {
    std::string name = text::concat("exception-", address.text());
    std::ranges::replace_if(name, [](char letter) { return letter == '.' || letter == ':'; }, '-');
    return name;
}

/// Lines that let the address in for a week, to be joined into the sections of these names. Sources of a service that
/// names address-lists and geo-lists must be in both.
std::vector<std::string> exception_lines(const model::Model& model, const IpAddress& address,
                                         const std::set<std::string>& services, bool at_gate, Time now) {
    const std::string name = list_name(address);
    const Time ends{now.microseconds + kExceptionDays * 86'400'000'000};
    std::vector<std::string> lines;
    std::set<std::string> geo_lists;
    if (at_gate) {
        geo_lists.insert(model.gate.geo_lists.begin(), model.gate.geo_lists.end());
    }
    for (const model::Service& service : model.services) {
        if (!services.contains(service.name)) {
            continue;
        }
        if (!service.source_lists.empty() || service.geo_lists.empty()) {
            lines.push_back(text::concat("service ", service.name, " { source { address-list ", name, "; } }"));
        }
        geo_lists.insert(service.geo_lists.begin(), service.geo_lists.end());
    }
    for (const std::string& list : geo_lists) {
        lines.push_back(text::concat("geo-list ", list, " { except address-list ", name, "; }"));
    }
    if (!lines.empty()) {
        lines.insert(lines.begin(), text::concat("address-list ", name, " { address ", address.text(), " { expires ",
                                                 rfc3339_utc(ends).substr(0, 10), "; } }"));
    }
    return lines;
}

Table exception_table(const std::vector<std::string>& lines) {
    Table table;
    table.name = "exception";
    table.columns = {{"line", "An exception for a week, to join into the sections of these names", Column::Kind::text}};
    for (const std::string& line : lines) {
        table.rows.push_back({line});
    }
    table.status =
        lines.empty() ? "nothing here that an exception would change" : "check it with 'check', then 'apply'";
    return table;
}

} // namespace

ControlResponse WhyReport::show(const Invocation& invocation, const ports::ControlRequest& request,
                                int utc_offset_minutes) {
    const auto address = IpAddress::parse(invocation.operands.front());
    if (!address) {
        return {.exit_status = 2, .output = {}, .errors = address.error().message() + "\n"};
    }
    const std::string wanted = address->text();
    const auto found = search_log(
        m_log, m_reader, wanted, [&wanted](const Event& event) { return is_about(event, wanted); }, kShownEvents);
    Event read;
    read.set(Field::event_kind, found ? "event" : "alert");
    read.set(Field::event_category, "authentication");
    read.set(Field::event_action, "log-read");
    read.set(Field::event_outcome, found ? "success" : "failure");
    read.set(Field::user_name, request.peer.account);
    read.set(Field::session_origin, request.origin);
    read.set(Field::message, text::concat("events of ", wanted));
    m_log.record(std::move(read), Durability::immediate);
    if (!found) {
        return {.exit_status = 1, .output = {}, .errors = found.error().message() + "\n"};
    }
    const auto [facts, services] = m_geo.about(*address);
    Table events = log_table(found->events, utc_offset_minutes);
    events.status =
        text::concat(text::to_text(found->events.size()), " events of ", wanted,
                     found->older > 0 ? text::concat(", ", text::to_text(found->older), " are older") : std::string());
    const bool at_gate = std::ranges::any_of(
        found->events, [](const Event& event) { return event.text(Field::rule_id) == "gate.country"; });
    const auto& configuration = m_policy.configuration();
    const auto lines = configuration
                           ? exception_lines(configuration->model, *address, refusing_services(found->events, wanted),
                                             at_gate, m_timekeeper.reading().now)
                           : std::vector<std::string>{};
    const std::array tables{services, events, exception_table(lines)};
    return {.exit_status = 0, .output = shown_together(facts, tables, invocation.has("--json")), .errors = {}};
}

} // namespace sekisho::services

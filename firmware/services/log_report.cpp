// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/log_report.hpp"

#include "policy/base/text.hpp"
#include "policy/base/time.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

std::string endpoint(const Event& event, Field address, Field port) {
    std::string text = event.shown(address);
    if (!text.empty() && event.has(port)) {
        const bool ipv6 = text.find(':') != std::string::npos;
        text = ipv6 ? text::concat("[", text, "]:", event.shown(port)) : text::concat(text, ":", event.shown(port));
    }
    return text;
}

std::string shown_time(const Event& event, int utc_offset_minutes) {
    const auto time = parse_rfc3339(event.text(Field::timestamp));
    if (!time) {
        return {};
    }
    const Time whole_seconds = Time::from_seconds(time->seconds());
    std::string text = rfc3339_offset(whole_seconds, utc_offset_minutes);
    if (const std::size_t fraction = text.find('.'); fraction != std::string::npos) {
        text.erase(fraction, text.find_first_not_of("0123456789", fraction + 1) - fraction);
    }
    // A time that nobody vouches for says so.
    const auto* synchronised = event.find(Field::clock_synchronised);
    if (synchronised == nullptr || synchronised->index() != 2 || !std::get<bool>(*synchronised)) {
        text += " ?";
    }
    return text;
}

bool is_connection(const Event& event) {
    const std::string_view action = event.text(Field::event_action);
    return action == "connection-denied" || action == "connection-accepted";
}

} // namespace

Table log_table(std::span<const Event> events, int utc_offset_minutes) {
    Table table;
    table.name = "events";
    table.columns = {{"time", "Time", Column::Kind::text},      {"action", "Action", Column::Kind::text},
                     {"source", "Source", Column::Kind::text},  {"destination", "Destination", Column::Kind::text},
                     {"protocol", "Proto", Column::Kind::text}, {"rule", "Rule", Column::Kind::text},
                     {"reason", "Reason", Column::Kind::text},  {"detail", "Detail", Column::Kind::text}};
    for (const Event& event : events) {
        std::string detail(event.text(Field::message));
        if (event.has(Field::user_name)) {
            detail = text::concat(event.text(Field::user_name), " (", event.text(Field::session_origin), ") ", detail);
        }
        const std::size_t line_end = detail.find('\n');
        table.rows.push_back({shown_time(event, utc_offset_minutes), event.shown(Field::event_action),
                              endpoint(event, Field::source_ip, Field::source_port),
                              endpoint(event, Field::destination_ip, Field::destination_port),
                              event.shown(Field::transport), event.shown(Field::rule_id),
                              event.shown(Field::event_reason), detail.substr(0, line_end)});
    }
    return table;
}

Table log_by_source(std::span<const Event> events) {
    using Key = std::tuple<bool, std::string, std::string, std::string>; // accepted, source, rule, reason

    struct Sum {
        std::uint64_t count = 0;
        std::string country; ///< as the latest event has it
        std::map<std::string, std::uint64_t> destinations;
    };

    std::map<Key, Sum> sums;
    for (const Event& event : events) {
        if (is_connection(event)) {
            Sum& sum = sums[{event.text(Field::event_action) == "connection-accepted", event.shown(Field::source_ip),
                             event.shown(Field::rule_id), event.shown(Field::event_reason)}];
            ++sum.count;
            sum.country = event.shown(Field::source_country);
            std::string destination =
                text::concat(event.shown(Field::transport), event.has(Field::destination_port) ? "/" : "",
                             event.shown(Field::destination_port));
            ++sum.destinations[std::move(destination)];
        }
    }
    Table table;
    table.name = "sources";
    table.columns = {{"source", "Source", Column::Kind::text},      {"country", "Country", Column::Kind::text},
                     {"verdict", "Verdict", Column::Kind::text},    {"count", "Events", Column::Kind::number},
                     {"rule", "Rule", Column::Kind::text},          {"reason", "Reason", Column::Kind::text},
                     {"addressed", "Addressed", Column::Kind::text}};
    constexpr std::size_t kMostDestinations = 4;
    for (const auto& [key, sum] : sums) {
        std::string destinations;
        std::size_t shown = 0;
        for (const auto& [destination, count] : sum.destinations) {
            if (shown++ == kMostDestinations) {
                destinations +=
                    text::concat(" and ", text::to_text(sum.destinations.size() - kMostDestinations), " more");
                break;
            }
            destinations += (destinations.empty() ? "" : " ") + destination;
        }
        table.rows.push_back({std::get<1>(key), sum.country, std::get<0>(key) ? "allowed" : "denied",
                              text::to_text(sum.count), std::get<2>(key), std::get<3>(key), destinations});
    }
    return table;
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/flow_cutter.hpp"

#include "policy/base/text.hpp"
#include "policy/events/record.hpp"
#include "policy/ruleset/admission.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace sekisho::services {

using events::Event;
using events::Field;

namespace {

constexpr std::string_view kAction = "connection-cut";
constexpr std::string_view kManagement = "management.ssh."; ///< rules of the ways in from inside zones
constexpr std::size_t kMostSingleEvents = 50; ///< of one change; a flood of connections must not rotate the log
constexpr std::uint64_t kRetryMilliseconds = 10'000;

/// Ids of the accepting rules by the numbers that they leave in marks.
std::map<std::uint32_t, std::string> admitting_rules(const ruleset::Ruleset& ruleset) {
    std::map<std::uint32_t, std::string> ids;
    for (const ruleset::Rule& rule : ruleset.rules) {
        if (ruleset::zone_of_mark(rule.mark) != 0) {
            ids.emplace(rule.number, rule.id);
        }
    }
    return ids;
}

/// The port that SSH is reached at, where it is.
std::optional<std::uint16_t> ssh_port_of(const ruleset::Ruleset& ruleset) {
    for (const ruleset::Rule& rule : ruleset.rules) {
        if (!rule.id.starts_with(kManagement)) {
            continue;
        }
        for (const ruleset::Match& match : rule.matches) {
            if (const auto* port = std::get_if<ruleset::DestinationPortIn>(&match)) {
                return port->ports.front().first;
            }
        }
    }
    return std::nullopt;
}

/// Whether who has this session may still come in. Another port for SSH is no reason to end it, least of all in the
/// face of who ordered it: what counts is where the next session would be.
bool keeps_ssh(const ruleset::Ruleset& ruleset, ruleset::Flow session, std::uint16_t port, Time now) {
    session.destination_port = port;
    session.reached_port = port;
    return ruleset::admission_of(ruleset, session, now).admitted;
}

bool is_of_management(const ruleset::Ruleset& ruleset, std::uint32_t mark) {
    const ruleset::ZoneEntry* zone = ruleset.find_zone(ruleset::zone_of_mark(mark));
    return zone != nullptr &&
           ruleset::rule_of_mark(mark) == ruleset::rule_number(text::concat(kManagement, zone->name));
}

/// Both directions, as the log tells of connections. The source of a connection from the WAN is never translated.
std::pair<events::ConnectionTuple, events::ConnectionTuple> tuples_of(const ruleset::Flow& flow) {
    return {{.source = flow.source,
             .destination = flow.destination,
             .protocol = flow.protocol,
             .source_port = flow.source_port,
             .destination_port = flow.destination_port,
             .icmp_type = flow.icmp_type},
            {.source = flow.reached,
             .destination = flow.source,
             .protocol = flow.protocol,
             .source_port = flow.reached_port,
             .destination_port = flow.source_port}};
}

} // namespace

FlowJudge::FlowJudge(const ruleset::Ruleset& ruleset, Time now)
    : m_ruleset(ruleset), m_now(now), m_ssh_port(ssh_port_of(ruleset)) {}

bool FlowJudge::ends(const ruleset::Flow& flow) const {
    if (is_of_management(m_ruleset, flow.mark)) {
        return !m_ssh_port || !keeps_ssh(m_ruleset, flow, *m_ssh_port, m_now);
    }
    // What else was open to a device of an inside zone lives on.
    return ruleset::zone_of_mark(flow.mark) == ruleset::kWanZoneNumber &&
           !ruleset::admission_of(m_ruleset, flow, m_now).admitted;
}

FlowCutter::FlowCutter(ports::Connections& connections, ports::EventLoop& loop, Timekeeper& timekeeper, EventLog& log,
                       CountryOf country_of)
    : m_connections(connections),
      m_timekeeper(timekeeper),
      m_log(log),
      m_country_of(std::move(country_of)),
      m_retry(loop.make_timer([this] {
          if (const auto unfinished = m_unfinished) {
              cut_unadmitted(*unfinished);
          }
      })) {}

void FlowCutter::cut_unadmitted(const ruleset::Ruleset& ruleset) {
    if (const auto ended = cut(ruleset); !ended) {
        if (!m_unfinished) {
            record_failure(ended.error());
        }
        m_unfinished = ruleset;
        m_retry->start_once(kRetryMilliseconds);
        return;
    }
    m_unfinished.reset();
    m_retry->stop();
    m_admitting = admitting_rules(ruleset);
}

Result<std::size_t> FlowCutter::cut(const ruleset::Ruleset& ruleset) {
    const Time now = m_timekeeper.reading().now;
    const FlowJudge judge(ruleset, now);
    std::vector<ports::Connection> refused;
    for (const ruleset::ZoneEntry& zone : ruleset.zones) {
        if (!zone.is_wan && !judge.has_ssh()) {
            continue; // the server that goes ends its sessions, and their clients shall hear of it
        }
        auto found = TRY(m_connections.find(zone.index, [&](const ruleset::Flow& flow) { return judge.ends(flow); }));
        std::ranges::move(found, std::back_inserter(refused));
    }
    std::size_t ended = 0;
    std::optional<Error> failure;
    for (const ports::Connection& connection : refused) {
        const auto end = m_connections.end(connection);
        if (!end) {
            failure = end.error();
        } else if (*end && ++ended <= kMostSingleEvents) {
            record_cut(ruleset, connection.flow, ruleset::admission_of(ruleset, connection.flow, now).rule);
        }
    }
    if (ended > kMostSingleEvents) {
        record_rest(ended - kMostSingleEvents);
    }
    if (failure) {
        return std::unexpected(std::move(*failure));
    }
    return ended;
}

void FlowCutter::record_cut(const ruleset::Ruleset& ruleset, const ruleset::Flow& flow, const ruleset::Rule* refusing) {
    Event event;
    event.set(Field::event_kind, "event");
    event.set(Field::event_category, "network");
    event.set(Field::event_action, std::string(kAction));
    event.set(Field::event_outcome, "success");
    if (const ruleset::ZoneEntry* zone = ruleset.find_zone(ruleset::zone_of_mark(flow.mark))) {
        event.set(Field::zone_ingress, zone->name);
    }
    if (refusing != nullptr) {
        event.set(Field::rule_id, refusing->id);
        event.set(Field::event_reason, std::string(name_of(refusing->reason)));
        if (refusing->place.line > 0) {
            event.set_number(Field::rule_line, static_cast<std::int64_t>(refusing->place.line));
        }
    }
    const auto [original, reply] = tuples_of(flow);
    events::set_connection(event, original, reply);
    if (const auto country = m_country_of ? m_country_of(flow.source) : std::nullopt) {
        event.set(Field::source_country, country->text());
    }
    const auto former = m_admitting.find(ruleset::rule_of_mark(flow.mark));
    event.set(Field::message, former == m_admitting.end()
                                  ? std::string("this connection is not admitted any more and was ended")
                                  : text::concat("this connection, admitted by ", former->second,
                                                 ", is not admitted any more and was ended"));
    m_log.record(std::move(event));
}

void FlowCutter::record_rest(std::size_t count) {
    Event event;
    event.set(Field::event_kind, "event");
    event.set(Field::event_category, "network");
    event.set(Field::event_action, std::string(kAction));
    event.set(Field::event_outcome, "success");
    event.set_number(Field::event_count, static_cast<std::int64_t>(count));
    event.set(Field::message,
              text::concat(text::to_text(count), " more connections were not admitted any more and were ended"));
    m_log.record(std::move(event));
}

void FlowCutter::record_failure(const Error& error) {
    Event event;
    event.set(Field::event_kind, "alert");
    event.set(Field::event_category, "network");
    event.set(Field::event_action, std::string(kAction));
    event.set(Field::event_outcome, "failure");
    event.set(Field::message, text::concat("connections that are not admitted any more may live on; ending them is "
                                           "tried again: ",
                                           error.message()));
    m_log.record(std::move(event), Durability::immediate);
}

} // namespace sekisho::services

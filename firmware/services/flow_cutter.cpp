// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/flow_cutter.hpp"

#include "firmware/services/cut_flow_file.hpp"
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
constexpr std::string_view kCutFlowsFile = "cut-flows";
constexpr std::size_t kMostFileBytes = 8u << 20;
constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kIcmpv6 = 58;
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
    return ruleset::zone_of_mark(flow.mark) != ruleset::kRouterZoneNumber &&
           !ruleset::admission_of(m_ruleset, flow, m_now).admitted;
}

FlowCutter::FlowCutter(Ports ports, Timekeeper& timekeeper, EventLog& log, CountryOf country_of,
                       std::function<Senders()> senders)
    : m_ports(ports),
      m_timekeeper(timekeeper),
      m_log(log),
      m_country_of(std::move(country_of)),
      m_ask_senders(std::move(senders)),
      m_retry(ports.loop.make_timer([this] {
          if (const auto unfinished = m_unfinished) {
              cut_unadmitted(*unfinished);
          }
      })) {}

void FlowCutter::cut_unadmitted(const ruleset::Ruleset& ruleset) {
    if (m_ask_senders) {
        m_senders = m_ask_senders();
    }
    const auto ended = let_admitted_back(ruleset).and_then([&] { return cut(ruleset); });
    save();
    if (!ended) {
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

ruleset::Flow FlowCutter::with_sender(ruleset::Flow flow) const {
    const auto found = m_senders.find(flow.source);
    flow.sender = found != m_senders.end() ? std::optional(found->second) : std::nullopt;
    return flow;
}

Result<std::size_t> FlowCutter::cut(const ruleset::Ruleset& ruleset) {
    const Time now = m_timekeeper.reading().now;
    const FlowJudge judge(ruleset, now);
    // Where SSH goes altogether, its server ends the sessions, and their clients shall hear of it.
    const auto is_left = [&](const ruleset::Flow& flow) {
        return !judge.has_ssh() && ruleset::zone_of_mark(flow.mark) != ruleset::kWanZoneNumber &&
               is_of_management(ruleset, flow.mark);
    };
    const auto refused = TRY(m_ports.connections.find(
        [&](const ruleset::Flow& flow) { return judge.ends(with_sender(flow)) && !is_left(flow); }));
    std::size_t ended = 0;
    std::optional<Error> failure;
    if (const auto refusing = refuse(refused); !refusing) {
        failure = refusing.error(); // they end all the same
    }
    for (const ports::Connection& connection : refused) {
        const auto end = m_ports.connections.end(connection);
        if (!end) {
            failure = end.error();
        } else if (*end && ++ended <= kMostSingleEvents) {
            record_cut(ruleset, connection.flow,
                       ruleset::admission_of(ruleset, with_sender(connection.flow), now).rule);
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

/// What the ruleset admits is no longer refused; what it does not, is, whatever the kernel has.
Result<void> FlowCutter::let_admitted_back(const ruleset::Ruleset& ruleset) {
    if (m_are_sets_behind && m_cut.empty() && m_ports.run_store.exists(kCutFlowsFile)) {
        m_cut = read_flows(TRY(m_ports.run_store.read(kCutFlowsFile, kMostFileBytes)));
    }
    const Time now = m_timekeeper.reading().now;
    const auto back = std::ranges::stable_partition(m_cut, [&](const ruleset::Flow& flow) {
        return !ruleset::admission_of(ruleset, with_sender(flow), now).admitted;
    });
    TRY(m_ports.cut_flows.allow({back.begin(), back.end()}));
    m_cut.erase(back.begin(), back.end());
    if (m_are_sets_behind) {
        TRY(m_ports.cut_flows.refuse(m_cut));
        m_are_sets_behind = false;
    }
    return {};
}

/// Before they end: no packet of the far end may come between. ICMP is left out, as it has no far end that goes on by
/// itself, and its addresses alone would be more than the connection.
Result<void> FlowCutter::refuse(const std::vector<ports::Connection>& connections) {
    std::vector<ruleset::Flow> flows;
    for (const ports::Connection& connection : connections) {
        if (connection.flow.protocol != kIcmp && connection.flow.protocol != kIcmpv6) {
            flows.push_back(connection.flow);
        }
    }
    m_cut.insert(m_cut.end(), flows.begin(), flows.end());
    m_are_sets_behind = true;
    if (m_cut.size() > kMostCut) {
        const auto end = m_cut.begin() + static_cast<std::ptrdiff_t>(m_cut.size() - kMostCut);
        const std::vector<ruleset::Flow> oldest(m_cut.begin(), end);
        m_cut.erase(m_cut.begin(), end);
        TRY(m_ports.cut_flows.allow(oldest));
    }
    const std::size_t fresh = std::min(flows.size(), m_cut.size());
    TRY(m_ports.cut_flows.refuse(std::span(m_cut).last(fresh)));
    m_are_sets_behind = false;
    return {};
}

void FlowCutter::save() {
    std::string text = written_flows(m_cut);
    if (text == m_saved) {
        return;
    }
    if (const auto saved = m_ports.run_store.write(kCutFlowsFile, text); !saved) {
        record_failure(saved.error());
        return;
    }
    m_saved = std::move(text);
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

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/connection_log.hpp"

#include "policy/base/text.hpp"
#include "policy/ruleset/mark.hpp"
#include "policy/ruleset/renderer.hpp"

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

constexpr std::uint64_t kCheckMilliseconds = 5'000;

/// "service.web.deny.suppressed" to "service.web.deny", where the suffix is that one.
std::optional<std::string_view> without_suffix(std::string_view id, std::string_view suffix) {
    if (!id.ends_with(suffix)) {
        return std::nullopt;
    }
    return id.substr(0, id.size() - suffix.size());
}

} // namespace

ConnectionLog::ConnectionLog(Ports ports, EventLog& log)
    : m_ports(ports), m_log(log), m_timer(ports.loop.make_timer([this] { check_losses(); })) {}

Result<void> ConnectionLog::start() {
    m_timer->start_repeating(kCheckMilliseconds);
    return m_ports.packet_log.start([this](const events::LogRecord& record) { on_record(record); });
}

void ConnectionLog::learn(const ruleset::Ruleset& ruleset) {
    for (const ruleset::Rule& rule : ruleset.rules) {
        events::RuleReference& known = m_rules[rule.id];
        known = {rule.id, std::string(name_of(rule.reason)), rule.place.line};
        m_rules_by_number[ruleset::rule_number(rule.id)] = &known;
    }
    m_zones.clear();
    for (const ruleset::ZoneEntry& zone : ruleset.zones) {
        for (const std::string& interface : zone.interfaces) {
            m_zones[interface] = zone.name;
        }
    }
}

const events::RuleReference* ConnectionLog::find_rule(std::string_view id) const {
    const auto rule = m_rules.find(id);
    return rule == m_rules.end() ? nullptr : &rule->second;
}

const events::RuleReference* ConnectionLog::find_rule_by_number(std::uint32_t number) const {
    const auto rule = m_rules_by_number.find(number);
    return rule == m_rules_by_number.end() ? nullptr : rule->second;
}

std::string_view ConnectionLog::zone_of(std::string_view interface) const {
    const auto zone = m_zones.find(interface);
    return zone == m_zones.end() ? std::string_view() : std::string_view(zone->second);
}

void ConnectionLog::on_record(const events::LogRecord& record) {
    m_log.record(make_connection_event(record, *this));
}

void ConnectionLog::check_losses() {
    const ports::LogLosses losses = m_ports.packet_log.take_losses();
    if (losses.sequence_gaps > 0) {
        record_count("log-lost", {}, losses.sequence_gaps,
                     text::concat(text::to_text(losses.sequence_gaps),
                                  " log records were lost between the kernel and the daemon"));
    } else if (losses.buffer_overruns > 0) {
        record_count(
            "log-lost", {}, losses.buffer_overruns,
            text::concat("the kernel's log buffer was full ", text::to_text(losses.buffer_overruns), " times"));
    }
    if (losses.unreadable > 0) {
        record_count("log-lost", {}, losses.unreadable,
                     text::concat(text::to_text(losses.unreadable), " log records were not readable"));
    }

    const auto readings = m_ports.filter.counters();
    if (!readings) {
        return; // shown by `show rules`; the next look tries again
    }
    for (const ports::CounterReading& reading : *readings) {
        const auto suppressed = without_suffix(reading.id, ruleset::kSuppressedSuffix);
        const auto overflow = without_suffix(reading.id, ruleset::kOverflowSuffix);
        if (!suppressed && !overflow) {
            continue;
        }
        std::uint64_t& counted = m_counted[reading.id];
        // The first look after a start finds what an earlier process has told already.
        const std::uint64_t grown = reading.packets < counted ? reading.packets : reading.packets - counted;
        counted = reading.packets;
        if (grown == 0 || !m_has_baseline) {
            continue;
        }
        if (suppressed) {
            record_count(
                "log-suppressed", *suppressed, grown,
                text::concat(text::to_text(grown),
                             " denials by this rule were not logged one by one: their sources were over the limit"));
        } else {
            record_count("log-limit-full", *overflow, grown,
                         text::concat("the table of log limits is full: ", text::to_text(grown),
                                      " denials by this rule were logged at the rule's own limit only"));
        }
    }
    m_has_baseline = true;
}

void ConnectionLog::record_count(std::string_view action, std::string_view rule, std::uint64_t count,
                                 std::string message) {
    Event event;
    event.set(Field::event_kind, "alert");
    event.set(Field::event_category, "host");
    event.set(Field::event_action, std::string(action));
    event.set_number(Field::event_count, static_cast<std::int64_t>(count));
    if (!rule.empty()) {
        event.set(Field::rule_id, std::string(rule));
    }
    event.set(Field::message, std::move(message));
    m_log.record(std::move(event));
}

} // namespace sekisho::services

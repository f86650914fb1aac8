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
constexpr std::string_view kCountersFile = "log-counters";
constexpr std::size_t kMostCountersFile = 1u << 20;
constexpr std::string_view kRecordPrefix = "record."; ///< rules that record accepted connections
constexpr std::string_view kNoDaemon = "no daemon was running";
constexpr std::string_view kNoReader = "the kernel's log could not be read";

using Counts = std::map<std::string, std::uint64_t, std::less<>>;

Counts counts_of(const std::vector<ports::CounterReading>& readings) {
    Counts counts;
    for (const ports::CounterReading& reading : readings) {
        counts[reading.id] = reading.packets;
    }
    return counts;
}

/// How far a counter has come since `former`; one that stands lower began anew.
std::uint64_t growth(const Counts& former, std::string_view id, std::uint64_t now) {
    const auto before = former.find(id);
    return before == former.end() || now < before->second ? now : now - before->second;
}

/// "service.web.deny.suppressed" to "service.web.deny", where the suffix is that one.
std::optional<std::string_view> without_suffix(std::string_view id, std::string_view suffix) {
    if (!id.ends_with(suffix)) {
        return std::nullopt;
    }
    return id.substr(0, id.size() - suffix.size());
}

} // namespace

ConnectionLog::ConnectionLog(Ports ports, EventLog& log, CountryOf country_of)
    : m_ports(ports),
      m_log(log),
      m_country_of(std::move(country_of)),
      m_timer(ports.loop.make_timer([this] { check_losses(); })) {}

Result<void> ConnectionLog::start() {
    m_started = true;
    m_timer->start_repeating(kCheckMilliseconds);
    Result<void> result;
    if (m_ports.run_store.exists(kCountersFile)) {
        m_unheard_cause = kNoDaemon;
        result = load_counted();
    } else {
        // the first process of this boot; the next one knows by the file that it is not
        result = m_ports.run_store.write(kCountersFile, {});
    }
    check_losses();
    return result;
}

/// What an earlier process of this boot has told already.
Result<void> ConnectionLog::load_counted() {
    const std::string contents = TRY(m_ports.run_store.read(kCountersFile, kMostCountersFile));
    for (const std::string_view line : text::split(contents, '\n')) {
        const std::size_t space = line.find(' ');
        if (const auto count = text::parse_unsigned(line.substr(0, space)); count && space != std::string_view::npos) {
            m_counted[std::string(line.substr(space + 1))] = *count;
        }
    }
    return {};
}

void ConnectionLog::save_counted(Counts counted) {
    if (counted == m_counted) {
        return;
    }
    m_counted = std::move(counted);
    std::string contents;
    for (const auto& [id, count] : m_counted) {
        contents += text::concat(text::to_text(count), " ", id, "\n");
    }
    ignore_error(m_ports.run_store.write(kCountersFile, contents), "the next process then tells more than once");
}

/// Whether records are delivered; tries to make it so.
void ConnectionLog::listen() {
    if (m_listening) {
        return;
    }
    const auto started = m_ports.packet_log.start([this](const events::LogRecord& record) { on_record(record); });
    m_listening = started.has_value();
    if (!m_listening && m_unheard_cause.empty()) {
        m_unheard_cause = kNoReader;
    }
    if (m_listening == m_listening_failed) {
        record_trouble("log-reader", started, "connections are recorded again");
    }
    m_listening_failed = !m_listening;
}

/// Nobody hears the kernel's records while no daemon runs or its reader is not open, but the counters go on. What was
/// recorded between the last look and the end of the earlier process is among it: that many at most.
void ConnectionLog::tell_unrecorded(const Counts& now) {
    const auto grown = [&](const std::string& id) {
        const auto reading = now.find(id);
        return reading == now.end() ? 0 : growth(m_counted, id, reading->second);
    };
    for (const auto& [id, count] : now) {
        const std::string suppressed = text::concat(id, ruleset::kSuppressedSuffix);
        const bool denies = now.contains(suppressed);
        if (!denies && !id.starts_with(kRecordPrefix)) {
            continue;
        }
        const std::uint64_t told = denies ? grown(suppressed) + grown(text::concat(id, ruleset::kOverflowSuffix)) : 0;
        if (const std::uint64_t judged = grown(id); judged > told) {
            record_count("log-lost", id, judged - told,
                         text::concat("up to ", text::to_text(judged - told),
                                      " connections of this rule were not recorded: ", m_unheard_cause));
        }
    }
}

void ConnectionLog::learn(const ruleset::Ruleset& ruleset) {
    for (const ruleset::Rule& rule : ruleset.rules) {
        events::RuleReference& known = m_rules[rule.id];
        known = {rule.id, std::string(name_of(rule.reason)), rule.place.line};
        m_rules_by_number[rule.number] = &known;
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

std::optional<CountryCode> ConnectionLog::country_of(const IpAddress& address) const {
    return m_country_of ? m_country_of(address) : std::nullopt;
}

void ConnectionLog::on_record(const events::LogRecord& record) {
    m_log.record(make_connection_event(record, *this));
}

void ConnectionLog::tell_packet_losses() {
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
}

/// Denials that the limits kept from the log.
void ConnectionLog::tell_unlogged(const Counts& now) {
    for (const auto& [id, count] : now) {
        const std::uint64_t grown = growth(m_counted, id, count);
        if (grown == 0) {
            continue;
        }
        if (const auto suppressed = without_suffix(id, ruleset::kSuppressedSuffix)) {
            record_count("log-suppressed", *suppressed, grown,
                         text::concat(text::to_text(grown), " denials by this rule were not logged one by one: their "
                                                            "sources were over the limit"));
        } else if (const auto overflow = without_suffix(id, ruleset::kOverflowSuffix)) {
            record_count("log-limit-full", *overflow, grown,
                         text::concat("the table of log limits is full: ", text::to_text(grown),
                                      " denials by this rule were not logged one by one"));
        }
    }
}

void ConnectionLog::check_losses() {
    if (!m_started) {
        return; // what an earlier process told is not known yet
    }
    listen();
    tell_packet_losses();
    const auto readings = m_ports.filter.counters();
    if (readings.has_value() == m_counting_failed) {
        record_trouble("log-counters", readings ? Result<void>() : std::unexpected(readings.error()),
                       "the packet filter's counters are read again");
    }
    m_counting_failed = !readings;
    if (!readings) {
        return; // the next look tells what has grown until then
    }
    Counts now = counts_of(*readings);
    if (!m_unheard_cause.empty()) {
        tell_unrecorded(now);
    }
    m_unheard_cause = m_listening ? std::string_view() : kNoReader;
    tell_unlogged(now);
    save_counted(std::move(now));
}

/// A part of the log that fails, and the same part when it works again: one event each.
void ConnectionLog::record_trouble(std::string_view action, const Result<void>& result, std::string_view success) {
    Event event;
    event.set(Field::event_kind, result ? "event" : "alert");
    event.set(Field::event_category, "host");
    event.set(Field::event_action, std::string(action));
    event.set(Field::event_outcome, result ? "success" : "failure");
    event.set(Field::message, result ? std::string(success) : result.error().message());
    m_log.record(std::move(event), Durability::immediate);
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

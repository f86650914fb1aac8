// SPDX-License-Identifier: GPL-2.0-or-later
// From the kernel's log records to events: every accepted and every denied connection, and how many were suppressed or
// lost on the way.
#pragma once

#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/packet_filter.hpp"
#include "firmware/ports/packet_log.hpp"
#include "firmware/ports/store.hpp"
#include "firmware/services/event_log.hpp"
#include "policy/events/record.hpp"
#include "policy/ruleset/ruleset.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

namespace sekisho::services {

class ConnectionLog final : private events::RecordContext {
public:
    struct Ports {
        ports::PacketLog& packet_log;
        ports::PacketFilter& filter;
        ports::EventLoop& loop;
        ports::Store& run_store; ///< gone with the next boot, as the kernel's counters are
    };

    /// Country of an address, where it has one.
    using CountryOf = std::function<std::optional<CountryCode>(const IpAddress&)>;

    /// Without `country_of`, no event names a country.
    ConnectionLog(Ports ports, EventLog& log, CountryOf country_of = {});

    /// Starts recording, and tells how many connections were judged while no daemon recorded them. Where the kernel's
    /// log can't be read, that is told once and tried again every five seconds; until it works, what goes unrecorded is
    /// counted. An error is one of the figures that an earlier process of this boot left: it may be told twice.
    Result<void> start();

    /// Called after each change of the ruleset in force. Rules of earlier ones stay known: records of theirs may still
    /// be on the way, and flows of theirs live on.
    void learn(const ruleset::Ruleset& ruleset);

    /// Reads counters and loss figures and records what has grown since the last time, also that of an earlier process
    /// of this boot. Goes on by itself; call it before counters go (an apply) and right before the daemon ends. Does
    /// nothing before start().
    void check_losses();

private:
    using Counts = std::map<std::string, std::uint64_t, std::less<>>;

    Result<void> load_counted();
    void listen();
    void tell_packet_losses();
    void tell_unrecorded(const Counts& now);
    void tell_unlogged(const Counts& now);
    void save_counted(Counts counted);
    void on_record(const events::LogRecord& record);
    void record_trouble(std::string_view action, const Result<void>& result, std::string_view success);
    void record_count(std::string_view action, std::string_view rule, std::uint64_t count, std::string message);

    [[nodiscard]] const events::RuleReference* find_rule(std::string_view id) const override;
    [[nodiscard]] const events::RuleReference* find_rule_by_number(std::uint32_t number) const override;
    [[nodiscard]] std::string_view zone_of(std::string_view interface) const override;
    [[nodiscard]] std::optional<CountryCode> country_of(const IpAddress& address) const override;

    Ports m_ports;
    EventLog& m_log;
    CountryOf m_country_of;
    std::map<std::string, events::RuleReference, std::less<>> m_rules;
    std::unordered_map<std::uint32_t, const events::RuleReference*> m_rules_by_number; ///< point into m_rules
    std::map<std::string, std::string, std::less<>> m_zones;                           ///< by interface
    Counts m_counted; ///< the last reading of the kernel's counters
    bool m_started = false;
    bool m_listening = false;         ///< the kernel's records are delivered
    bool m_listening_failed = false;  ///< the last attempt, and it was told
    bool m_counting_failed = false;   ///< the last reading of the counters, and it was told
    std::string_view m_unheard_cause; ///< why records since the last look were not heard; empty where they were
    std::unique_ptr<ports::Timer> m_timer;
};

} // namespace sekisho::services

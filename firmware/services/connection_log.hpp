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

#include <map>
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

    ConnectionLog(Ports ports, EventLog& log);

    /// Starts recording, and tells how many connections were judged while no daemon recorded them.
    Result<void> start();

    /// Called after each change of the ruleset in force. Rules of earlier ones stay known: records of theirs may still
    /// be on the way, and flows of theirs live on.
    void learn(const ruleset::Ruleset& ruleset);

    /// Reads counters and loss figures and records what has grown since the last time, also that of an earlier process
    /// of this boot. The last time is right before the daemon ends.
    void check_losses();

private:
    using Counts = std::map<std::string, std::uint64_t, std::less<>>;

    Result<void> load_counted();
    Result<void> tell_unrecorded();
    void save_counted(Counts counted);
    void on_record(const events::LogRecord& record);
    void record_count(std::string_view action, std::string_view rule, std::uint64_t count, std::string message);

    [[nodiscard]] const events::RuleReference* find_rule(std::string_view id) const override;
    [[nodiscard]] const events::RuleReference* find_rule_by_number(std::uint32_t number) const override;
    [[nodiscard]] std::string_view zone_of(std::string_view interface) const override;

    Ports m_ports;
    EventLog& m_log;
    std::map<std::string, events::RuleReference, std::less<>> m_rules;
    std::unordered_map<std::uint32_t, const events::RuleReference*> m_rules_by_number; ///< point into m_rules
    std::map<std::string, std::string, std::less<>> m_zones;                           ///< by interface
    Counts m_counted; ///< the last reading of the kernel's counters
    std::unique_ptr<ports::Timer> m_timer;
};

} // namespace sekisho::services

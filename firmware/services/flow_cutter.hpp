// SPDX-License-Identifier: GPL-2.0-or-later
// Ends connections that the rules in force would not admit any more. Rules judge the first packet of a connection;
// without this, a source that was taken out of a list would keep what it has.
#pragma once

#include "firmware/ports/connections.hpp"
#include "firmware/ports/cut_flows.hpp"
#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/store.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/timekeeper.hpp"
#include "policy/base/country.hpp"
#include "policy/ruleset/admission.hpp"
#include "policy/ruleset/ruleset.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::services {

/// Which of the connections that live a ruleset ends.
class FlowJudge {
public:
    /// The ruleset must outlive it.
    FlowJudge(const ruleset::Ruleset& ruleset, Time now);

    [[nodiscard]] bool ends(const ruleset::Flow& flow) const;

    /// Whether anybody may come in over SSH at all.
    [[nodiscard]] bool has_ssh() const noexcept { return m_ssh_port.has_value(); }

private:
    const ruleset::Ruleset& m_ruleset;
    Time m_now;
    std::optional<std::uint16_t> m_ssh_port;
};

class FlowCutter {
public:
    /// Country of an address, where it has one.
    using CountryOf = std::function<std::optional<CountryCode>(const IpAddress&)>;
    /// Who is in force on guarded ports now, by the addresses that are known of them.
    using Senders = std::map<IpAddress, ruleset::Sender>;

    struct Ports {
        ports::Connections& connections;
        ports::CutFlows& cut_flows;
        ports::EventLoop& loop;
        ports::Store& run_store; ///< gone with the next boot, as the kernel's connections are
    };

    /// Connections that stay cut; beyond that the oldest may come back.
    static constexpr std::size_t kMostCut = 16'384;

    /// Without `country_of`, no event names a country; without `senders`, no role ends a connection.
    FlowCutter(Ports ports, Timekeeper& timekeeper, EventLog& log, CountryOf country_of = {},
               std::function<Senders()> senders = {});

    /// To be called when the ruleset is in force. Each connection that it ends is an event `connection-cut`, up to a
    /// bound; how many more there were is one more. Those of the router itself are never touched. Where the table can't
    /// be read or changed, that is told, since connections may live that should not, and it is tried again until it
    /// works. What is cut stays cut from both sides, until a ruleset would admit it again.
    void cut_unadmitted(const ruleset::Ruleset& ruleset);

private:
    [[nodiscard]] ruleset::Flow with_sender(ruleset::Flow flow) const;
    [[nodiscard]] Result<std::size_t> cut(const ruleset::Ruleset& ruleset);
    Result<void> let_admitted_back(const ruleset::Ruleset& ruleset);
    Result<void> refuse(const std::vector<ports::Connection>& connections);
    void save();
    void record_cut(const ruleset::Ruleset& ruleset, const ruleset::Flow& flow, const ruleset::Rule* refusing);
    void record_rest(std::size_t count);
    void record_failure(const Error& error);

    Ports m_ports;
    Timekeeper& m_timekeeper;
    EventLog& m_log;
    CountryOf m_country_of;
    std::function<Senders()> m_ask_senders;
    Senders m_senders;
    std::map<std::uint32_t, std::string> m_admitting; ///< ids by number, of the rules that admitted what lives
    std::vector<ruleset::Flow> m_cut;                 ///< in the kernel's sets, oldest first
    bool m_are_sets_behind = true;                    ///< of a daemon that starts, or after an error
    std::string m_saved;                              ///< what the file of them holds
    std::optional<ruleset::Ruleset> m_unfinished;     ///< could not be carried through; tried again
    std::unique_ptr<ports::Timer> m_retry;
};

} // namespace sekisho::services

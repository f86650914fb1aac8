// SPDX-License-Identifier: GPL-2.0-or-later
// Puts configurations in force: at start the committed one (or the last good one, or on a device that was never
// configured the default), later what is applied. Whatever fails, the former policy stays. Keeps the kernel true to the
// clock: what expires is taken out, and an unsynchronised clock closes whatever could have expired.
#pragma once

#include "firmware/ports/clock.hpp"
#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/network.hpp"
#include "firmware/ports/packet_filter.hpp"
#include "firmware/services/configuration.hpp"
#include "firmware/services/configuration_store.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/network_plan.hpp"
#include "firmware/services/timekeeper.hpp"

#include <functional>
#include <map>
#include <optional>

namespace sekisho::services {

/// Where the policy in force comes from.
enum class PolicySource { none, committed, last_good, factory_default };
[[nodiscard]] std::string_view name_of(PolicySource source) noexcept;

/// Who applies, for the log.
struct Actor {
    std::string account;
    std::string origin;
};

struct ApplyOutcome {
    std::string report;   ///< for the person: warnings, absent interfaces, what is in force now
    std::string warnings; ///< diagnostics that did not stop the load
};

class PolicyService {
public:
    struct Ports {
        ports::PacketFilter& filter;
        ports::Network& network;
        ports::Store& store; ///< the data partition
        ports::Store&
            run_store; ///< gone with the next boot: the leases in force, so that a restarted daemon drops no address
        ports::EventLoop& loop;
        ports::Clock& clock;
    };

    PolicyService(Ports ports, Timekeeper& timekeeper, EventLog& log, std::string default_configuration);

    /// Puts what is stored in force. Where nothing is acceptable, everything stays closed and why() says why.
    void start();

    /// Checks, puts in force and commits. On an error nothing has changed; the error's text is complete (diagnostics
    /// included).
    std::expected<ApplyOutcome, std::string> apply(std::string_view text, const Actor& actor);

    /// A report of the DHCP client.
    Result<void> lease_event(std::span<const std::string> words);

    /// Looks at the clock and puts a new ruleset in force where an expiry passed or the clock's state changed.
    void check_clock();

    /// Makes interfaces, addresses and routes as configured where they are not, e.g. after an interface appeared.
    void configure_network();

    /// Called after every change of the configuration in force.
    void on_change(std::function<void(const model::Model&)> callback) { m_on_change = std::move(callback); }

    [[nodiscard]] const std::shared_ptr<const Configuration>& configuration() const noexcept { return m_configuration; }

    [[nodiscard]] const ruleset::Ruleset& ruleset() const noexcept { return m_ruleset; }

    [[nodiscard]] PolicySource source() const noexcept { return m_source; }

    /// Why nothing is in force, or why it is not the committed configuration; empty where all is as it should be.
    [[nodiscard]] const std::string& why() const noexcept { return m_why; }

    [[nodiscard]] std::vector<IpAddress> leased_name_servers() const;

    /// Microseconds after boot at which the first policy was in force.
    [[nodiscard]] std::optional<std::int64_t> enforcing_since() const noexcept { return m_enforcing_since; }

private:
    Result<std::vector<std::string>> enforce(const Configuration& configuration, ruleset::Ruleset ruleset);
    bool try_start(std::string_view text, PolicySource source);
    void stay_closed();
    void load_leases();
    void save_leases();
    void judge_leases(const model::Model& model);
    [[nodiscard]] ports::NetworkPlan plan(const model::Model& model) const;
    void schedule_expiry(const ClockReading& clock);
    void record_expiries(const ClockReading& clock);
    void record_state(std::string_view action, std::string message, bool success);

    Ports m_ports;
    Timekeeper& m_timekeeper;
    EventLog& m_log;
    ConfigurationStore m_store;
    std::string m_default_configuration;
    std::function<void(const model::Model&)> m_on_change;

    std::shared_ptr<const Configuration> m_configuration;
    ruleset::Ruleset m_ruleset;
    PolicySource m_source = PolicySource::none;
    std::string m_why;

    struct HeldLease {
        Lease lease;
        std::vector<std::string> words; ///< the report that it came from
        bool inherited = false; ///< from an earlier process of the daemon, not yet confirmed by the lease client
    };

    std::map<std::string, HeldLease> m_leases; ///< by interface
    std::vector<std::string> m_expired;        ///< already in the log
    bool m_synchronised = false;
    std::optional<Time> m_next_expiry;
    bool m_behind = false; ///< the kernel refused the last switch after an expiry
    std::optional<std::int64_t> m_enforcing_since;
    std::unique_ptr<ports::Timer> m_clock_timer;
    std::unique_ptr<ports::Timer> m_expiry_timer;
};

} // namespace sekisho::services

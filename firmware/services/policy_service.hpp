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
#include "firmware/services/countries.hpp"
#include "firmware/services/early_drop.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/network_plan.hpp"
#include "firmware/services/timekeeper.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace sekisho::services {

/// Where the policy in force comes from.
enum class PolicySource { none, committed, last_good, factory_default, unconfirmed };
[[nodiscard]] std::string_view name_of(PolicySource source) noexcept;

/// Who applies, for the log.
struct Actor {
    std::string account;
    std::string origin;
};

/// How to apply.
struct ApplyMode {
    /// Whether the policy before it comes back by itself unless confirm() follows in that time.
    std::optional<unsigned> confirm_minutes;
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

    PolicyService(Ports ports, Timekeeper& timekeeper, EventLog& log, Countries& countries,
                  std::string default_configuration);

    /// Puts what is stored in force. Where nothing is acceptable, everything stays closed and why() says why; where the
    /// packet filter refused, that is tried again. Interfaces that fail close nothing: they are recorded and tried
    /// again.
    void start();

    /// Checks, puts in force and commits. On an error the former policy is in force; where the way back to it fails
    /// too, the error says so and it is tried again. The error's text is complete (diagnostics included).
    /// What has to be confirmed is in force without being committed: whatever ends first, the time, this process or the
    /// power, what is committed comes back.
    std::expected<ApplyOutcome, std::string> apply(std::string_view text, const Actor& actor, ApplyMode mode = {});

    /// Commits what is in force until it is confirmed. The sentence for the person; an error says what is in force.
    std::expected<std::string, std::string> confirm(const Actor& actor);

    /// Until when what is in force has to be confirmed; nothing where it is committed.
    [[nodiscard]] std::optional<Time> confirm_until() const;

    /// On a router that has no password yet: the interfaces of zone wan are not configured, and taken down where they
    /// were. Call before start().
    void hold_wan() noexcept { m_wan_held = true; }

    /// The first password is set: configures them at once.
    void release_wan();

    [[nodiscard]] bool is_wan_held() const noexcept { return m_wan_held; }

    /// A report of the DHCP client.
    Result<void> lease_event(std::span<const std::string> words);

    /// Looks at the clock and puts a new ruleset in force where an expiry passed or the clock's state changed.
    void check_clock();

    /// The packet filter beside the rules in force, and putting them there again; connections that others let in end.
    Result<ports::Comparisons> compare_rules();
    Result<void> restore_rules();

    /// Interfaces, bridges, settings and routes beside the plan in force, and making them so again.
    Result<ports::Comparisons> compare_network();
    Result<void> restore_network();

    /// The kernel's links, addresses or routes changed. Configures interfaces that appeared, and addresses that another
    /// host had; what else may have changed is Enforcement's to find.
    void follow_links();

    /// Makes interfaces, addresses and routes as configured where they are not, e.g. after an interface appeared.
    void configure_network();

    /// Puts the policy in force anew with other contents of its lists of countries; `keep` then makes their database
    /// the one that later policies and the next start use. Where either fails, everything is as before.
    Result<void> exchange_countries(const geo::Contents& contents, const std::function<Result<void>()>& keep);

    /// Follows a change of the configuration in force; gives a sentence for each thing that could not follow, which an
    /// apply warns of.
    using Follower = std::function<std::vector<std::string>(const model::Model&)>;

    void on_change(Follower callback) { m_on_change = std::move(callback); }

    /// Called before an apply switches rules: counters of rules that go are read for the last time.
    void before_switch(std::function<void()> callback) { m_before_switch = std::move(callback); }

    /// Called before an apply stores anything; an error refuses the apply.
    void before_commit(std::function<Result<void>()> callback) { m_before_commit = std::move(callback); }

    /// Asked before an apply that need not be confirmed changes anything: why it would cut off who applies; empty where
    /// it would not.
    using Guard = std::function<std::string(const Actor&, const model::Model& wanted, const ruleset::Ruleset& ruleset)>;

    void guard_with(Guard guard) { m_guard = std::move(guard); }

    /// Called when another ruleset is in force for good: after a start, an apply, an expiry.
    void after_switch(std::function<void(const ruleset::Ruleset&)> callback) { m_after_switch = std::move(callback); }

    [[nodiscard]] const std::shared_ptr<const Configuration>& configuration() const noexcept { return m_configuration; }

    [[nodiscard]] const ruleset::Ruleset& ruleset() const noexcept { return m_ruleset; }

    [[nodiscard]] const EarlyDrop& early_drop() const noexcept { return m_early_drop; }

    [[nodiscard]] PolicySource source() const noexcept { return m_source; }

    /// Why nothing is in force, or why it is not the committed configuration; empty where all is as it should be.
    [[nodiscard]] const std::string& why() const noexcept { return m_why; }

    [[nodiscard]] std::vector<IpAddress> leased_name_servers() const;

    /// Microseconds after boot at which the first policy was in force.
    [[nodiscard]] std::optional<std::int64_t> enforcing_since() const noexcept { return m_enforcing_since; }

private:
    struct HeldLease {
        Lease lease;
        std::vector<std::string> words; ///< the report that it came from
        bool inherited = false; ///< from an earlier process of the daemon, not yet confirmed by the lease client
    };

    using Leases = std::map<std::string, HeldLease>; ///< by interface

    /// What an apply returns to when it can't go on.
    struct Former {
        ruleset::Ruleset ruleset;
        Leases leases;
    };

    struct NetworkOutcome {
        std::vector<std::string> sentences; ///< on what is not there yet
        std::vector<Error> refused_leases;  ///< given up: they don't fit the configuration, or the kernel refused them
        std::optional<Error> failure;
    };

    void start_from_store();
    void record_start_failure(std::string message);
    void keep_copy(std::string_view text);
    bool try_start(std::string_view text, PolicySource source);
    void stay_closed();
    [[nodiscard]] Result<ruleset::Ruleset> compile(const model::Model& model, const ClockReading& clock);
    [[nodiscard]] Result<geo::Contents> countries_of(const Configuration& configuration, Diagnostics& diagnostics);
    void tell_of_absent_countries(const model::Model& model);
    void load_leases();
    void save_leases();
    [[nodiscard]] std::vector<Error> judge_leases(const model::Model& model);
    /// Interfaces and forwarding as the model and the leases have them. A lease that the kernel refuses is given up
    /// rather than failing the rest. Records nothing: that is settle_network()'s part, once the outcome holds.
    [[nodiscard]] NetworkOutcome set_up_network(const model::Model& model, std::vector<Error> refused);
    bool note_links();
    void settle_network(const NetworkOutcome& outcome);
    [[nodiscard]] std::string take_back(const Former& former);
    [[nodiscard]] ports::NetworkPlan plan(const model::Model& model) const;
    void schedule_expiry(const ClockReading& clock);
    void give_up_unconfirmed();
    std::expected<ApplyOutcome, std::string> refuse(events::Event event, std::string_view reason, std::string told);
    Result<std::vector<Error>> commit_now(const ApplyMode& mode);
    void record_expiries(const ClockReading& clock);
    void record_state(std::string_view action, std::string message, bool success);

    Ports m_ports;
    Timekeeper& m_timekeeper;
    EventLog& m_log;
    Countries& m_countries;
    EarlyDrop m_early_drop;
    ConfigurationStore m_store;
    std::string m_default_configuration;
    Follower m_on_change;
    std::function<void()> m_before_switch;
    std::function<Result<void>()> m_before_commit;
    Guard m_guard;
    std::function<void(const ruleset::Ruleset&)> m_after_switch = [](const ruleset::Ruleset&) {};

    std::shared_ptr<const Configuration> m_configuration;
    ruleset::Ruleset m_ruleset;
    PolicySource m_source = PolicySource::none;
    std::string m_why;
    bool m_wan_held = false;

    Leases m_leases;
    std::string m_saved_leases;         ///< what the run store holds
    std::vector<std::string> m_expired; ///< already in the log
    std::set<std::string> m_told;       ///< failures and sentences already in the log, since the last change
    std::set<std::pair<std::string, unsigned>> m_links; ///< name and index of those that there were, as last seen
    std::optional<std::string> m_network_failure;       ///< of the last configuration of the interfaces; tried again
    bool m_is_retrying = false;                         ///< closed because the kernel refused: the start is tried again
    bool m_synchronised = false;
    bool m_clock_behind = false;
    std::optional<Time> m_next_expiry;
    bool m_behind = false; ///< the kernel refused the last switch after an expiry or back from a refused policy
    std::optional<std::int64_t> m_enforcing_since;
    std::unique_ptr<ports::Timer> m_clock_timer;
    std::unique_ptr<ports::Timer> m_expiry_timer;
    std::optional<std::int64_t> m_confirm_until; ///< monotonic microseconds
    std::unique_ptr<ports::Timer> m_confirm_timer;
};

} // namespace sekisho::services

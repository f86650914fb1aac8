// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/policy_service.hpp"

#include "policy/base/text.hpp"
#include "policy/config/printer.hpp"
#include "policy/ruleset/compiler.hpp"

#include <algorithm>
#include <array>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

constexpr std::uint64_t kClockCheckMilliseconds = 10'000;
constexpr std::int64_t kLongestTimerSeconds = 3'600; ///< expiries further away are looked at again by then
constexpr std::size_t kMostDiffBytes = 16'384;
constexpr std::uint64_t kMillisecondsPerMinute = 60'000;

/// The diff for the log: whole lines up to a bound, then how many more there are.
std::string shortened(const std::vector<std::string>& lines) {
    std::string text;
    std::size_t shown = 0;
    for (const std::string& line : lines) {
        if (text.size() + line.size() > kMostDiffBytes) {
            break;
        }
        text += line;
        text += '\n';
        ++shown;
    }
    if (shown < lines.size()) {
        text += text::concat("(", text::to_text(lines.size() - shown), " more lines)\n");
    }
    return text;
}

std::string minutes_text(unsigned minutes) {
    return text::concat(text::to_text(minutes), minutes == 1 ? " minute" : " minutes");
}

bool same_content(const ruleset::Ruleset& left, const ruleset::Ruleset& right) {
    return std::ranges::equal(left.sets, right.sets, {}, &ruleset::Set::name, &ruleset::Set::name) &&
           std::ranges::equal(left.rules, right.rules, {}, &ruleset::Rule::id, &ruleset::Rule::id);
}

} // namespace

std::string_view name_of(PolicySource source) noexcept {
    static constexpr std::array<std::string_view, 5> kNames{"none", "committed", "last-good", "factory-default",
                                                            "unconfirmed"};
    return kNames[static_cast<std::size_t>(source)];
}

PolicyService::PolicyService(Ports ports, Timekeeper& timekeeper, EventLog& log, Countries& countries,
                             std::string default_configuration)
    : m_ports(ports),
      m_timekeeper(timekeeper),
      m_log(log),
      m_countries(countries),
      m_early_drop(ports.filter, ports.network, log),
      m_store(ports.store),
      m_default_configuration(std::move(default_configuration)),
      m_clock_timer(ports.loop.make_timer([this] { check_clock(); })),
      m_expiry_timer(ports.loop.make_timer([this] { check_clock(); })),
      m_confirm_timer(ports.loop.make_timer([this] { give_up_unconfirmed(); })) {}

void PolicyService::record_state(std::string_view action, std::string message, bool success) {
    Event event;
    event.set(Field::event_kind, success ? "event" : "alert");
    event.set(Field::event_category, "configuration");
    event.set(Field::event_action, std::string(action));
    event.set(Field::event_outcome, success ? "success" : "failure");
    if (m_configuration) {
        event.set(Field::config_digest, m_configuration->digest);
    }
    event.set(Field::message, std::move(message));
    m_log.record(std::move(event), Durability::immediate);
}

// ---- start
// ---------------------------------------------------------------------------------------------------------------------------------------------

void PolicyService::start() {
    m_clock_timer->start_repeating(kClockCheckMilliseconds);
    if (m_wan_held) {
        record_state("wan-held",
                     "no password was ever set: the interfaces of zone wan stay down until the first one is", false);
    }
    load_leases();
    if (m_store.has_prepared()) {
        m_store.discard_prepared();
        record_state("apply-reverted",
                     "a configuration that was not committed is given up: the router or its daemon ended before",
                     false);
    }
    start_from_store();
}

void PolicyService::start_from_store() {
    const auto loaded = m_ports.filter.is_loaded();
    if (!loaded || !*loaded) {
        // Nothing of ours is in the kernel yet: close before anything else. A restarted daemon finds its policy and
        // leaves it in force meanwhile.
        if (auto closed = m_ports.filter.apply(ruleset::closed_ruleset(), m_timekeeper.reading().now); !closed) {
            record_start_failure(std::move(closed).error().message());
        }
    }
    if (auto removed = m_ports.filter.remove_unreferenced_sets(); !removed) {
        record_start_failure(std::move(removed).error().in("remove unreferenced sets").message());
    }
    if (auto left = m_store.leave_factory_state(); !left) {
        record_start_failure(std::move(left).error().in("remove the factory mark").message());
    }
    m_is_retrying = false;
    std::string why;
    std::optional<std::string> tried;
    for (const std::string_view name :
         {ConfigurationStore::kCommitted, ConfigurationStore::kCopy, ConfigurationStore::kLastGood}) {
        const bool is_copy = name == ConfigurationStore::kCopy;
        const auto text = m_store.read(name);
        if (!text) {
            if (!m_store.is_factory()) {
                why += text::concat(text.error().message(), "; ");
            }
        } else if (tried == *text) {
            continue; // a copy of what is not accepted
        } else if (try_start(*text, name == ConfigurationStore::kLastGood ? PolicySource::last_good
                                                                          : PolicySource::committed)) {
            m_why = is_copy ? text::concat(why, "its copy is in force") : std::move(why);
            if (m_why.empty()) {
                keep_copy(*text);
            } else {
                record_state("start", m_why, false);
            }
            return;
        } else {
            tried = *text;
            why += text::concat(m_why, "; ");
        }
    }
    if (m_store.is_factory() && why.empty()) {
        if (try_start(m_default_configuration, PolicySource::factory_default)) {
            m_why = "this device was never configured: the default configuration is in force";
            return;
        }
        why = m_why;
    }
    m_why = text::concat(why, "no configuration is acceptable: everything but the serial console is closed");
    stay_closed();
}

/// A start is tried again every few seconds while the kernel refuses: what is told already is not told again.
void PolicyService::record_start_failure(std::string message) {
    if (m_told.insert(message).second) {
        record_state("start", std::move(message), false);
    }
}

void PolicyService::keep_copy(std::string_view text) {
    if (auto kept = m_store.keep_copy(text); !kept) {
        record_state("start", std::move(kept).error().in("copy of the committed configuration").message(), false);
    }
}

bool PolicyService::try_start(std::string_view text, PolicySource source) {
    Diagnostics diagnostics;
    const ClockReading clock = m_timekeeper.reading();
    auto configuration = load_configuration(text, clock, diagnostics, model::Purpose::start);
    if (!configuration) {
        m_why = text::concat("the ", name_of(source), " configuration is not accepted: ",
                             diagnostics.entries().empty() ? "no reason given" : diagnostics.entries().front().message);
        record_start_failure(m_why);
        return false;
    }
    auto compiled = compile(configuration->model, clock);
    const auto filtered =
        compiled ? m_ports.filter.apply(*compiled, clock.now) : std::unexpected(Error(compiled.error()).in("compile"));
    if (!filtered) {
        // what the kernel or the data partition refuse, they may give later
        m_is_retrying = m_is_retrying || compiled || compiled.error().domain() == Domain::storage;
        m_why = text::concat("the ", name_of(source),
                             " configuration could not be put in force: ", filtered.error().message());
        record_start_failure(m_why);
        return false;
    }
    m_ruleset = std::move(*compiled);
    m_configuration = std::move(configuration);
    m_source = source;
    m_synchronised = clock.synchronised;
    m_is_retrying = false;
    m_told.clear();
    tell_of_absent_countries(m_configuration->model);
    const auto network = set_up_network(m_configuration->model, judge_leases(m_configuration->model));
    m_early_drop.install(m_ruleset);
    std::string message = text::concat("the ", name_of(source), " configuration is in force");
    for (const std::string& sentence : network.sentences) {
        message += "; " + sentence;
        m_told.insert(sentence);
    }
    record_state("start", std::move(message), true);
    settle_network(network);
    record_expiries(clock);
    schedule_expiry(clock);
    if (m_on_change) {
        m_on_change(m_configuration->model);
    }
    m_after_switch(m_ruleset);
    return true;
}

void PolicyService::stay_closed() {
    m_ruleset = ruleset::closed_ruleset();
    if (auto closed = m_ports.filter.apply(m_ruleset, m_timekeeper.reading().now); !closed) {
        m_why += text::concat("; ", closed.error().message());
        m_is_retrying = true;
    }
    ignore_error(m_ports.network.set_forwarding(false), "the closed ruleset forwards nothing either way");
    record_start_failure(m_why);
}

// ---- putting in force
// ----------------------------------------------------------------------------------------------------------------------------------

/// The way back of an apply that failed after the packet filter had taken the new ruleset. A sentence for the person.
std::string PolicyService::take_back(const Former& former) {
    m_leases = former.leases;
    if (!m_configuration) {
        stay_closed();
        return "Not applied; everything stays closed.\n";
    }
    std::string told;
    if (auto back = m_ports.filter.apply(former.ruleset, m_timekeeper.reading().now); !back) {
        m_behind = true; // m_ruleset stays what the kernel has
        told = text::concat("the former policy could not be restored and is tried again: ", back.error().message());
    } else {
        m_ruleset = former.ruleset;
    }
    auto network = set_up_network(m_configuration->model, {});
    if (network.failure) {
        told += text::concat(told.empty() ? "the former policy is in force again, but its " : "; its ",
                             "interfaces could not be restored and are tried again: ", network.failure->message());
    }
    settle_network(network);
    m_early_drop.install(m_ruleset);
    if (told.empty()) {
        return "Not applied; the former policy is in force again, unchanged.\n";
    }
    record_state("restore", told, false);
    return text::concat("Not applied; ", told, "\n");
}

std::expected<ApplyOutcome, std::string> PolicyService::refuse(events::Event event, std::string_view reason,
                                                               std::string told) {
    event.set(Field::event_outcome, "failure");
    event.set(Field::event_reason, std::string(reason));
    event.set(Field::message, told);
    m_log.record(std::move(event), Durability::immediate);
    return std::unexpected(std::move(told));
}

/// What was applied without a time to confirm it is committed; the other waits in the store, prepared.
Result<std::vector<Error>> PolicyService::commit_now(const ApplyMode& mode) {
    if (mode.confirm_minutes) {
        const std::uint64_t wait = std::uint64_t{*mode.confirm_minutes} * kMillisecondsPerMinute;
        m_confirm_until = m_ports.clock.monotonic_microseconds() + static_cast<std::int64_t>(wait * 1'000);
        m_confirm_timer->start_once(wait);
        return std::vector<Error>{};
    }
    auto committed = m_store.commit();
    if (committed) {
        m_confirm_until.reset();
        m_confirm_timer->stop();
    }
    return committed;
}

std::expected<ApplyOutcome, std::string> PolicyService::apply(std::string_view text, const Actor& actor,
                                                              ApplyMode mode) {
    const ClockReading clock = m_timekeeper.reading();
    Event event;
    event.set(Field::event_category, "configuration");
    event.set(Field::event_action, "apply");
    event.set(Field::user_name, actor.account);
    event.set(Field::session_origin, actor.origin);
    if (m_configuration) {
        event.set(Field::config_previous, m_configuration->digest);
    }
    Diagnostics diagnostics;
    auto configuration = load_configuration(text, clock, diagnostics, model::Purpose::apply);
    const auto contents = configuration ? countries_of(*configuration, diagnostics) : geo::Contents{};
    if (!configuration || diagnostics.has_errors()) {
        return refuse(
            std::move(event), "not-accepted",
            text::concat(diagnostics.text("configuration"), "Not applied; the policy in force is unchanged.\n"));
    }
    event.set(Field::config_digest, configuration->digest);
    auto compiled = contents ? ruleset::compile(configuration->model, clock, *contents)
                             : Result<ruleset::Ruleset>(std::unexpected(contents.error()));
    if (!compiled) {
        return refuse(std::move(event), "not-accepted",
                      compiled.error().message() + "\nNot applied; the policy in force is unchanged.\n");
    }
    if (const std::string cut = m_guard && !mode.confirm_minutes ? m_guard(actor, configuration->model, *compiled) : "";
        !cut.empty()) {
        return refuse(std::move(event), "lockout", cut);
    }
    // Written before the kernel is touched: a full or broken data partition must not leave a policy in force that the
    // next boot does not know.
    if (auto ready = m_before_commit ? m_before_commit() : Result<void>{}; !ready) {
        return refuse(std::move(event), "not-stored",
                      ready.error().message() + "\nNot applied; the policy in force is unchanged.\n");
    }
    if (auto prepared = m_store.prepare(text); !prepared) {
        return refuse(std::move(event), "not-stored",
                      prepared.error().message() + "\nNot applied; the policy in force is unchanged.\n");
    }
    if (m_before_switch) {
        m_before_switch();
    }
    // Packet filter first, then the interfaces: no moment in which packets flow that the new policy does not judge.
    if (auto filtered = m_ports.filter.apply(*compiled, clock.now); !filtered) {
        m_store.discard_prepared();
        return refuse(std::move(event), "not-enforced",
                      std::move(filtered).error().in("packet filter").message() +
                          "\nNot applied; the policy in force is unchanged.\n");
    }
    const Former former{std::exchange(m_ruleset, std::move(*compiled)), m_leases};
    const auto network = set_up_network(configuration->model, judge_leases(configuration->model));
    if (network.failure) {
        m_store.discard_prepared();
        std::string told = Error(*network.failure).in("network").message() + "\n";
        return refuse(std::move(event), "not-enforced", told + take_back(former));
    }
    auto committed = commit_now(mode);
    if (!committed) {
        std::string told = committed.error().message() + "\n";
        return refuse(std::move(event), "not-stored", told + take_back(former));
    }

    const auto changes = m_configuration ? config::diff(m_configuration->tree, configuration->tree)
                                         : config::diff(config::Tree{}, configuration->tree);
    event.set(Field::config_diff, shortened(changes));
    event.set(Field::event_outcome, "success");
    m_configuration = std::move(configuration);
    m_source = mode.confirm_minutes ? PolicySource::unconfirmed : PolicySource::committed;
    m_why.clear();
    m_is_retrying = false;
    m_behind = false;
    m_told.clear();
    m_synchronised = clock.synchronised;
    m_log.configure(m_configuration->model.log.file_size, m_configuration->model.log.files);
    if (mode.confirm_minutes) {
        event.set(Field::event_reason, "unconfirmed");
        event.set(Field::message, text::concat("in force; what was committed before comes back in ",
                                               minutes_text(*mode.confirm_minutes), " unless it is confirmed"));
    }
    m_log.record(std::move(event), Durability::immediate);
    for (const Error& shortcoming : *committed) {
        record_state("commit", shortcoming.message(), false);
    }
    settle_network(network);
    m_early_drop.install(m_ruleset);
    record_expiries(clock);
    schedule_expiry(clock);
    ApplyOutcome outcome;
    outcome.warnings = diagnostics.text("configuration");
    if (m_on_change) {
        for (const std::string& sentence : m_on_change(m_configuration->model)) {
            outcome.warnings += text::concat("warning: ", sentence, "\n");
        }
    }
    m_after_switch(m_ruleset);
    for (const std::string& sentence : network.sentences) {
        outcome.warnings += text::concat("warning: ", sentence, "\n");
    }
    outcome.report = text::concat("Applied: ", text::to_text(changes.size()), " changed lines, ",
                                  text::to_text(m_ruleset.rules.size()), " rules in force, policy ",
                                  m_configuration->digest.substr(0, 12), ".\n");
    if (mode.confirm_minutes) {
        outcome.report += text::concat("Not committed: the policy before it comes back in ",
                                       minutes_text(*mode.confirm_minutes), " unless 'confirm' follows.\n");
    }
    return outcome;
}

// ---- time
// ----------------------------------------------------------------------------------------------------------------------------------------------

void PolicyService::check_clock() {
    const ClockReading clock = m_timekeeper.reading();
    const bool changed = clock.synchronised != m_synchronised;
    if (changed) {
        m_synchronised = clock.synchronised;
        record_state(clock.synchronised ? "clock-synchronised" : "clock-unsynchronised",
                     clock.synchronised ? "the clock is synchronised; entries that have not expired are open"
                                        : "the clock is not synchronised; entries with an expiry are closed",
                     clock.synchronised);
    }
    if (const bool behind = m_timekeeper.clock_is_behind(); behind != m_clock_behind) {
        m_clock_behind = behind;
        record_state(
            behind ? "clock-behind" : "clock-caught-up",
            behind ? "the clock is behind the last recorded time, which is kept: what has expired stays expired, and "
                     "the log does not vouch for its times"
                   : "the clock has caught up with the last recorded time",
            !behind);
    }
    if (auto recorded = m_timekeeper.record_when_due(); !recorded) {
        record_state("expiry", std::move(recorded).error().in("record the time").message(), false);
    }
    if (!m_configuration && m_is_retrying) {
        start_from_store();
        return;
    }
    if (m_network_failure) {
        configure_network();
    }
    m_early_drop.check(m_ruleset);
    const bool passed = m_next_expiry && clock.now >= *m_next_expiry;
    if (!m_configuration || !(changed || passed || m_behind)) {
        return;
    }
    const bool is_behind = std::exchange(m_behind, false);
    bool switched = false;
    auto compiled = compile(m_configuration->model, clock);
    if (!compiled) {
        record_state("expiry", std::move(compiled).error().message(), false);
    } else if (is_behind || !same_content(*compiled, m_ruleset)) {
        if (auto applied = m_ports.filter.apply(*compiled, clock.now); !applied) {
            // The kernel's own timeouts have closed what expired; only the switch to the smaller set failed, or the way
            // back from a refused policy. Tried again at the next look.
            record_state("expiry", std::move(applied).error().message(), false);
            m_behind = true;
        } else {
            m_ruleset = std::move(*compiled);
            switched = true;
            m_early_drop.install(m_ruleset);
        }
    }
    record_expiries(clock);
    schedule_expiry(clock);
    if (switched) {
        m_after_switch(m_ruleset);
    }
}

Result<ports::Comparisons> PolicyService::compare_rules() {
    return m_ports.filter.compare(m_ruleset, m_timekeeper.reading().now);
}

Result<void> PolicyService::restore_rules() {
    if (m_before_switch) {
        m_before_switch();
    }
    TRY(m_ports.filter.restore(m_ruleset, m_timekeeper.reading().now));
    m_early_drop.install(m_ruleset);
    m_after_switch(m_ruleset);
    return {};
}

void PolicyService::record_expiries(const ClockReading& clock) {
    if (!m_configuration) {
        return;
    }
    if (auto recorded = m_timekeeper.record(); !recorded) {
        record_state("expiry", std::move(recorded).error().in("record the time").message(), false);
    }
    if (!clock.synchronised) {
        return; // closed for want of a clock, not expired
    }
    auto expired = ruleset::expiry_state(m_configuration->model, clock).expired;
    for (const std::string& entry : expired) {
        if (!std::ranges::binary_search(m_expired, entry)) {
            record_state("entry-expired", text::concat("expired and closed: ", entry), true);
        }
    }
    m_expired = std::move(expired);
}

void PolicyService::schedule_expiry(const ClockReading& clock) {
    m_expiry_timer->stop();
    m_next_expiry.reset();
    if (!m_configuration || !clock.synchronised) {
        return;
    }
    m_next_expiry = ruleset::expiry_state(m_configuration->model, clock).next;
    if (m_next_expiry) {
        const std::int64_t wait = std::clamp<std::int64_t>(
            (m_next_expiry->microseconds - clock.now.microseconds) / 1000 + 1, 1, kLongestTimerSeconds * 1000);
        m_expiry_timer->start_once(static_cast<std::uint64_t>(wait));
    }
}

} // namespace sekisho::services

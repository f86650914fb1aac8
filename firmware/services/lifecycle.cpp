// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/lifecycle.hpp"

#include "firmware/services/lifecycle_report.hpp"
#include "policy/base/text.hpp"
#include "policy/lifecycle/sentences.hpp"

#include <algorithm>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;
using lifecycle::Reason;
using lifecycle::Status;
using lifecycle::Warning;
using ports::ControlResponse;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::int64_t kSecondsPerDay = 86'400;
/// A clock that has just been switched on needs a while: until then nobody has to look.
constexpr std::int64_t kSynchronisationGrace = 15 * 60 * kSecond;
constexpr std::int64_t kCheckMilliseconds = 3'600'000;
constexpr std::int64_t kCheckMillisecondsUnreliable = 60'000;

} // namespace

Lifecycle::Lifecycle(Ports ports, ImageFacts image, Timekeeper& timekeeper, EventLog& log,
                     std::function<int()> utc_offset)
    : m_ports(ports),
      m_image(std::move(image)),
      m_timekeeper(timekeeper),
      m_log(log),
      m_utc_offset(std::move(utc_offset)),
      m_timer(ports.loop.make_timer([this] { check(); })) {}

lifecycle::Product Lifecycle::product() const {
    return {m_image.identity.product, m_image.identity.version};
}

bool Lifecycle::clock_is_reliable() {
    return m_timekeeper.reading().synchronised && !m_timekeeper.clock_is_behind();
}

Status Lifecycle::status() {
    return lifecycle::judge(m_image.support, product(),
                            {.clock = m_timekeeper.reading(),
                             .clock_is_behind = m_timekeeper.clock_is_behind(),
                             .offset_minutes = m_utc_offset()});
}

void Lifecycle::start() {
    m_started = m_ports.clock.monotonic_microseconds();
    check();
}

Lifecycle::Told Lifecycle::told_now(const Status& status) {
    const std::int64_t monotonic = m_ports.clock.monotonic_microseconds();
    const bool just_started =
        status.reason == Reason::clock_unsynchronised && monotonic - m_started < kSynchronisationGrace;
    Told told{.status = status.status,
              .warning = status.warning,
              .alert = status.warning != Warning::none && !just_started,
              .day = {},
              .monotonic_microseconds = monotonic};
    if (clock_is_reliable()) {
        told.day = (m_timekeeper.reading().now.seconds() + m_utc_offset() * 60) / kSecondsPerDay;
    }
    return told;
}

bool Lifecycle::is_due(const Told& now) const {
    if (!m_told || m_told->status != now.status || m_told->warning != now.warning || m_told->alert != now.alert) {
        return true;
    }
    // The day counts where both are known; else a day's time, so that a clock that comes and goes makes no storm.
    return now.day && m_told->day ? *now.day != *m_told->day
                                  : now.monotonic_microseconds - m_told->monotonic_microseconds >= kDay;
}

void Lifecycle::check() {
    const Status current = status();
    const Told now = told_now(current);
    if (is_due(now)) {
        record(current, now.alert);
        m_told = now;
    } else if (now.day && !m_told->day) {
        m_told->day = now.day; // told on this day, as is known now
    }
    schedule(current);
}

void Lifecycle::record(const Status& status, bool alert) {
    const lifecycle::Sentence advice = lifecycle::advice(status, m_image.support, m_utc_offset());
    const lifecycle::Sentence& sentence = advice.english.empty() ? status.why : advice;
    Event event;
    event.set(Field::event_kind, alert ? "alert" : "event");
    event.set(Field::event_category, "host");
    event.set(Field::event_action, "lifecycle");
    event.set(Field::event_reason, std::string(lifecycle::name_of(status.reason)));
    event.set(Field::lifecycle_status, std::string(lifecycle::name_of(status.status)));
    if (status.days_left) {
        event.set_number(Field::lifecycle_days_left, *status.days_left);
    }
    event.set(Field::message, text::concat(sentence.english, " / ", sentence.japanese));
    m_log.record(std::move(event), Durability::immediate);
}

void Lifecycle::schedule(const Status& status) {
    std::int64_t wait = kCheckMilliseconds;
    if (!clock_is_reliable()) {
        wait = kCheckMillisecondsUnreliable;
    } else if (status.changes_at) {
        const std::int64_t left = status.changes_at->microseconds - m_timekeeper.reading().now.microseconds;
        wait = std::clamp<std::int64_t>(left / 1000 + 1, 1, wait);
    }
    m_timer->start_once(static_cast<std::uint64_t>(wait));
}

std::string Lifecycle::greeting() {
    return lifecycle::greeting(status(), m_image.support, product(), m_utc_offset());
}

ControlResponse Lifecycle::show_version(const Invocation& invocation) {
    const Facts facts = version_facts(m_image.identity, m_ports.system.kernel_release(), status(), m_image.support,
                                      {invocation.has("--json"), m_utc_offset()});
    return {.exit_status = 0, .output = invocation.has("--json") ? facts.json() : facts.text(), .errors = {}};
}

ControlResponse Lifecycle::show_lifecycle(const Invocation& invocation) {
    const Status current = status();
    const ReportForm form{invocation.has("--json"), m_utc_offset()};
    return {.exit_status = lifecycle::exit_status_of(current.status),
            .output = lifecycle_report(current, m_image.support, form),
            .errors = {}};
}

ControlResponse Lifecycle::show_components(const Invocation& invocation) {
    if (!m_image.components) {
        return {.exit_status = 1, .output = {}, .errors = m_image.components.error().message() + "\n"};
    }
    const Table table = component_table(*m_image.components);
    return {.exit_status = 0, .output = invocation.has("--json") ? table.json() : table.text(), .errors = {}};
}

} // namespace sekisho::services

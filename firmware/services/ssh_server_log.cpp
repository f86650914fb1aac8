// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/ssh_server_log.hpp"

#include "policy/base/address.hpp"
#include "policy/base/text.hpp"

#include <algorithm>

namespace sekisho::services {

using events::Event;
using events::Field;

namespace {

constexpr double kSourcePerMinute = 1;
constexpr double kTotalPerMinute = 10;
constexpr double kMicrosecondsPerMinute = 60e6;
constexpr std::uint64_t kTellEveryMilliseconds = 60'000;
constexpr std::uint64_t kPatienceMilliseconds = 1'000;
constexpr unsigned kHostBits = 64; ///< of an IPv6 address: one host can have all of them

std::string source_of(const Event& event) {
    const auto address = IpAddress::parse(event.text(Field::source_ip));
    if (!address) {
        return {};
    }
    return address->family() == Family::ipv6 ? IpPrefix(*address, kHostBits).text() : address->text();
}

} // namespace

SshServerLog::SshServerLog(EventLog& log, ports::Clock& clock, ports::EventLoop& loop)
    : m_log(log),
      m_clock(clock),
      m_total{kTotalBurst, clock.monotonic_microseconds()},
      m_timer(loop.make_timer([this] { tell_suppressed(); })),
      m_patience(loop.make_timer([this] { record_early(true); })) {}

/// The process that speaks with the client may be heard before the one that tells whose process it is.
void SshServerLog::take(const ports::OutputLine& taken) {
    const events::SshdLine line{taken.process_id, taken.user_id, taken.text};
    if (line.user_id != 0 && !m_reader.knows(line) && m_early.size() < kMostEarly) {
        if (m_early.empty()) {
            m_patience->start_once(kPatienceMilliseconds);
        }
        m_early.push_back({line.process_id, line.user_id, std::string(line.text)});
        return;
    }
    record(line);
    record_early(false);
}

void SshServerLog::record_early(bool is_over) {
    std::vector<EarlyLine> waiting;
    waiting.swap(m_early);
    for (EarlyLine& early : waiting) {
        const events::SshdLine line{early.process_id, early.user_id, early.text};
        if (is_over || m_reader.knows(line)) {
            record(line);
        } else {
            m_early.push_back(std::move(early));
        }
    }
}

void SshServerLog::record(const events::SshdLine& line) {
    auto event = m_reader.read(line);
    if (!event) {
        return;
    }
    if (event->text(Field::event_action) == "key-accepted") {
        m_log.record(std::move(*event), Durability::immediate);
        return;
    }
    std::string source = source_of(*event);
    if (admit(source)) {
        m_log.record(std::move(*event));
        return;
    }
    if (m_suppressed.empty()) {
        m_timer->start_once(kTellEveryMilliseconds);
    }
    if (m_suppressed.size() >= kMostSources && !m_suppressed.contains(source)) {
        source.clear();
    }
    const std::int64_t stands_for = std::max<std::int64_t>(event->number(Field::event_count), 1);
    m_suppressed[source] += static_cast<std::uint64_t>(stands_for);
}

bool SshServerLog::draw(Bucket& bucket, double burst, double per_minute) {
    const std::int64_t now = m_clock.monotonic_microseconds();
    const double minutes = static_cast<double>(now - bucket.filled_at) / kMicrosecondsPerMinute;
    bucket = {std::min(burst, bucket.tokens + minutes * per_minute), now};
    if (bucket.tokens < 1) {
        return false;
    }
    bucket.tokens -= 1;
    return true;
}

bool SshServerLog::admit(const std::string& source) {
    if (m_sources.size() >= kMostSources && !m_sources.contains(source)) {
        forget_idle();
    }
    const bool has_room = m_sources.size() < kMostSources || m_sources.contains(source);
    Bucket& bucket =
        m_sources.try_emplace(has_room ? source : std::string(), Bucket{kSourceBurst, m_clock.monotonic_microseconds()})
            .first->second;
    return draw(bucket, kSourceBurst, kSourcePerMinute) && draw(m_total, kTotalBurst, kTotalPerMinute);
}

/// A source whose bound is whole again is as good as one never seen.
void SshServerLog::forget_idle() {
    const std::int64_t now = m_clock.monotonic_microseconds();
    std::erase_if(m_sources, [now](const auto& entry) {
        const double minutes = static_cast<double>(now - entry.second.filled_at) / kMicrosecondsPerMinute;
        return entry.second.tokens + minutes * kSourcePerMinute >= kSourceBurst;
    });
}

void SshServerLog::tell_suppressed() {
    std::uint64_t count = 0;
    for (const auto& [source, events] : m_suppressed) {
        count += events;
    }
    Event event;
    event.set(Field::event_kind, "alert");
    event.set(Field::event_category, "authentication");
    event.set(Field::event_action, "log-suppressed");
    event.set(Field::event_reason, "ssh");
    if (m_suppressed.size() == 1) {
        const std::string& source = m_suppressed.begin()->first;
        if (IpAddress::parse(source)) {
            event.set(Field::source_ip, source);
        }
        event.set(Field::message, text::concat("more SSH attempts", source.empty() ? "" : " from ", source,
                                               " within a minute than are recorded one by one"));
    } else {
        event.set(Field::message, text::concat("more SSH attempts from ", text::to_text(m_suppressed.size()),
                                               " sources within a minute than are recorded one by one"));
    }
    event.set_number(Field::event_count, static_cast<std::int64_t>(count));
    m_suppressed.clear();
    m_log.record(std::move(event));
}

} // namespace sekisho::services

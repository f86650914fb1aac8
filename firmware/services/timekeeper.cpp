// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/timekeeper.hpp"

#include <algorithm>

namespace sekisho::services {

namespace {
constexpr std::string_view kFile = "state/last-time";
constexpr std::int64_t kRecordInterval = 600ll * 1'000'000;
/// What a time source may take back without being at odds with what was believed.
constexpr std::int64_t kTolerance = 5ll * 1'000'000;
} // namespace

Timekeeper::Timekeeper(ports::Clock& clock, ports::Store& store, Time build_time)
    : m_clock(clock), m_store(store), m_floor(build_time), m_floor_monotonic(clock.monotonic_microseconds()) {}

Result<void> Timekeeper::load() {
    if (!m_store.exists(kFile)) {
        return {};
    }
    std::string text = TRY(m_store.read(kFile, 64));
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    const Time recorded = TRY(parse_rfc3339(text));
    m_recorded = recorded;
    m_floor = std::max(m_floor, recorded);
    m_floor_monotonic = m_clock.monotonic_microseconds();
    return {};
}

Time Timekeeper::floor_at(std::int64_t monotonic) const {
    return {m_floor.microseconds + (monotonic - m_floor_monotonic)};
}

ClockReading Timekeeper::reading() {
    const std::int64_t monotonic = m_clock.monotonic_microseconds();
    const ClockReading reading{std::max(m_clock.now(), floor_at(monotonic)), m_clock.synchronised()};
    // An unsynchronised clock may have been stepped anywhere: only a synchronised one moves the floor.
    if (reading.synchronised) {
        m_floor = reading.now;
        m_floor_monotonic = monotonic;
    }
    return reading;
}

bool Timekeeper::clock_is_behind() {
    const Time floor = floor_at(m_clock.monotonic_microseconds());
    return m_clock.synchronised() && floor.microseconds - m_clock.now().microseconds > kTolerance;
}

Result<void> Timekeeper::record() {
    const ClockReading current = reading();
    if (!current.synchronised || current.now <= m_recorded) {
        return {};
    }
    TRY(m_store.write(kFile, rfc3339_utc(current.now) + "\n"));
    m_recorded = current.now;
    return {};
}

Result<void> Timekeeper::record_when_due() {
    return reading().now.microseconds - m_recorded.microseconds < kRecordInterval ? Result<void>() : record();
}

} // namespace sekisho::services

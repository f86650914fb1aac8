// SPDX-License-Identifier: GPL-2.0-or-later
// What the product believes of the time: it never runs behind the image's build time or the last time that was recorded
// while the clock was synchronised, so what has expired stays expired through a reboot, a power cut and a clock that
// steps back.
#pragma once

#include "firmware/ports/clock.hpp"
#include "firmware/ports/store.hpp"

namespace sekisho::services {

class Timekeeper {
public:
    /// `build_time` is the image's; references must outlive the keeper.
    Timekeeper(ports::Clock& clock, ports::Store& store, Time build_time);

    /// Reads the last recorded time. A record that can't be read is an error for the log; the build time holds then,
    /// and the reading stays unsynchronised until the clock is.
    Result<void> load();

    [[nodiscard]] ClockReading reading();

    /// Whether the system's clock is synchronised, but more than five seconds behind what is believed: `reading` stays
    /// ahead then, and nobody vouches for the time that it gives.
    [[nodiscard]] bool clock_is_behind();

    /// Records the present reading on the data partition, where the clock is synchronised; otherwise does nothing.
    Result<void> record();
    /// The same, but spares the flash: only where the last record is ten minutes old.
    Result<void> record_when_due();

private:
    /// The believed time at a monotonic one, before the system's clock is asked.
    [[nodiscard]] Time floor_at(std::int64_t monotonic) const;

    ports::Clock& m_clock;
    ports::Store& m_store;
    Time m_floor; ///< believed time at m_floor_monotonic
    std::int64_t m_floor_monotonic = 0;
    Time m_recorded; ///< what the data partition holds
};

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's clocks: CLOCK_REALTIME, CLOCK_BOOTTIME, and adjtimex(2) for whether the first is disciplined.
#pragma once

#include "drivers/system/event_loop.hpp"
#include "drivers/system/files.hpp"
#include "firmware/ports/clock.hpp"

namespace sekisho::drivers {

class SystemClock final : public ports::Clock {
public:
    /// The loop outlives the clock.
    explicit SystemClock(UvEventLoop& loop) : m_loop(loop) {}

    Time now() override;
    /// The kernel says so: STA_UNSYNC is clear and the state isn't TIME_ERROR. chronyd sets and clears it.
    bool synchronised() override;
    std::int64_t monotonic_microseconds() override;
    Result<void> watch_steps(std::function<void()> on_step) override;

private:
    Result<void> arm();
    void on_readable();

    UvEventLoop& m_loop;
    std::function<void()> m_on_step;
    Descriptor m_timer;
    std::unique_ptr<Watch> m_watch;
};

} // namespace sekisho::drivers

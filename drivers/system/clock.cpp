// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/clock.hpp"

#include <cerrno>
#include <ctime>
#include <limits>

#include <sys/timerfd.h>
#include <sys/timex.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

std::int64_t microseconds_of(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time); // fails for unknown clocks only
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_nsec / 1000;
}

} // namespace

Time SystemClock::now() {
    return Time{microseconds_of(CLOCK_REALTIME)};
}

std::int64_t SystemClock::monotonic_microseconds() {
    return microseconds_of(CLOCK_BOOTTIME);
}

bool SystemClock::synchronised() {
    timex state{};
    const int condition = adjtimex(&state); // modes is 0: reads only
    return condition >= 0 && condition != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

Result<void> SystemClock::watch_steps(std::function<void()> on_step) {
    m_watch.reset();
    m_timer = Descriptor(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
    if (!m_timer.is_open()) {
        return std::unexpected(Error::from_errno(Domain::time, "clock", "steps can't be watched", errno));
    }
    m_on_step = std::move(on_step);
    TRY(arm());
    m_watch = m_loop.watch_readable(m_timer.get(), [this] { on_readable(); });
    if (m_watch == nullptr) {
        return std::unexpected(Error(Domain::time, "clock", "steps can't be watched"));
    }
    return {};
}

Result<void> SystemClock::arm() {
    // A timer at the end of time that the kernel cancels when the clock is set.
    itimerspec never{};
    never.it_value.tv_sec = std::numeric_limits<time_t>::max();
    if (timerfd_settime(m_timer.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) != 0) {
        return std::unexpected(Error::from_errno(Domain::time, "clock", "steps can't be watched", errno));
    }
    return {};
}

void SystemClock::on_readable() {
    std::uint64_t expirations = 0;
    if (read(m_timer.get(), &expirations, sizeof expirations) < 0 && errno != ECANCELED) {
        return;
    }
    ignore_error(arm(), "the same call on the same timer has succeeded; the timer stays armed in any case");
    m_on_step();
}

} // namespace sekisho::drivers

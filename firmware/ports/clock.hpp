// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/time.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace sekisho::ports {

/// The system's clocks. `now` is the raw wall clock: what the product believes of it is services/timekeeper's decision.
class Clock {
public:
    virtual ~Clock() = default;
    virtual Time now() = 0;
    /// Whether the kernel's clock is disciplined by a time source now.
    virtual bool synchronised() = 0;
    /// Microseconds since boot, never steps.
    virtual std::int64_t monotonic_microseconds() = 0;
    /// Calls back, on the event loop, after the wall clock was stepped.
    virtual Result<void> watch_steps(std::function<void()> on_step) = 0;
};

} // namespace sekisho::ports

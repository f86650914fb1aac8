// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/event_loop.hpp"

#include <functional>

namespace sekisho::tests {

/// Runs the loop until the condition holds; false when it didn't within 30 s (a bound against hanging, not a
/// measurement).
inline bool run_until(drivers::UvEventLoop& loop, const std::function<bool()>& condition) {
    bool holds = condition();
    if (holds) {
        return true;
    }
    auto check = loop.make_timer([&] {
        if (condition()) {
            holds = true;
            loop.stop();
        }
    });
    auto bound = loop.make_timer([&] { loop.stop(); });
    check->start_repeating(5);
    bound->start_once(30'000);
    loop.run();
    return holds;
}

} // namespace sekisho::tests

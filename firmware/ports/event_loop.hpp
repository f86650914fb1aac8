// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace sekisho::ports {

/// A timer that runs until it is destroyed or stopped.
class Timer {
public:
    virtual ~Timer() = default;
    /// One call after `milliseconds`; a running timer is started anew.
    virtual void start_once(std::uint64_t milliseconds) = 0;
    virtual void start_repeating(std::uint64_t milliseconds) = 0;
    virtual void stop() = 0;
};

/// The one loop of the daemon; everything runs on its thread.
class EventLoop {
public:
    virtual ~EventLoop() = default;
    virtual std::unique_ptr<Timer> make_timer(std::function<void()> on_time) = 0;
};

} // namespace sekisho::ports

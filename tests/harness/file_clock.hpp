// SPDX-License-Identifier: GPL-2.0-or-later
// A wall clock that a test sets through a file: "MICROSECONDS synchronised" or "MICROSECONDS unsynchronised". Between
// changes of the file the time goes on from there.
#pragma once

#include "firmware/ports/clock.hpp"
#include "firmware/ports/event_loop.hpp"

#include <memory>
#include <string>

namespace sekisho::harness {

class FileClock final : public ports::Clock {
public:
    FileClock(std::string path, ports::EventLoop& loop);

    Time now() override;
    bool synchronised() override;
    std::int64_t monotonic_microseconds() override;
    /// Looks at the file every 50 ms.
    Result<void> watch_steps(std::function<void()> on_step) override;

private:
    /// Reads the file. Contents that are none leave the clock as it was.
    void refresh();

    std::string m_path;
    std::string m_contents;
    Time m_wall;
    std::int64_t m_read_at = 0; ///< monotonic microseconds at which m_wall was read
    bool m_synchronised = false;
    bool m_has_stepped = false; ///< and nobody was told yet: whoever asks for the time may see the change first
    std::function<void()> m_on_step;
    std::unique_ptr<ports::Timer> m_timer;
};

} // namespace sekisho::harness

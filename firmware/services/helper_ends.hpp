// SPDX-License-Identifier: GPL-2.0-or-later
// Records that a helper program ended by itself, without filling the log where it keeps ending.
#pragma once

#include "firmware/ports/clock.hpp"
#include "firmware/services/event_log.hpp"

#include <map>
#include <string>

namespace sekisho::services {

class HelperEnds {
public:
    HelperEnds(EventLog& log, ports::Clock& clock) : m_log(log), m_clock(clock) {}

    /// The first end of a program is an event `helper-ended`; those that follow are counted, and told with the first
    /// one that comes an hour or more after the last event. `how` is a sentence's end ("ended with status 1").
    void on_end(std::string_view name, std::string_view how);

private:
    struct Ends {
        std::int64_t told_at = 0; ///< monotonic, microseconds
        std::uint64_t untold = 0; ///< since then
    };

    EventLog& m_log;
    ports::Clock& m_clock;
    std::map<std::string, Ends, std::less<>> m_ends; ///< by program; names come from the configuration
};

} // namespace sekisho::services

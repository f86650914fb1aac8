// SPDX-License-Identifier: GPL-2.0-or-later
// What appears on the ports, for the person who writes the list of devices: what was seen lately, and what a port that
// learns sees, as entries to paste. Nothing is admitted by it.
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/port_access.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::services {

class AccessLearning {
public:
    /// Remembered per port; made-up addresses push out what was silent for longest.
    static constexpr std::size_t kMostStations = 256;

    /// Both must outlive it. Asks `access` to be told of what is seen.
    AccessLearning(PortAccess& access, Timekeeper& timekeeper, EventLog& log);

    /// `access learn`.
    [[nodiscard]] ports::ControlResponse learn(const Invocation& invocation, const ports::ControlRequest& request,
                                               int utc_offset_minutes);
    /// `show access learned`.
    [[nodiscard]] ports::ControlResponse show(const Invocation& invocation, int utc_offset_minutes);

private:
    struct Sighting {
        Time first; ///< of the calendar, for people
        Time last;
        access::Ticks last_ticks;
        std::uint64_t count = 0; ///< of what was told, which is less than what was sent
        bool was_learnt = false; ///< seen while the port learnt
        bool is_in_force = false;
    };

    struct Window {
        Time until;
        access::Ticks until_ticks;
    };

    /// A station as it is shown.
    struct Shown {
        access::Station station;
        Sighting sighting;
        const model::Device* device = nullptr; ///< where it is registered
    };

    using Sightings = std::map<access::Station, Sighting>;

    void see(const access::Station& station);
    [[nodiscard]] std::vector<Shown> shown(std::optional<std::string_view> port) const;
    [[nodiscard]] std::string entries_of(const std::vector<Shown>& all, int utc_offset_minutes) const;

    PortAccess& m_access;
    Timekeeper& m_timekeeper;
    EventLog& m_log;
    Sightings m_sightings;
    std::map<std::string, Window, std::less<>> m_windows; ///< the latest of each port
};

/// "90s", "10m", "2h": from ten seconds to a day.
[[nodiscard]] std::optional<access::Ticks> read_learning_time(std::string_view text) noexcept;

} // namespace sekisho::services

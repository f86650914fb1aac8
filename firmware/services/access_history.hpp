// SPDX-License-Identifier: GPL-2.0-or-later
// What happened to one device on the ports, as the access log has it.
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/ports/event_reader.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/event_log.hpp"
#include "policy/base/address.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sekisho::services {

class AccessHistory {
public:
    /// Events that are shown at most, and lines of the log that are looked at: the newest ones.
    static constexpr std::size_t kMostEvents = 1'000;
    static constexpr std::uint64_t kMostLines = 200'000;

    AccessHistory(EventLog& log, ports::EventReader& reader) : m_log(log), m_reader(reader) {}

    /// `show access history`: that somebody looked is recorded, as with the log itself.
    [[nodiscard]] ports::ControlResponse show(const Invocation& invocation, const ports::ControlRequest& request,
                                              int utc_offset_minutes);

private:
    struct Found {
        std::vector<events::Event> events; ///< oldest first
        std::uint64_t older = 0;           ///< left out because newer ones are enough
        bool is_whole = true;              ///< every line that the log keeps was looked at
    };

    Result<Found> find(const MacAddress& mac, std::size_t most);

    EventLog& m_log;
    ports::EventReader& m_reader;
};

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// What happened to one device on the ports, as the access log has it.
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/ports/event_reader.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/event_log.hpp"

namespace sekisho::services {

class AccessHistory {
public:
    AccessHistory(EventLog& log, ports::EventReader& reader) : m_log(log), m_reader(reader) {}

    /// `show access history`: that somebody looked is recorded, as with the log itself.
    [[nodiscard]] ports::ControlResponse show(const Invocation& invocation, const ports::ControlRequest& request,
                                              int utc_offset_minutes);

private:
    EventLog& m_log;
    ports::EventReader& m_reader;
};

} // namespace sekisho::services

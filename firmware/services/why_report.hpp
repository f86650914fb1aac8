// SPDX-License-Identifier: GPL-2.0-or-later
// `show why`: what the log, the lists and the countries say of one address, and the lines of a configuration that would
// let it in for a while.
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/ports/event_reader.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/geo_report.hpp"
#include "firmware/services/policy_service.hpp"
#include "firmware/services/timekeeper.hpp"

namespace sekisho::services {

class WhyReport {
public:
    /// References must outlive it.
    WhyReport(EventLog& log, ports::EventReader& reader, GeoReport& geo, PolicyService& policy, Timekeeper& timekeeper)
        : m_log(log), m_reader(reader), m_geo(geo), m_policy(policy), m_timekeeper(timekeeper) {}

    /// That somebody looked is recorded, as with the log itself.
    [[nodiscard]] ports::ControlResponse show(const Invocation& invocation, const ports::ControlRequest& request,
                                              int utc_offset_minutes);

private:
    EventLog& m_log;
    ports::EventReader& m_reader;
    GeoReport& m_geo;
    PolicyService& m_policy;
    Timekeeper& m_timekeeper;
};

} // namespace sekisho::services

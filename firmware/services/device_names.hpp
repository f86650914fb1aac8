// SPDX-License-Identifier: GPL-2.0-or-later
// The host names that devices on guarded ports give in their DHCP requests. A device that was admitted by its MAC
// address alone and calls itself otherwise than before may be another one behind the same address: that is an alarm.
// A name proves nothing by itself, so it neither admits nor ends anything.
#pragma once

#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/store.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/port_access.hpp"
#include "policy/events/record.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace sekisho::services {

class DeviceNames {
public:
    /// Beyond that, names of devices that are neither registered nor in force are forgotten.
    static constexpr std::size_t kMost = 65'536;

    /// All must outlive it.
    DeviceNames(ports::Store& store, ports::EventLoop& loop, EventLog& log, const PortAccess& access);

    /// Reads what was remembered. A damaged line is left out: its device is known by the next name that it gives.
    Result<void> load();

    /// A record with the prefix ruleset::kRequestPrefix.
    void take(const events::LogRecord& record);

    /// As the device gave it last, made safe to show; empty where it gave none.
    [[nodiscard]] std::string name_of(const MacAddress& mac) const;

private:
    void tell(const access::Session& session, const std::string& before, const std::string& name);
    void make_room();
    void save();

    ports::Store& m_store;
    EventLog& m_log;
    const PortAccess& m_access;
    std::map<MacAddress, std::string> m_names;
    std::unique_ptr<ports::Timer> m_save; ///< a device may change its name as often as it likes
    bool m_is_save_due = false;
};

} // namespace sekisho::services

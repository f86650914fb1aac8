// SPDX-License-Identifier: GPL-2.0-or-later
// What people see of port access.
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/device_names.hpp"
#include "firmware/services/port_access.hpp"

namespace sekisho::services {

[[nodiscard]] ports::ControlResponse show_access_sessions(const Invocation& invocation, const PortAccess& access,
                                                          const DeviceNames& names, Time now, int utc_offset_minutes);
[[nodiscard]] ports::ControlResponse show_access_ports(const Invocation& invocation, const PortAccess& access);
[[nodiscard]] ports::ControlResponse clear_access_session(const Invocation& invocation, PortAccess& access);

/// The certificate for devices to pin, and its fingerprint for people to compare.
[[nodiscard]] ports::ControlResponse show_access_eap_server(const std::string& certificate);

} // namespace sekisho::services

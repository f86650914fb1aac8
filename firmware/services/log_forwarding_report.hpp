// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/log_forwarding.hpp"

namespace sekisho::services {

/// `show log-servers`: whether each server has the log, and why not. Times for people are shown with the offset, in
/// JSON in UTC.
[[nodiscard]] ports::ControlResponse show_log_servers(const Invocation& invocation, const LogForwarding& forwarding,
                                                      int utc_offset_minutes);

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/services/accounts.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/credentials.hpp"

namespace sekisho::services {

/// `show accounts`: every account of the configuration, whether and how it may log in. Times for people are shown with
/// the offset, in JSON in UTC.
[[nodiscard]] ports::ControlResponse show_accounts(const Invocation& invocation, const Accounts& accounts,
                                                   const Credentials& credentials, int utc_offset_minutes);

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// Sessions of port access in a file, for a daemon that starts anew within the same boot.
#pragma once

#include "policy/access/event.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::services {

[[nodiscard]] std::string written_sessions(const std::vector<access::Session>& sessions);

/// What is damaged is left out: its device proves itself anew.
[[nodiscard]] std::vector<access::Session> read_sessions(std::string_view text);

} // namespace sekisho::services

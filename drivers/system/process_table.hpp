// SPDX-License-Identifier: GPL-2.0-or-later
// Processes of the machine that are nobody's children any more, by who runs them (proc(5)).
#pragma once

#include "policy/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sekisho::drivers {

/// Kills (SIGKILL) the processes whose real user is `user_id`, which must not be 0, and which run the program at the
/// absolute path `program`, or all of the user's where it is empty. Looks again until it finds none that it hasn't
/// killed, so what they start meanwhile ends too. How many were killed.
Result<std::size_t> end_processes_of(std::uint32_t user_id, std::string_view program);

} // namespace sekisho::drivers

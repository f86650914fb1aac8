// SPDX-License-Identifier: GPL-2.0-or-later
// Connections that were cut off, in a file, for a daemon that starts anew within the same boot.
#pragma once

#include "policy/ruleset/admission.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::services {

[[nodiscard]] std::string written_flows(std::span<const ruleset::Flow> flows);

/// A line that is damaged is left out.
[[nodiscard]] std::vector<ruleset::Flow> read_flows(std::string_view text);

} // namespace sekisho::services

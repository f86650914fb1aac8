// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"
#include "policy/lifecycle/component.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace sekisho::drivers {

inline constexpr std::size_t kMostComponentList = 4u << 20;

/// Reads the image's components.json: an array of objects with `package`, `version`, `source`, `source_version` and
/// perhaps `built_using` (an array of texts); what else they hold (files, architecture) is passed over. Errors name the
/// entry, counted from 1, and the member.
Result<std::vector<lifecycle::Component>> read_component_list(std::string_view json);

} // namespace sekisho::drivers

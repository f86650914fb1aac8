// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/lifecycle/support_record.hpp"

#include <cstddef>
#include <string_view>

namespace sekisho::drivers {

inline constexpr std::size_t kMostSupportRecord = 16u << 10;

/// Reads the file of policy/lifecycle/REFERENCE.md. Strict: each member at most once, no others, texts without control
/// characters; and what lifecycle::check() asks. Errors name the member, as "core.end_of_life".
Result<lifecycle::SupportRecord> read_support_record(std::string_view json);

} // namespace sekisho::drivers

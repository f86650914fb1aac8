// SPDX-License-Identifier: GPL-2.0-or-later
// Sets as ready-made netlink messages, made by libnftnl alone: what a load costs the kernel, without whatever finds the
// ranges and puts the messages together.
#pragma once

#include "policy/base/error.hpp"
#include "policy/ruleset/ruleset.hpp"

#include <string>

namespace sekisho::bench {

/// Writes a file for send-batches: each batch behind its length. The first makes the table and the sets, the others
/// fill them.
[[nodiscard]] Result<void> write_batches(const ruleset::Ruleset& ruleset, const std::string& path);

} // namespace sekisho::bench

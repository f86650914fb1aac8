// SPDX-License-Identifier: GPL-2.0-or-later
// What stands in the table `inet sekisho`, by name (libnftnl). Never lists the elements of a set: that is quadratic in
// the kernel.
#pragma once

#include "drivers/netfilter/netlink.hpp"
#include "firmware/ports/packet_filter.hpp"
#include "policy/ruleset/renderer.hpp"

namespace sekisho::drivers {

/// Chains, counters and named sets of the table; empty where there is no table.
[[nodiscard]] Result<ruleset::TableObjects> list_table(Netlink& netlink);

/// Whether the table has a chain that the kernel calls (a base chain).
[[nodiscard]] Result<bool> has_base_chain(Netlink& netlink);

/// Devices that a base chain at the ingress hook is on, sorted; empty where there is no such chain. A device that went
/// away is not among them, whether or not another of its name has come.
[[nodiscard]] Result<std::vector<std::string>> devices_of_chain(Netlink& netlink, const std::string& name);

[[nodiscard]] Result<std::vector<ports::CounterReading>> list_counters(Netlink& netlink);

/// Whether the set is gone now. The kernel refuses to delete a set that a rule refers to: that is the answer `in_use`.
enum class Removal { removed, in_use };
[[nodiscard]] Result<Removal> remove_set(Netlink& netlink, const std::string& name);

} // namespace sekisho::drivers

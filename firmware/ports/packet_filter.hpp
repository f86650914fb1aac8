// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/enforcement.hpp"
#include "policy/ruleset/ruleset.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sekisho::ports {

/// A named counter of the kernel: packets and bytes since it was made. Counters keep their values across applies.
struct CounterReading {
    std::string id;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
};

/// What an apply did to the kernel.
struct FilterReport {
    std::size_t rules = 0;
    std::size_t sets_loaded = 0; ///< new ones; sets whose content was there already are not sent again
    std::size_t elements_loaded = 0;
    std::size_t sets_removed = 0; ///< no longer used by any rule
};

/// Where packets meet the early drop.
struct EarlyDrop {
    std::vector<std::string> devices; ///< sorted; empty where there is none
    friend bool operator==(const EarlyDrop&, const EarlyDrop&) = default;
};

/// The kernel's packet filter. One ruleset is in force at a time.
class PacketFilter {
public:
    virtual ~PacketFilter() = default;

    /// Puts a ruleset in force with one atomic switch. On an error the former ruleset is in force, unchanged, and sets
    /// loaded for the new one are gone or unreferenced. `now` turns absolute expiries into the kernel's timeouts.
    virtual Result<FilterReport> apply(const ruleset::Ruleset& ruleset, Time now) = 0;

    /// Number of the kernel's present state of all tables: grows with every change of rules or sets, by whomever,
    /// except of what packets change themselves.
    virtual Result<std::uint32_t> generation() = 0;

    /// What the kernel has beside what it had right after the last switch: chains with their hooks and rules, sets, and
    /// the contents of the ruleset's sets (all of a small one, some of a large one). What packets fill, and counters'
    /// values, don't count. The ruleset must be the one in force.
    virtual Result<Comparisons> compare(const ruleset::Ruleset& ruleset, Time now) = 0;

    /// Puts the ruleset that should be in force there again, in place of whatever is, without a moment in which neither
    /// is. Sets that compare() found changed are loaded anew; so is what is left of a failed call.
    virtual Result<void> restore(const ruleset::Ruleset& ruleset, Time now) = 0;

    /// Whether a ruleset of ours is in the kernel, from this process or an earlier one.
    virtual Result<bool> is_loaded() = 0;

    /// Deletes sets that no rule references: one may be half filled by a process that died. Called once at start,
    /// before the first apply.
    virtual Result<std::size_t> remove_unreferenced_sets() = 0;

    virtual Result<std::vector<CounterReading>> counters() = 0;

    /// Installs the ruleset's early drop (rules of Hook::early) on those of its devices that are there, in a
    /// transaction of its own; takes it away where the ruleset has none. The ruleset must be the one in force. No
    /// verdict depends on it: on an error packets are judged without it. Every apply() takes the early drop away.
    virtual Result<EarlyDrop> install_early_drop(const ruleset::Ruleset& ruleset) = 0;

    /// Devices that the kernel has early drop on now: one that went away and came back has lost it.
    virtual Result<EarlyDrop> early_drop() = 0;
};

} // namespace sekisho::ports

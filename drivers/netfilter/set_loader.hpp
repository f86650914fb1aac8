// SPDX-License-Identifier: GPL-2.0-or-later
// Elements of interval sets, by libnftnl: a range is an element at its first address and an "interval end" element
// behind its last one (none where the last is the last of the address space).
#pragma once

#include "drivers/netfilter/netlink.hpp"
#include "firmware/ports/enforcement.hpp"
#include "policy/ruleset/ruleset.hpp"

namespace sekisho::drivers {

/// A range that has less than this left is not loaded: the kernel counts timeouts in ticks and takes a timeout of no
/// tick for "never".
inline constexpr std::int64_t kShortestTimeoutMilliseconds = 100;

/// The kernel takes no timeout of 584 years or more. Ranges with more than this left run out after it, unless they are
/// loaded anew.
inline constexpr std::int64_t kLongestTimeoutMilliseconds = 100LL * 365 * 86'400 * 1000;

/// Ranges of one transaction: more make it no faster, and the kernel's and our memory grow with it.
inline constexpr std::size_t kRangesPerTransaction = 6'000;

/// Fills a set that is declared and empty. Returns how many ranges were sent; those expired at `now` are not. On an
/// error the set holds a part of them.
[[nodiscard]] Result<std::size_t> fill_set(Netlink& netlink, const ruleset::Set& set, Time now);

/// Looks up both ends of some of the set's ranges, spread over it; fails where the kernel does not hold them as sent.
[[nodiscard]] Result<void> verify_set(Netlink& netlink, const ruleset::Set& set, Time now);

/// What the kernel holds of the set's ranges that have not run out: of a set that is small enough to be listed all,
/// nothing else beside; of a large one some, spread over it, and nothing between them.
[[nodiscard]] Result<ports::Comparison> compare_set(Netlink& netlink, const ruleset::Set& set, Time now);

} // namespace sekisho::drivers

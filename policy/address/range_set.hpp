// SPDX-License-Identifier: GPL-2.0-or-later
// Range-set algebra: sorted, non-overlapping ranges of addresses, with or without an expiry each.
#pragma once

#include "policy/base/address.hpp"
#include "policy/base/time.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sekisho::address {

/// Sorts, drops duplicates, and merges overlapping and adjacent ranges. Both families may be mixed; they are never
/// merged with each other.
[[nodiscard]] std::vector<IpRange> merge(std::vector<IpRange> ranges);
/// What is in `left` and not in `right`; both merged.
[[nodiscard]] std::vector<IpRange> subtract(std::span<const IpRange> left, std::span<const IpRange> right);
/// Binary search in merged ranges.
[[nodiscard]] bool contains(std::span<const IpRange> merged, const IpAddress& address) noexcept;
/// The prefixes that make up a range, shortest list.
[[nodiscard]] std::vector<IpPrefix> to_prefixes(const IpRange& range);
/// Number of addresses of one family in merged ranges, as a power-of-two-safe floating value (exact up to 2^53).
[[nodiscard]] double count(std::span<const IpRange> merged, Family family) noexcept;

/// A range that holds until `expires` (never ends where absent).
struct TimedRange {
    IpRange range;
    std::optional<Time> expires;
    friend auto operator<=>(const TimedRange&, const TimedRange&) = default;
};

/// Cuts overlapping ranges into pieces that don't overlap; each piece holds as long as the longest of the ranges that
/// cover it, and neighbours are merged only where their expiry is equal. So an address is in the result at a moment
/// exactly when one of the input ranges holds it at that moment.
[[nodiscard]] std::vector<TimedRange> merge_timed(std::vector<TimedRange> ranges);

/// 12 hexadecimal digits of a SHA-256 over the sorted content, expiry included: the name of a set's content.
[[nodiscard]] std::string content_hash(std::span<const TimedRange> ranges);

} // namespace sekisho::address

// SPDX-License-Identifier: GPL-2.0-or-later
// Typed ruleset to nft text (nft(8)). Table `inet sekisho`; named counters bear the rule ids; every rule carries its id as comment.
#pragma once

#include "policy/ruleset/ruleset.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::ruleset {

inline constexpr std::string_view kTable = "sekisho"; ///< family inet

/// NFLOG groups, one per class of event.
inline constexpr std::uint16_t kLogGroupDenied = 1;
inline constexpr std::uint16_t kLogGroupAccepted = 2;
/// Bytes of a packet that a log record carries (the headers).
inline constexpr unsigned kLogSnapLength = 160;
/// Log prefix of a denial is the rule's id; with this character behind it, the record came past a full limit table.
inline constexpr char kOverflowMark = '~';
/// Counters beside the one that bears a rule's id: denials not logged because their source prefix was over its limit, because the limit table was full.
inline constexpr std::string_view kSuppressedSuffix = ".suppressed";
inline constexpr std::string_view kOverflowSuffix = ".overflow";

/// The pieces of one transaction and of what must be there before it. The order of loading: `declarations`, then the elements of new sets, then `transaction`.
struct Rendered {
    std::string declarations;          ///< table and content-named sets, without elements
    std::string elements;              ///< "add element" lines; for people and `nft -c`; the driver sends elements by other means
    std::string transaction;           ///< counters, dynamic sets, chains, rules; replaces all rules of the table atomically
    std::vector<std::string> chains;   ///< names that `transaction` uses; others in the table are of an earlier policy
    std::vector<std::string> counters; ///< likewise
    std::vector<std::string> sets;     ///< likewise, content-named and dynamic
};

[[nodiscard]] Rendered render(const Ruleset& ruleset);

/// Everything in one text that `nft -f` takes: what `sekisho render` prints. Elements with an expiry get the timeout that remains at `now`.
[[nodiscard]] std::string render_text(const Ruleset& ruleset, Time now);

} // namespace sekisho::ruleset

// SPDX-License-Identifier: GPL-2.0-or-later
// Typed ruleset to nft text (nft(8)). Table `inet sekisho`; named counters bear the rule ids; every rule carries its id
// as comment.
#pragma once

#include "policy/ruleset/ruleset.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::ruleset {

inline constexpr std::string_view kTable = "sekisho";    ///< family inet
inline constexpr std::string_view kEarlyChain = "early"; ///< of Hook::early; every transaction of rules takes it away

/// NFLOG groups, one per class of event.
inline constexpr std::uint16_t kLogGroupDenied = 1;
inline constexpr std::uint16_t kLogGroupAccepted = 2;
/// Bytes of a packet that a log record carries (the headers).
inline constexpr unsigned kLogSnapLength = 160;
/// Log prefix of a denial is the rule's id; with this character behind it, the record came past a full limit table.
inline constexpr char kOverflowMark = '~';
/// Counters beside the one that bears a rule's id: denials not logged because their source prefix was over its limit,
/// because the limit table was full.
inline constexpr std::string_view kSuppressedSuffix = ".suppressed";
inline constexpr std::string_view kOverflowSuffix = ".overflow";

/// Dynamic sets in which the sources of logged denials stand, each with its limit: one element per source prefix and
/// rule.
inline constexpr std::string_view kLimitSetV4 = "limit_v4";
inline constexpr std::string_view kLimitSetV6 = "limit_v6";
inline constexpr unsigned kLimitSetSize = 65535;

/// The sets of connections that were cut off (OfCutFlow): `inet_proto . address . inet_service . address .
/// inet_service`, or without the services for protocols that have no ports. Elements come and go by other means and
/// stay over applies.
[[nodiscard]] std::string_view cut_set(Family family, bool with_ports) noexcept;
inline constexpr unsigned kCutSetSize = 65535;

/// The pieces of one transaction and of what must be there before it. The order of loading: `declarations`, then the
/// elements of the sets that are new (from Ruleset::sets; the driver sends them by other means), then `transaction`
/// with cleanup() behind it.
struct Rendered {
    std::string declarations; ///< table and content-named sets, without elements
    std::string transaction;  ///< counters, limit sets, chains, rules; replaces all rules of the table atomically
    std::vector<std::string> chains;   ///< names that `transaction` uses; others in the table are of an earlier policy
    std::vector<std::string> counters; ///< likewise
    std::vector<std::string> sets;     ///< likewise, content-named ones first, then the limit sets
};

[[nodiscard]] Rendered render(const Ruleset& ruleset);

/// Text of a transaction of its own that replaces the early drop: the rules of Hook::early of the ruleset in force, at
/// the ingress of these devices, which must be there. Takes it away where there are no such rules or no devices.
[[nodiscard]] std::string early_text(const Ruleset& ruleset, const std::vector<std::string>& devices);

/// What the table holds now; anonymous sets ("__set%d") don't count.
struct TableObjects {
    std::vector<std::string> chains;
    std::vector<std::string> counters;
    std::vector<std::string> sets;
    std::vector<std::string> maps = {}; ///< never of ours
};

/// Text that, behind `transaction` and in the same run of nft, deletes what of `existing` the new policy does not use.
/// Without it the rules are right all the same; chains of the old policy are then empty and its base chains would keep
/// their policy of drop or accept.
[[nodiscard]] std::string cleanup(const Rendered& rendered, const TableObjects& existing);

/// Everything in one text that `nft -f` takes, any number of times: what `sekisho render` prints. Elements with an
/// expiry get the timeout that remains at `now`; those whose time has come by then are left out.
[[nodiscard]] std::string render_text(const Ruleset& ruleset, Time now);

} // namespace sekisho::ruleset

// SPDX-License-Identifier: GPL-2.0-or-later
// The parts of the renderer. Internal to this folder.
#pragma once

#include "policy/ruleset/renderer.hpp"

#include <string>

namespace sekisho::ruleset {

/// "one" or "{ one, two }".
[[nodiscard]] std::string one_or_set(const std::vector<std::string>& items);

/// The match as nft expression; empty for one that always holds.
[[nodiscard]] std::string match_text(const Ruleset& ruleset, const Match& match);

/// Whether matches of this rule go on in a chain of their own, where the denial is logged within limits.
[[nodiscard]] bool has_denial_chain(const Rule& rule) noexcept;
[[nodiscard]] std::string denial_chain_name(const Rule& rule);

/// One line without line feed: matches, counter, mark, log, verdict, comment.
[[nodiscard]] std::string rule_text(const Ruleset& ruleset, const Rule& rule);
/// The rules of the chain that logs a denial and gives its verdict, one line each.
[[nodiscard]] std::vector<std::string> denial_rules(const Rule& rule, const model::LogSettings& log);
/// The chain that turns packets away audibly; the target of every denial that rejects.
inline constexpr std::string_view kRejectChain = "refuse";
[[nodiscard]] std::vector<std::string> reject_rules();

} // namespace sekisho::ruleset

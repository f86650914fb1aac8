// SPDX-License-Identifier: GPL-2.0-or-later
// Rulesets made by hand: what the driver does must not depend on what the compiler makes of a configuration.
#pragma once

#include "policy/ruleset/ruleset.hpp"

#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

namespace sekisho::test {

/// A set with its content's name; `ranges` as "first-last", a prefix or an address.
[[nodiscard]] ruleset::Set make_set(std::string_view list, Family family, std::vector<address::TimedRange> elements);
[[nodiscard]] ruleset::Set make_set(std::string_view list, Family family,
                                    std::initializer_list<std::string_view> ranges);

/// The same with a country's ranges, as a country database gives them.
[[nodiscard]] ruleset::Set make_country_set(std::string_view label, Family family,
                                            std::initializer_list<std::string_view> ranges);
[[nodiscard]] ruleset::Set make_country_set(std::string_view label, Family family,
                                            std::shared_ptr<const std::vector<IpRange>> ranges);

[[nodiscard]] IpRange range(std::string_view text);

/// Accepts UDP to port 5000 of the router from the addresses of each set (rules "list.0", "list.1" …), denies the rest
/// (rule "input.deny").
[[nodiscard]] ruleset::Ruleset accept_from(std::vector<ruleset::Set> sets);

inline constexpr std::uint16_t kPort = 5000;

} // namespace sekisho::test

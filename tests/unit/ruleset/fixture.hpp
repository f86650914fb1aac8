// SPDX-License-Identifier: GPL-2.0-or-later
// Models made by hand and questions about the rules that come of them.
#pragma once

#include "policy/ruleset/compiler.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::test {

/// 2026-11-23T00:00:00Z, synchronised.
[[nodiscard]] ClockReading fixed_clock();
[[nodiscard]] ClockReading unsynchronised_clock();
[[nodiscard]] Time days_from_now(std::int64_t days);

/// wan (wan0 203.0.113.2/29, 2001:db8:f::2/64), clinic (br-clinic 10.0.1.1/24, 2001:db8:1::1/64), guest
/// (lan3 10.0.2.1/24), lists `vendor` (both families), `four` (IPv4 alone), `empty`; no service, no policy.
[[nodiscard]] model::Model base_model();

[[nodiscard]] model::AddressList list(std::string name, const std::vector<std::string>& entries);
/// Adds an entry that ends at `expires`.
void add_expiring(model::AddressList& list, std::string_view range, Time expires);

/// TCP, from the WAN, sources `vendor`.
[[nodiscard]] model::Service forwarded(std::string name, std::uint16_t port, std::string_view host_v4);
[[nodiscard]] model::Service forwarded_v6(std::string name, std::uint16_t port, std::string_view host_v6);
[[nodiscard]] model::Service local(std::string name, std::uint16_t port);
[[nodiscard]] model::Policy policy(std::string name, std::string from, std::string to);

/// Compiles; a failure ends the test.
[[nodiscard]] ruleset::Ruleset compiled(const model::Model& model, const ClockReading& clock = fixed_clock());

/// The rules with that id on a hook, in order.
[[nodiscard]] std::vector<const ruleset::Rule*> rules_of(const ruleset::Ruleset& ruleset, ruleset::Hook hook,
                                                         std::string_view id);
/// As nft text, one per rule.
[[nodiscard]] std::vector<std::string> texts_of(const ruleset::Ruleset& ruleset, ruleset::Hook hook,
                                                std::string_view id);
/// Place of the first such rule among those of its hook; a rule that is not there ends the test.
[[nodiscard]] std::size_t position_of(const ruleset::Ruleset& ruleset, ruleset::Hook hook, std::string_view id);
/// Name of the set of a list and family; empty where no rule needs one.
[[nodiscard]] std::string set_name(const ruleset::Ruleset& ruleset, std::string_view prefix);

/// Compares texts so that a failure shows both.
void check_texts(const std::vector<std::string>& expected, const std::vector<std::string>& actual);
[[nodiscard]] bool contains(std::string_view text, std::string_view part);

} // namespace sekisho::test

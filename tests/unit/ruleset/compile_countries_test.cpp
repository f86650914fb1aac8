// SPDX-License-Identifier: GPL-2.0-or-later
// What a list of countries comes to in rules; the texts of whole policies are golden cases.
#include "policy/ruleset/renderer.hpp"
#include "tests/unit/ruleset/fixture.hpp"

#include <algorithm>
#include <variant>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::ruleset;
using namespace sekisho::test;

namespace {

const CountryCode kJapan = CountryCode::from_letters("JP").value();

/// 1.0.16.0/20 and 2001:200::/32 are Japan's.
geo::Contents contents_for(const model::Model& model) {
    geo::Collector collector(model::selections_of(model));
    collector.add(IpRange::parse("0.0.0.0-1.0.15.255").value(), std::nullopt);
    collector.add(IpRange::parse("1.0.16.0/20").value(), kJapan);
    collector.add(IpRange::parse("1.0.32.0-255.255.255.255").value(), std::nullopt);
    collector.add(IpRange::parse("2001:200::/32").value(), kJapan);
    return collector.finish();
}

model::Model with_list(model::GeoList::Unknown unknown = model::GeoList::Unknown::as_unnamed) {
    model::Model model = base_model();
    model.geo_lists.push_back({.name = "domestic", .countries = {kJapan}, .except_lists = {}, .unknown = unknown});
    return model;
}

bool has_early(const Ruleset& ruleset) {
    return std::ranges::contains(ruleset.rules, Hook::early, &Rule::hook);
}

} // namespace

TEST_GROUP(compile_countries){};

TEST(compile_countries, nothing_is_compiled_without_the_database) {
    model::Model model = with_list();
    model.gate.geo_lists = {"domestic"};
    const auto failed = compile(model, fixed_clock());
    CHECK(!failed.has_value());
    STRCMP_EQUAL("geo-list domestic", failed.error().place().c_str());
}

TEST(compile_countries, a_list_that_nothing_uses_needs_no_set) {
    const auto rules = compile(with_list(), fixed_clock());
    CHECK(rules.has_value());
    CHECK(std::ranges::none_of(rules->sets, [](const Set& set) { return set.ranges != nullptr; }));
    CHECK_FALSE(has_early(*rules));
}

TEST(compile_countries, sets_share_the_ranges_of_the_database) {
    model::Model model = with_list();
    model.gate.geo_lists = {"domestic"};
    model.services.push_back(forwarded("web", 443, "10.0.1.20"));
    model.services.back().geo_lists = {"domestic"};
    const geo::Contents contents = contents_for(model);
    const auto rules = compile(model, fixed_clock(), contents);
    CHECK(rules.has_value());
    std::size_t of_countries = 0;
    for (const Set& set : rules->sets) {
        if (set.ranges) {
            ++of_countries;
            POINTERS_EQUAL(contents.begin()->second[static_cast<std::size_t>(set.family)].ranges.get(),
                           set.ranges.get());
        }
    }
    LONGS_EQUAL(2, of_countries);
}

TEST(compile_countries, the_uses_of_a_list_err_towards_closed) {
    using Unknown = model::GeoList::Unknown;
    const auto unknown = [](Unknown what, model::ListUse use) {
        return model::selection_of({.name = "a", .countries = {kJapan}, .except_lists = {}, .unknown = what}, use)
            .unknown;
    };
    CHECK_FALSE(unknown(Unknown::as_unnamed, model::ListUse::admits));
    CHECK_FALSE(unknown(Unknown::deny, model::ListUse::admits));
    CHECK(unknown(Unknown::allow, model::ListUse::admits));
    CHECK_FALSE(unknown(Unknown::as_unnamed, model::ListUse::refuses));
    CHECK(unknown(Unknown::deny, model::ListUse::refuses));
    CHECK_FALSE(unknown(Unknown::allow, model::ListUse::refuses));
}

TEST(compile_countries, the_gate_stands_behind_the_state_and_before_every_service) {
    model::Model model = with_list();
    model.gate.geo_lists = {"domestic"};
    model.services.push_back(local("vpn", 1194));
    const auto rules = compile(model, fixed_clock(), contents_for(model));
    CHECK(rules.has_value());
    CHECK(position_of(*rules, Hook::input, "flow.established") < position_of(*rules, Hook::input, "gate.country"));
    CHECK(position_of(*rules, Hook::input, "gate.country") < position_of(*rules, Hook::input, "service.vpn.allow"));
    CHECK(position_of(*rules, Hook::forward, "gate.country") < position_of(*rules, Hook::forward, "zone.wan.deny"));
    // counter, log and verdict are the gate's own, wherever the packet is dropped
    const auto early = rules_of(*rules, Hook::early, "gate.country");
    const auto late = rules_of(*rules, Hook::input, "gate.country");
    LONGS_EQUAL(2, early.size());
    LONGS_EQUAL(2, late.size());
    CHECK(early.front()->number == late.front()->number && early.front()->reason == Reason::country);
}

TEST(compile_countries, address_lists_alone_have_no_early_drop) {
    model::Model model = with_list();
    model.services.push_back(forwarded("web", 443, "10.0.1.20"));
    model.block.geo_lists = {"domestic"};
    const auto rules = compile(model, fixed_clock(), contents_for(model));
    CHECK(rules.has_value());
    CHECK_FALSE(has_early(*rules));
}

TEST(compile_countries, an_except_entry_in_doubt_lets_nothing_through) {
    model::Model model = with_list();
    model.address_lists.push_back(list("fix", {}));
    add_expiring(model.address_lists.back(), "8.8.8.0/24", days_from_now(10));
    model.geo_lists.front().except_lists = {"fix"};
    model.gate.geo_lists = {"domestic"};
    const auto sure = compile(model, fixed_clock(), contents_for(model));
    const auto unsure = compile(model, unsynchronised_clock(), contents_for(model));
    CHECK(sure.has_value() && unsure.has_value());
    CHECK(!set_name(*sure, "al_fix_4_").empty());
    CHECK(set_name(*unsure, "al_fix_4_").empty());
}

TEST(compile_countries, the_early_drop_is_in_no_transaction_of_rules) {
    model::Model model = with_list();
    model.gate.geo_lists = {"domestic"};
    const auto rules = compile(model, fixed_clock(), contents_for(model));
    CHECK(rules.has_value());
    const Rendered rendered = render(*rules);
    CHECK_FALSE(contains(rendered.transaction, "ingress"));
    CHECK(std::ranges::find(rendered.chains, std::string(kEarlyChain)) == rendered.chains.end());
    CHECK(contains(early_text(*rules, {"wan0"}), "hook ingress devices = { \"wan0\" }"));
    CHECK_FALSE(contains(early_text(*rules, {}), "hook"));
    CHECK(contains(early_text(*rules, {}), "destroy chain inet sekisho early"));
}

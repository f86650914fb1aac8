// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/ruleset/fixture.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::ruleset;
using namespace sekisho::test;

TEST_GROUP(policies) {
    model::Model model = base_model();

    void add(model::Action action, std::vector<std::string> sources, std::vector<std::string> destinations) {
        auto added = policy("p", "clinic", "wan");
        added.action = action;
        added.source_lists = std::move(sources);
        added.destination_lists = std::move(destinations);
        model.policies = {added};
    }
};

TEST(policies, always_match_where_the_packet_leaves) {
    add(model::Action::allow, {}, {});
    const auto texts = texts_of(compiled(model), Hook::forward, "policy.p.allow");
    LONGS_EQUAL(1, texts.size());
    STRCMP_CONTAINS(R"(iifname "br-clinic" oifname "wan0" counter name "policy.p.allow" ct mark set)",
                    texts[0].c_str());
}

TEST(policies, to_the_router_are_on_input_and_nowhere_else) {
    auto dns = policy("dns", "clinic", "router");
    dns.protocol = model::Protocol::udp;
    dns.ports = {{53, 53}, {60, 69}};
    model.policies = {dns};
    const auto rules = compiled(model);
    LONGS_EQUAL(0, rules_of(rules, Hook::forward, "policy.dns.allow").size());
    STRCMP_CONTAINS(R"(iifname "br-clinic" meta l4proto udp th dport { 53, 60-69 } counter)",
                    texts_of(rules, Hook::input, "policy.dns.allow").at(0).c_str());
}

TEST(policies, with_lists_on_both_sides_pair_them_within_a_family) {
    add(model::Action::allow, {"vendor", "four"}, {"vendor"});
    const auto rules = compiled(model);
    const auto texts = texts_of(rules, Hook::forward, "policy.p.allow");
    LONGS_EQUAL(3, texts.size());
    STRCMP_CONTAINS("ip saddr @al_vendor_4_", texts[0].c_str());
    STRCMP_CONTAINS("ip daddr @al_vendor_4_", texts[0].c_str());
    STRCMP_CONTAINS("ip saddr @al_four_4_", texts[1].c_str());
    STRCMP_CONTAINS("ip6 saddr @al_vendor_6_", texts[2].c_str());
    STRCMP_CONTAINS("ip6 daddr @al_vendor_6_", texts[2].c_str());
    LONGS_EQUAL(3, rules.sets.size());
}

TEST(policies, an_empty_list_never_becomes_every_address) {
    add(model::Action::allow, {"empty"}, {});
    LONGS_EQUAL(0, rules_of(compiled(model), Hook::forward, "policy.p.allow").size());
    add(model::Action::allow, {}, {"empty"});
    LONGS_EQUAL(0, rules_of(compiled(model), Hook::forward, "policy.p.allow").size());
    add(model::Action::allow, {"vendor"}, {"empty"});
    LONGS_EQUAL(0, rules_of(compiled(model), Hook::forward, "policy.p.allow").size());
}

TEST(policies, that_deny_reject_and_keep_their_place_in_the_order) {
    add(model::Action::deny, {}, {"four"});
    auto out = policy("out", "clinic", "wan");
    model.policies.push_back(out);
    const auto rules = compiled(model);
    const Rule* deny = rules_of(rules, Hook::forward, "policy.p.deny").at(0);
    CHECK(std::holds_alternative<Reject>(deny->verdict));
    CHECK(deny->reason == Reason::zone);
    LONGS_EQUAL(30, deny->place.line);
    CHECK(position_of(rules, Hook::forward, "policy.p.deny") < position_of(rules, Hook::forward, "policy.out.allow"));
    CHECK(position_of(rules, Hook::forward, "policy.out.allow") <
          position_of(rules, Hook::forward, "zone.clinic.deny"));
}

TEST_GROUP(expiry) {
    model::Model model = base_model();

    void setup() override {
        auto timed = list("timed", {"192.0.2.1"});
        add_expiring(timed, "192.0.2.8/29", days_from_now(10));
        add_expiring(timed, "192.0.2.64/29", days_from_now(-1));
        model.address_lists.push_back(timed);
        model.services = {local("vpn", 1194)};
        model.services[0].source_lists = {"timed"};
    }
};

TEST(expiry, what_has_expired_is_left_out_and_what_will_keeps_its_time) {
    const auto rules = compiled(model);
    LONGS_EQUAL(1, rules.sets.size());
    const auto& elements = rules.sets[0].elements;
    LONGS_EQUAL(2, elements.size());
    STRCMP_EQUAL("192.0.2.1", elements[0].range.text().c_str());
    CHECK(!elements[0].expires.has_value());
    STRCMP_EQUAL("192.0.2.8/29", elements[1].range.text().c_str());
    CHECK(elements[1].expires == days_from_now(10));
}

TEST(expiry, at_the_very_moment_an_entry_no_longer_holds) {
    const auto rules = compiled(model, {days_from_now(10), true});
    LONGS_EQUAL(1, rules.sets.at(0).elements.size());
    const auto before = compiled(model, {Time{days_from_now(10).microseconds - 1}, true});
    LONGS_EQUAL(2, before.sets.at(0).elements.size());
}

TEST(expiry, an_unsynchronised_clock_closes_every_entry_that_could_have_expired) {
    const auto rules = compiled(model, unsynchronised_clock());
    LONGS_EQUAL(1, rules.sets.at(0).elements.size());
    STRCMP_EQUAL("192.0.2.1", rules.sets[0].elements[0].range.text().c_str());
    model.address_lists.back().entries.erase(model.address_lists.back().entries.begin());
    const auto closed = compiled(model, unsynchronised_clock());
    LONGS_EQUAL(0, rules_of(closed, Hook::input, "service.vpn.allow").size());
    LONGS_EQUAL(1, rules_of(closed, Hook::input, "service.vpn.deny").size());
}

TEST(expiry, an_unsynchronised_clock_lifts_no_block) {
    model.services.clear();
    model.block = {{9, 1}, {"timed"}};
    const auto rules = compiled(model, unsynchronised_clock());
    LONGS_EQUAL(1, rules.sets.size());
    LONGS_EQUAL(3, rules.sets[0].elements.size());
    for (const auto& element : rules.sets[0].elements) {
        CHECK(!element.expires.has_value()); // the kernel must not take it out by a clock that nobody trusts
    }
    LONGS_EQUAL(2, compiled(model).sets.at(0).elements.size());
}

TEST(expiry, an_unsynchronised_clock_lifts_no_denying_policy) {
    auto deny = policy("p", "clinic", "wan");
    deny.action = model::Action::deny;
    deny.destination_lists = {"timed"};
    model.services.clear();
    model.policies = {deny};
    LONGS_EQUAL(3, compiled(model, unsynchronised_clock()).sets.at(0).elements.size());
    model.policies[0].action = model::Action::allow;
    LONGS_EQUAL(1, compiled(model, unsynchronised_clock()).sets.at(0).elements.size());
}

TEST(expiry, a_set_is_named_by_its_content_and_time_of_expiry) {
    const auto first = compiled(model).sets.at(0).name;
    STRNCMP_EQUAL("al_timed_4_", first.c_str(), 11);
    LONGS_EQUAL(11 + 12, first.size());
    STRCMP_EQUAL(first.c_str(), compiled(model, {days_from_now(3), true}).sets.at(0).name.c_str());
    model.address_lists.back().entries[1].expires = days_from_now(11);
    CHECK(first != compiled(model).sets.at(0).name);
}

TEST(expiry, one_list_used_twice_is_one_set) {
    model.services.push_back(local("other", 1195));
    model.services[1].source_lists = {"timed"};
    LONGS_EQUAL(1, compiled(model).sets.size());
}

TEST(expiry, state_names_what_the_clock_closes_and_what_comes_next) {
    const auto state = expiry_state(model, fixed_clock());
    check_texts({"timed 192.0.2.64/29 2026-11-22T00:00:00.000000Z"}, state.expired);
    CHECK(state.next == days_from_now(10));

    const auto later = expiry_state(model, {days_from_now(10), true});
    LONGS_EQUAL(2, later.expired.size());
    CHECK(!later.next.has_value());

    const auto unsure = expiry_state(model, unsynchronised_clock());
    LONGS_EQUAL(2, unsure.expired.size());
    CHECK(!unsure.next.has_value());
}

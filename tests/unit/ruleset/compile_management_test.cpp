// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/ruleset/fixture.hpp"

#include <algorithm>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::test;
using ruleset::Hook;

namespace {

model::Model with_ssh(std::vector<std::string> zones, std::uint16_t port = 22) {
    model::Model model = base_model();
    model.management = {.ssh_zones = std::move(zones), .ssh_port = port, .ssh_place = {7, 5}};
    return model;
}

} // namespace

TEST_GROUP(compile_management){};

TEST(compile_management, opens_the_address_where_the_packet_came_in) {
    const auto rules = compiled(with_ssh({"clinic"}));
    const auto texts = texts_of(rules, Hook::input, "management.ssh.clinic");
    LONGS_EQUAL(1, texts.size());
    CHECK(contains(texts[0], "iifname \"br-clinic\" fib daddr . iif type local meta l4proto tcp th dport 22 "));
    CHECK(texts_of(rules, Hook::input, "management.ssh.guest").empty());
    CHECK(texts_of(rules, Hook::input, "management.ssh.wan").empty());
}

TEST(compile_management, is_recorded_with_its_line) {
    const auto rules = compiled(with_ssh({"clinic"}));
    const auto found = rules_of(rules, Hook::input, "management.ssh.clinic");
    LONGS_EQUAL(1, found.size());
    CHECK(found[0]->log == ruleset::LogKind::recorded);
    CHECK(found[0]->reason == ruleset::Reason::accepted);
    CHECK(found[0]->place == (Place{7, 5}));
    CHECK(std::holds_alternative<ruleset::Accept>(found[0]->verdict));
}

TEST(compile_management, a_rule_for_each_zone_and_the_port_that_is_given) {
    const auto rules = compiled(with_ssh({"clinic", "guest"}, 2222));
    CHECK(contains(texts_of(rules, Hook::input, "management.ssh.clinic").at(0), "th dport 2222 "));
    CHECK(contains(texts_of(rules, Hook::input, "management.ssh.guest").at(0),
                   "iifname \"lan3\" fib daddr . iif type local"));
}

TEST(compile_management, policies_to_the_router_are_tried_first) {
    model::Model model = with_ssh({"clinic"});
    model::Policy policy = test::policy("no-ssh", "clinic", "router");
    policy.action = model::Action::deny;
    policy.source_lists = {"vendor"};
    model.policies.push_back(policy);
    const auto rules = compiled(model);
    const std::size_t ssh = position_of(rules, Hook::input, "management.ssh.clinic");
    CHECK(position_of(rules, Hook::input, "policy.no-ssh.deny") < ssh);
    CHECK(ssh < position_of(rules, Hook::input, "zone.clinic.deny"));
}

TEST(compile_management, stands_behind_what_holds_by_nature) {
    const auto rules = compiled(with_ssh({"clinic", "guest"}));
    const std::size_t ssh = position_of(rules, Hook::input, "management.ssh.clinic");
    for (const char* id :
         {"flow.invalid", "flow.established", "zone.clinic.other-address", "zone.guest.other-address"}) {
        CHECK(position_of(rules, Hook::input, id) < ssh);
    }
}

TEST(compile_management, changes_nothing_else) {
    const auto without = compiled(base_model());
    auto with = compiled(with_ssh({"clinic"}));
    LONGS_EQUAL(
        1, std::erase_if(with.rules, [](const ruleset::Rule& rule) { return rule.id == "management.ssh.clinic"; }));
    LONGS_EQUAL(without.rules.size(), with.rules.size());
    for (std::size_t index = 0; index < with.rules.size(); ++index) {
        CHECK(without.rules[index].id == with.rules[index].id);
        CHECK(without.rules[index].hook == with.rules[index].hook);
    }
}

TEST(compile_management, a_zone_without_interfaces_opens_nothing) {
    model::Model model = with_ssh({"empty"});
    model.zones.push_back({.name = "empty", .place = {}, .interfaces = {}});
    CHECK(texts_of(compiled(model), Hook::input, "management.ssh.empty").empty());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/mark.hpp"
#include "tests/unit/ruleset/fixture.hpp"

#include <map>
#include <set>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::ruleset;
using namespace sekisho::test;

TEST_GROUP(mark){};

TEST(mark, keeps_zone_rule_and_recorded_bit_apart) {
    const std::uint32_t mark = make_mark(127, 0xffffff) | kMarkRecorded;
    LONGS_EQUAL(127, zone_of_mark(mark));
    LONGS_EQUAL(0xffffff, rule_of_mark(mark));
    LONGS_EQUAL(0x01000002, make_mark(1, 2));
    LONGS_EQUAL(0, make_mark(0x80, 0) & kMarkRecorded); // a zone number never reaches the recorded bit
    LONGS_EQUAL(0, make_mark(0, 0x1000000));            // nor a rule number the zone
}

TEST(mark, rule_number_is_the_beginning_of_the_hash_of_the_id) {
    const std::string hash = sha256_hex("service.web.allow");
    STRCMP_EQUAL(hash.substr(0, 6).c_str(), text::to_hex(rule_number("service.web.allow"), 6).c_str());
    CHECK(rule_number("service.web.allow") != rule_number("service.web.deny"));
}

TEST(mark, an_accepting_rule_marks_zone_and_rule) {
    auto model = base_model();
    model.services = {local("vpn", 1194)};
    const auto rules = compiled(model);
    const auto allow = rules_of(rules, Hook::input, "service.vpn.allow");
    LONGS_EQUAL(2, allow.size());
    for (const Rule* rule : allow) {
        LONGS_EQUAL(make_mark(kWanZoneNumber, rule_number("service.vpn.allow")), rule->mark);
        CHECK(rule->log == LogKind::recorded);
    }
}

TEST(mark, what_is_not_to_be_logged_counts_as_recorded_from_the_start) {
    auto model = base_model();
    model.services = {local("vpn", 1194)};
    model.services[0].log = model::LogAccepted::no;
    const auto rules = compiled(model);
    const auto allow = rules_of(rules, Hook::input, "service.vpn.allow");
    LONGS_EQUAL(make_mark(kWanZoneNumber, rule_number("service.vpn.allow")) | kMarkRecorded, allow.at(0)->mark);
    CHECK(allow[0]->log == LogKind::none);
    CHECK((rules_of(rules, Hook::input, "router.loopback").at(0)->mark & kMarkRecorded) != 0);
    CHECK((rules_of(rules, Hook::output, "router.loopback").at(0)->mark & kMarkRecorded) != 0);
}

TEST_GROUP(zone_numbers){};

TEST(zone_numbers, wan_and_router_are_fixed_and_others_follow) {
    const auto rules = compiled(base_model());
    LONGS_EQUAL(4, rules.zones.size());
    for (const ZoneEntry& zone : rules.zones) {
        if (zone.name == "wan") {
            LONGS_EQUAL(kWanZoneNumber, zone.index);
            CHECK(zone.is_wan);
        } else if (zone.name == "router") {
            LONGS_EQUAL(kRouterZoneNumber, zone.index);
        } else {
            CHECK(zone.index >= kFirstFreeZoneNumber && zone.index <= kLastZoneNumber);
        }
    }
}

TEST(zone_numbers, survive_that_other_zones_come_and_change_places) {
    const auto before = compiled(base_model());
    auto model = base_model();
    std::swap(model.zones[1], model.zones[2]);
    model.zones.push_back({.name = "imaging", .interfaces = {"lan4"}});
    const auto after = compiled(model);
    for (const ZoneEntry& zone : before.zones) {
        const ZoneEntry* same = after.find_zone(zone.index);
        CHECK(same != nullptr);
        STRCMP_EQUAL(zone.name.c_str(), same->name.c_str());
    }
}

TEST(zone_numbers, are_all_used_and_none_twice) {
    model::Model model;
    model.zones.push_back({.name = "wan", .interfaces = {"wan0"}});
    for (std::uint64_t number = 0; number < 125; ++number) {
        model.zones.push_back({.name = "zone" + text::to_text(number), .interfaces = {"lan" + text::to_text(number)}});
    }
    std::set<ZoneIndex> numbers;
    for (const ZoneEntry& zone : compiled(model).zones) {
        numbers.insert(zone.index);
    }
    LONGS_EQUAL(127, numbers.size());

    model.zones.push_back({.name = "one-too-many", .interfaces = {"lan125"}});
    const auto refused = compile(model, fixed_clock());
    CHECK(!refused.has_value());
    CHECK(contains(refused.error().message(), "at most 125 inside zones"));
}

TEST(zone_numbers, an_id_that_no_log_prefix_holds_is_refused) {
    auto model = base_model();
    model.services = {local(std::string(120, 'a'), 80)};
    const auto refused = compile(model, fixed_clock());
    CHECK(!refused.has_value());
    CHECK(contains(refused.error().message(), "at most 126 characters"));
}

TEST(zone_numbers, two_ids_that_would_have_one_number_get_two) {
    // Names whose rule numbers meet, found by search: 24 bits collide after some thousand names.
    std::map<std::uint32_t, std::string> seen;
    std::string first;
    std::string second;
    for (std::uint64_t number = 0; second.empty(); ++number) {
        const std::string name = "s" + text::to_text(number);
        const auto [entry, added] = seen.emplace(rule_number(text::concat("service.", name, ".allow")), name);
        if (!added) {
            first = entry->second;
            second = name;
        }
    }
    auto model = base_model();
    model.services = {local(first, 80), local(second, 81)};
    const auto compiled = compile(model, fixed_clock());
    CHECK(compiled.has_value());
    std::map<std::uint32_t, std::string> ids;
    for (const Rule& rule : compiled->rules) {
        const auto [entry, added] = ids.emplace(rule.number, rule.id);
        CHECK(added || entry->second == rule.id);
        CHECK(zone_of_mark(rule.mark) == 0 || rule_of_mark(rule.mark) == rule.number);
    }
    const std::string preferred = text::concat("service.", std::min(first, second), ".allow");
    STRCMP_EQUAL(preferred.c_str(), ids.at(rule_number(preferred)).c_str());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/ruleset/mark.hpp"
#include "policy/ruleset/render_internal.hpp"
#include "tests/unit/ruleset/fixture.hpp"

#include <algorithm>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::ruleset;
using namespace sekisho::test;

TEST_GROUP(matches) {
    Ruleset rules = compiled(base_model());

    void check(const char* expected, const Match& match) {
        STRCMP_EQUAL(expected, match_text(rules, match).c_str());
    }

    static IpPrefix prefix(std::string_view text) {
        return IpPrefix::parse(text).value();
    }
};

TEST(matches, zones_are_their_interfaces) {
    check(R"(iifname "wan0")", IngressZone{kWanZoneNumber});
    rules.zones[0].interfaces = {"wan0", "wan1"};
    check(R"(oifname { "wan0", "wan1" })", EgressZone{kWanZoneNumber});
    check(R"(iifname "lo")", IngressLoopback{});
    check(R"(oifname "lo")", EgressLoopback{});
}

TEST(matches, addresses) {
    check("ip saddr 10.0.0.0/8", AddressIn{Side::source, false, {prefix("10.0.0.0/8")}});
    check("ip daddr != { 10.0.0.1, 10.0.1.0/24 }",
          AddressIn{Side::destination, true, {prefix("10.0.0.1"), prefix("10.0.1.0/24")}});
    check("ip6 daddr 2001:db8::/32", AddressIn{Side::destination, false, {prefix("2001:db8::/32")}});
    rules.sets = {{"al_x_6_0", Family::ipv6, {}}};
    check("ip6 saddr @al_x_6_0", AddressInSet{Side::source, 0});
    check("meta nfproto ipv6", FamilyIs{Family::ipv6});
}

TEST(matches, protocols_are_words_that_need_no_file) {
    using model::Protocol;
    check("meta l4proto icmp", ProtocolIs{Protocol::icmp});
    check("meta l4proto tcp", ProtocolIs{Protocol::tcp});
    check("meta l4proto udp", ProtocolIs{Protocol::udp});
    check("meta l4proto gre", ProtocolIs{Protocol::gre});
    check("meta l4proto esp", ProtocolIs{Protocol::esp});
    check("meta l4proto ah", ProtocolIs{Protocol::ah});
    check("meta l4proto icmpv6", ProtocolIs{Protocol::icmpv6});
    check("meta l4proto sctp", ProtocolIs{Protocol::sctp});
    check("", ProtocolIs{Protocol::any});
}

TEST(matches, ports_and_types) {
    check("th dport 443", DestinationPortIn{{{443, 443}}});
    check("th dport { 80, 1000-2000 }", DestinationPortIn{{{80, 80}, {1000, 2000}}});
    check("th sport 67", SourcePortIn{{{67, 67}}});
    check("ct original proto-dst 1-65535", OriginalDestinationPortIn{{{1, 65535}}});
    check("icmp type 8", IcmpTypeIn{Family::ipv4, {8}});
    check("icmpv6 type { 135, 136 }", IcmpTypeIn{Family::ipv6, {135, 136}});
    check("ip6 hoplimit 255", HopLimitIs{255});
}

TEST(matches, kinds_of_address) {
    using Kind = AddressKind::Kind;
    check("fib daddr . iif type local", AddressKind{Side::destination, Kind::local, true, false});
    check("fib daddr type != local", AddressKind{Side::destination, Kind::local, false, true});
    check("fib saddr type broadcast", AddressKind{Side::source, Kind::broadcast, false, false});
    check("fib daddr type multicast", AddressKind{Side::destination, Kind::multicast, false, false});
}

TEST(matches, connections) {
    check("ct state established,related", ConnectionState{.established = true, .related = true});
    check("ct state invalid", ConnectionState{.invalid = true});
    check("ct state new", ConnectionState{.fresh = true});
    check("ct status dnat", DestinationTranslated{});
    check("ct status & dnat == 0", DestinationTranslated{.negated = true});
    check("ct mark & 0x80000000 != 0", Recorded{});
    check("ct mark & 0x80000000 == 0", Recorded{.negated = true});
}

TEST_GROUP(rules) {
    Ruleset ruleset = compiled(base_model());

    static Rule rule(Verdict verdict, LogKind log = LogKind::none, std::uint32_t mark = 0) {
        return {.id = "a.b", .log = log, .mark = mark, .verdict = std::move(verdict)};
    }
};

TEST(rules, count_and_carry_their_id) {
    STRCMP_EQUAL(R"(counter name "a.b" accept comment "a.b")", rule_text(ruleset, rule(Accept{})).c_str());
    STRCMP_EQUAL(R"(counter name "a.b" drop comment "a.b")", rule_text(ruleset, rule(Drop{})).c_str());
    STRCMP_EQUAL(R"(counter name "a.b" goto refuse comment "a.b")", rule_text(ruleset, rule(Reject{})).c_str());
    STRCMP_EQUAL(R"(counter name "a.b" masquerade comment "a.b")", rule_text(ruleset, rule(Masquerade{})).c_str());
    STRCMP_EQUAL(R"(counter name "a.b" comment "a.b")", rule_text(ruleset, rule(Continue{})).c_str());
}

TEST(rules, translate_with_and_without_a_port) {
    const IpAddress v4 = IpAddress::parse("10.0.1.20").value();
    const IpAddress v6 = IpAddress::parse("2001:db8::20").value();
    STRCMP_CONTAINS("dnat ip to 10.0.1.20 comment", rule_text(ruleset, rule(TranslateDestination{v4, {}})).c_str());
    STRCMP_CONTAINS("dnat ip to 10.0.1.20:80 comment", rule_text(ruleset, rule(TranslateDestination{v4, 80})).c_str());
    STRCMP_CONTAINS("dnat ip6 to [2001:db8::20]:80 comment",
                    rule_text(ruleset, rule(TranslateDestination{v6, 80})).c_str());
}

TEST(rules, a_mark_never_takes_the_recorded_bit_away) {
    STRCMP_CONTAINS("ct mark set ct mark & 0x80000000 | 0x01000005 accept",
                    rule_text(ruleset, rule(Accept{}, LogKind::recorded, make_mark(1, 5))).c_str());
    STRCMP_CONTAINS("ct mark set ct mark | 0x80000000 log group 2 snaplen 160 comment",
                    rule_text(ruleset, rule(Continue{}, LogKind::recorded, kMarkRecorded)).c_str());
}

TEST(rules, a_denial_ends_in_an_unconditional_verdict) {
    for (const Verdict& verdict : {Verdict{Drop{}}, Verdict{Reject{}}}) {
        const auto lines = denial_rules(rule(verdict, LogKind::limited), ruleset.log);
        const char* word = std::holds_alternative<Drop>(verdict) ? "drop" : "goto refuse";
        STRCMP_EQUAL((std::string(R"(counter name "a.b.suppressed" )") + word + R"( comment "a.b")").c_str(),
                     lines.back().c_str());
    }
    STRCMP_EQUAL(R"(goto drop.a.b comment "a.b")", rule_text(ruleset, rule(Drop{}, LogKind::limited)).c_str());
    STRCMP_EQUAL(R"(goto reject.a.b comment "a.b")", rule_text(ruleset, rule(Reject{}, LogKind::limited)).c_str());
}

TEST(rules, a_denial_is_limited_by_source_prefix_and_rule_then_by_rule) {
    model::LogSettings log;
    log.per_minute = 5;
    log.burst = 7;
    log.ipv6_prefix = 64;
    const auto lines = denial_rules(rule(Drop{}, LogKind::limited), log);
    LONGS_EQUAL(8, lines.size());
    STRCMP_EQUAL(R"(counter name "a.b" comment "a.b")", lines[0].c_str());
    STRCMP_CONTAINS("update @limit_v4 { ip saddr & 255.255.255.0 . 0x00", lines[1].c_str());
    STRCMP_CONTAINS(R"( limit rate 5/minute burst 7 packets } log prefix "a.b" group 1 snaplen 160 drop)",
                    lines[1].c_str());
    STRCMP_CONTAINS("!= @limit_v4 limit rate 60/minute burst 20 packets log prefix \"a.b~\" group 1 snaplen 160 drop",
                    lines[2].c_str());
    STRCMP_CONTAINS(R"(!= @limit_v4 counter name "a.b.overflow" drop)", lines[3].c_str());
    STRCMP_CONTAINS("update @limit_v6 { ip6 saddr & ffff:ffff:ffff:ffff:: . 0x00", lines[4].c_str());
}

TEST(rules, limits_of_single_addresses_need_no_mask) {
    model::LogSettings log;
    log.ipv4_prefix = 32;
    log.ipv6_prefix = 128;
    const auto lines = denial_rules(rule(Drop{}, LogKind::limited), log);
    STRCMP_CONTAINS("{ ip saddr . 0x00", lines[1].c_str());
    STRCMP_CONTAINS("{ ip6 saddr . 0x00", lines[4].c_str());
}

TEST(rules, denials_from_an_inside_zone_are_limited_by_address_those_from_the_wan_by_prefix) {
    const auto limited_from = [](ZoneIndex zone) {
        Rule denial = rule(Reject{}, LogKind::limited);
        denial.matches = {IngressZone{zone}};
        return denial_rules(denial, model::LogSettings{});
    };
    const auto inside = limited_from(kFirstFreeZoneNumber);
    for (const std::size_t line : {1u, 2u, 3u}) {
        STRCMP_CONTAINS("ip saddr . 0x00", inside[line].c_str());
        STRCMP_CONTAINS("ip6 saddr . 0x00", inside[line + 3].c_str());
    }
    const auto wan = limited_from(kWanZoneNumber);
    STRCMP_CONTAINS("{ ip saddr & 255.255.255.0 . 0x00", wan[1].c_str());
    STRCMP_CONTAINS("{ ip6 saddr & ffff:ffff:ffff:ff00:: . 0x00", wan[4].c_str());
}

TEST_GROUP(texts) {
    model::Model model = base_model();

    void setup() override {
        model.services = {forwarded("web", 443, "10.0.1.20")};
    }

    static bool has(const std::vector<std::string>& names, std::string_view name) {
        return std::ranges::find(names, name) != names.end();
    }
};

TEST(texts, a_transaction_replaces_all_rules_and_leaves_sets_alone) {
    const auto rules = compiled(model);
    const auto rendered = render(rules);
    CHECK(rendered.transaction.starts_with("add table inet sekisho\nflush table inet sekisho\n"));
    CHECK(!contains(rendered.transaction, "elements"));
    CHECK(!contains(rendered.transaction, "    set al_"));
    CHECK(contains(rendered.declarations, "    set " + rules.sets.at(0).name + " {"));
    CHECK(!contains(rendered.declarations, "elements"));
    CHECK(!contains(rendered.declarations, "chain"));
}

TEST(texts, name_everything_that_the_transaction_uses) {
    const auto rendered = render(compiled(model));
    for (const char* chain : {"screen", "translate", "input", "forward", "output", "record_input", "record_forward",
                              "drop.service.web.deny", "reject.zone.clinic.deny", "refuse"}) {
        CHECK_TEXT(has(rendered.chains, chain), chain);
    }
    CHECK(!has(rendered.chains, "masquerading")); // nothing to translate
    for (const char* counter : {"service.web.allow", "service.web.deny", "service.web.deny.suppressed",
                                "service.web.deny.overflow", "record.forward"}) {
        CHECK_TEXT(has(rendered.counters, counter), counter);
    }
    CHECK(!has(rendered.counters, "service.web.allow.suppressed"));
    LONGS_EQUAL(7, rendered.sets.size());
    CHECK(has(rendered.sets, "limit_v4") && has(rendered.sets, "limit_v6"));
}

TEST(texts, the_judging_chains_are_closed_by_themselves) {
    for (const auto& text : {render(closed_ruleset()).transaction, render(compiled(model)).transaction}) {
        CHECK(contains(text, "type filter hook input priority filter; policy drop;"));
        CHECK(contains(text, "type filter hook forward priority filter; policy drop;"));
        CHECK(contains(text, "type filter hook output priority filter; policy drop;"));
    }
    CHECK(!contains(render(closed_ruleset()).transaction, "ct "));
    CHECK(!contains(render(closed_ruleset()).transaction, "log "));
}

TEST(texts, cleanup_deletes_what_a_former_policy_left) {
    const auto rendered = render(compiled(model));
    const TableObjects existing{{"input", "drop.service.old.deny"},
                                {"service.web.allow", "service.old.deny"},
                                {"limit_v4", "al_old_4_0", "__set3"}};
    STRCMP_EQUAL("delete chain inet sekisho drop.service.old.deny\n"
                 "delete counter inet sekisho service.old.deny\n"
                 "delete set inet sekisho al_old_4_0\n",
                 cleanup(rendered, existing).c_str());
    STRCMP_EQUAL("", cleanup(rendered, {rendered.chains, rendered.counters, rendered.sets}).c_str());
}

TEST(texts, elements_get_the_time_that_remains) {
    auto& entries = model.address_lists[0].entries;
    entries.push_back({IpRange::parse("192.0.2.1-192.0.2.2").value(), {}, days_from_now(3650)});
    entries.push_back({IpRange::parse("192.0.2.9").value(), {}, Time{days_from_now(1).microseconds + 5'000'000}});
    entries.push_back({IpRange::parse("192.0.2.11").value(), {}, Time{days_from_now(0).microseconds + 7'999'999}});
    const auto rules = compiled(model);
    const auto text = render_text(rules, fixed_clock().now);
    CHECK(contains(text, "192.0.2.1-192.0.2.2 timeout 3650d,"));
    CHECK(contains(text, "192.0.2.9 timeout 1d5s,"));
    CHECK(contains(text, "192.0.2.11 timeout 7s,"));
    CHECK(contains(text, "198.51.100.0/28 }"));
    const auto later = render_text(rules, days_from_now(1));
    CHECK(!contains(later, "192.0.2.11")); // no element with a timeout of nothing, which would never end
    CHECK(contains(later, "192.0.2.9 timeout 5s,"));
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/ruleset/mark.hpp"
#include "tests/unit/ruleset/fixture.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::ruleset;
using namespace sekisho::test;

TEST_GROUP(screen) {
    model::Model model = base_model();
};

TEST(screen, drops_sources_that_the_wan_cannot_have) {
    check_texts(
        {R"(iifname "wan0" ip saddr { 0.0.0.0/8, 10.0.1.0/24, 10.0.2.0/24, 127.0.0.0/8, 203.0.113.2, 224.0.0.0/3 } )"
         R"(goto drop.screen.wan-source comment "screen.wan-source")",
         R"(iifname "wan0" ip6 saddr { ::1, 2001:db8:1::/64, 2001:db8:f::2, ff00::/8 } )"
         R"(goto drop.screen.wan-source comment "screen.wan-source")"},
        texts_of(compiled(model), Hook::screen, "screen.wan-source"));
}

TEST(screen, gives_private_sources_on_the_wan_no_favour_and_no_blame) {
    const auto rules = compiled(model);
    const IpAddress foreign_private = IpAddress::parse("192.168.7.7").value();
    for (const Rule* rule : rules_of(rules, Hook::screen, "screen.wan-source")) {
        for (const IpPrefix& prefix : std::get<AddressIn>(rule->matches.at(1)).prefixes) {
            CHECK(!prefix.contains(foreign_private));
        }
    }
}

TEST(screen, holds_an_inside_zone_to_its_own_networks_without_the_routers_addresses) {
    const auto rules = compiled(model);
    check_texts(
        {R"(iifname "br-clinic" ip saddr 10.0.1.1 goto drop.zone.clinic.source comment "zone.clinic.source")",
         R"(iifname "br-clinic" ip6 saddr 2001:db8:1::1 goto drop.zone.clinic.source comment "zone.clinic.source")",
         R"(iifname "br-clinic" ip saddr != 10.0.1.0/24 goto drop.zone.clinic.source comment "zone.clinic.source")",
         R"(iifname "br-clinic" ip6 saddr != { ::, 2001:db8:1::/64, fe80::/10 } goto drop.zone.clinic.source )"
         R"(comment "zone.clinic.source")"},
        texts_of(rules, Hook::screen, "zone.clinic.source"));
    check_texts(
        {R"(iifname "br-clinic" ip saddr 0.0.0.0 meta l4proto udp th sport 68 th dport 67 counter name "zone.clinic.dhcp" accept )"
         R"(comment "zone.clinic.dhcp")"},
        texts_of(rules, Hook::screen, "zone.clinic.dhcp"));
    CHECK(position_of(rules, Hook::screen, "zone.clinic.dhcp") <
          position_of(rules, Hook::screen, "zone.clinic.source"));
}

TEST(screen, lets_no_ipv4_out_of_a_zone_that_has_none) {
    model.interfaces[2].addresses = {InterfaceAddress::parse("2001:db8:2::1/64").value()};
    STRCMP_EQUAL(R"(iifname "lan3" meta nfproto ipv4 goto drop.zone.guest.source comment "zone.guest.source")",
                 texts_of(compiled(model), Hook::screen, "zone.guest.source").at(1).c_str());
}

TEST(screen, refuses_inside_addresses_to_the_wan_unless_translated) {
    // the router's own addresses on inside networks are no way round
    for (const Hook hook : {Hook::forward, Hook::input}) {
        check_texts({R"(iifname "wan0" ip daddr { 10.0.1.0/24, 10.0.2.0/24 } ct status & dnat == 0 ct state new )"
                     R"(goto drop.screen.wan-to-inside comment "screen.wan-to-inside")"},
                    texts_of(compiled(model), hook, "screen.wan-to-inside"));
    }
}

TEST(screen, lets_nothing_for_an_inside_network_out_on_the_wan) {
    // whatever else would let it pass: a policy, a service, a flow that lives, the router's own output
    model.policies = {policy("out", "clinic", "wan")};
    model.services = {forwarded("web", 443, "10.0.1.20"), forwarded_v6("web-v6", 443, "2001:db8:1::20")};
    const auto rules = compiled(model);
    for (const Hook hook : {Hook::forward, Hook::output}) {
        check_texts({R"(oifname "wan0" ip daddr { 10.0.1.0/24, 10.0.2.0/24 } goto drop.screen.inside-to-wan )"
                     R"(comment "screen.inside-to-wan")",
                     R"(oifname "wan0" ip6 daddr 2001:db8:1::/64 goto drop.screen.inside-to-wan )"
                     R"(comment "screen.inside-to-wan")"},
                    texts_of(rules, hook, "screen.inside-to-wan"));
        for (const Rule* rule : rules_of(rules, hook, "screen.inside-to-wan")) {
            CHECK(rule->reason == Reason::zone);
            LONGS_EQUAL(0, rule->place.line);
        }
        for (const Rule& rule : rules.rules) {
            if (rule.hook == hook && std::holds_alternative<Accept>(rule.verdict) && rule.id != "router.loopback") {
                CHECK(position_of(rules, hook, "screen.inside-to-wan") < position_of(rules, hook, rule.id));
            }
        }
    }
}

TEST(screen, without_a_wan_there_is_no_way_out_to_close) {
    model.zones[0].interfaces.clear();
    LONGS_EQUAL(0, rules_of(compiled(model), Hook::forward, "screen.inside-to-wan").size());
    LONGS_EQUAL(0, rules_of(compiled(model), Hook::output, "screen.inside-to-wan").size());
}

TEST_GROUP(input) {
    model::Model model = base_model();
};

TEST(input, takes_dhcp_replies_only_for_a_client_that_runs) {
    LONGS_EQUAL(0, rules_of(compiled(model), Hook::input, "zone.wan.dhcp").size());
    model.interfaces[0].dhcp = true;
    const auto texts = texts_of(compiled(model), Hook::input, "zone.wan.dhcp");
    LONGS_EQUAL(1, texts.size());
    STRCMP_CONTAINS(R"(iifname "wan0" meta nfproto ipv4 meta l4proto udp th sport 67 th dport 68 counter)",
                    texts[0].c_str());
}

TEST(input, takes_neighbour_discovery_from_the_link_alone) {
    const auto rules = compiled(model);
    check_texts({R"(iifname "wan0" icmpv6 type { 135, 136 } ip6 hoplimit 255 counter name "zone.wan.neighbour" accept )"
                 R"(comment "zone.wan.neighbour")"},
                texts_of(rules, Hook::input, "zone.wan.neighbour")); // no router advertisements
    STRCMP_CONTAINS("icmpv6 type { 133, 135, 136 } ip6 hoplimit 255",
                    texts_of(rules, Hook::input, "zone.clinic.neighbour").at(0).c_str());
    LONGS_EQUAL(0, rules_of(rules, Hook::input, "zone.wan.echo").size());
}

TEST(input, an_inside_zone_reaches_the_router_at_that_zones_address_alone) {
    model.policies = {policy("admin", "clinic", "router")};
    const auto rules = compiled(model);
    check_texts(
        {R"(iifname "br-clinic" fib daddr type local fib daddr . iif type != local goto reject.zone.clinic.other-address )"
         R"(comment "zone.clinic.other-address")"},
        texts_of(rules, Hook::input, "zone.clinic.other-address"));
    CHECK(position_of(rules, Hook::input, "zone.clinic.other-address") <
          position_of(rules, Hook::input, "zone.clinic.echo"));
    CHECK(position_of(rules, Hook::input, "zone.clinic.other-address") <
          position_of(rules, Hook::input, "policy.admin.allow"));
}

TEST(input, echo_is_answered_inside_at_unicast_addresses) {
    const auto echo = texts_of(compiled(model), Hook::input, "zone.guest.echo");
    LONGS_EQUAL(2, echo.size());
    STRCMP_CONTAINS(R"(iifname "lan3" fib daddr . iif type local icmp type 8 counter)", echo[0].c_str());
    STRCMP_CONTAINS(R"(iifname "lan3" fib daddr . iif type local icmpv6 type 128 counter)", echo[1].c_str());
}

TEST_GROUP(defaults) {
    model::Model model = base_model();
};

TEST(defaults, are_silent_to_the_wan_and_audible_inside) {
    const auto rules = compiled(model);
    for (const Hook hook : {Hook::input, Hook::forward}) {
        const Rule* wan = rules_of(rules, hook, "zone.wan.deny").at(0);
        CHECK(std::holds_alternative<Drop>(wan->verdict));
        CHECK(wan->reason == Reason::no_service);
        const Rule* inside = rules_of(rules, hook, "zone.clinic.deny").at(0);
        CHECK(std::holds_alternative<Reject>(inside->verdict));
        CHECK(inside->reason == Reason::zone);
        LONGS_EQUAL(3, inside->place.line);
    }
}

TEST(defaults, every_judging_hook_ends_in_a_rule_that_takes_all) {
    const auto rules = compiled(model);
    for (const Hook hook : {Hook::input, Hook::forward, Hook::output}) {
        const Rule* last = nullptr;
        for (const Rule& rule : rules.rules) {
            last = rule.hook == hook ? &rule : last;
        }
        CHECK(last != nullptr && last->matches.empty());
        CHECK(hook == Hook::output ? std::holds_alternative<Accept>(last->verdict)
                                   : std::holds_alternative<Drop>(last->verdict));
    }
    STRCMP_EQUAL("zone.none.deny", rules_of(rules, Hook::forward, "zone.none.deny").at(0)->id.c_str());
}

TEST(defaults, a_zone_without_interfaces_opens_nothing) {
    model.zones[1].interfaces.clear();
    model.zones[1].masquerade = true;
    model.policies = {policy("out", "clinic", "wan"), policy("in", "guest", "clinic")};
    for (const Rule& rule : compiled(model).rules) {
        CHECK(!contains(rule.id, "clinic"));
        CHECK(!rule.id.starts_with("policy."));
    }
}

TEST(defaults, state_decides_before_zones) {
    const auto rules = compiled(model);
    LONGS_EQUAL(0, position_of(rules, Hook::forward, "flow.invalid"));
    // behind what not even a flow that lives may do: leave on the WAN for an inside network
    LONGS_EQUAL(3, position_of(rules, Hook::forward, "flow.established"));
    CHECK(rules_of(rules, Hook::forward, "flow.invalid").at(0)->reason == Reason::invalid);
}

TEST(defaults, closed_lets_nothing_through_but_loopback) {
    const auto closed = closed_ruleset();
    LONGS_EQUAL(0, closed.sets.size());
    for (const Rule& rule : closed.rules) {
        if (std::holds_alternative<Accept>(rule.verdict)) {
            LONGS_EQUAL(1, rule.matches.size());
            CHECK(std::holds_alternative<IngressLoopback>(rule.matches[0]) ||
                  std::holds_alternative<EgressLoopback>(rule.matches[0]));
        } else {
            CHECK(std::holds_alternative<Drop>(rule.verdict));
        }
        CHECK(rule.log == LogKind::none);
    }
}

TEST_GROUP(masquerade) {
    model::Model model = base_model();
};

TEST(masquerade, hides_a_zones_own_ipv4_behind_the_wan_where_asked) {
    LONGS_EQUAL(0, rules_of(compiled(model), Hook::masquerade, "nat.masquerade.clinic").size());
    model.zones[1].masquerade = true;
    check_texts(
        {R"(oifname "wan0" ip saddr 10.0.1.0/24 counter name "nat.masquerade.clinic" masquerade comment "nat.masquerade.clinic")"},
        texts_of(compiled(model), Hook::masquerade, "nat.masquerade.clinic"));
}

TEST_GROUP(recording) {
    model::Model model = base_model();
};

TEST(recording, records_each_new_connection_once) {
    const auto rules = compiled(model);
    check_texts(
        {R"(ct state new ct mark & 0x80000000 == 0 counter name "record.forward" ct mark set ct mark | 0x80000000 )"
         R"(log group 2 snaplen 160 comment "record.forward")"},
        texts_of(rules, Hook::record_forward, "record.forward"));
    LONGS_EQUAL(1, rules_of(rules, Hook::record_input, "record.input").size());
}

TEST(recording, neighbour_discovery_of_the_router_is_no_connection) {
    const auto rules = compiled(model);
    CHECK(position_of(rules, Hook::output, "router.neighbour") < position_of(rules, Hook::output, "router.output"));
    LONGS_EQUAL(0, rules_of(rules, Hook::output, "router.neighbour").at(0)->mark);
    LONGS_EQUAL(kRouterZoneNumber, zone_of_mark(rules_of(rules, Hook::output, "router.output").at(0)->mark));
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/ruleset/mark.hpp"
#include "tests/unit/ruleset/fixture.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::ruleset;
using namespace sekisho::test;

TEST_GROUP(services) {
    model::Model model = base_model();
};

TEST(services, a_forwarded_one_translates_what_is_addressed_to_the_wan_address_alone) {
    model.services = {forwarded("web", 443, "10.0.1.20")};
    model.services[0].forward_port = 8443;
    check_texts({R"(iifname "wan0" meta nfproto ipv4 fib daddr . iif type local meta l4proto tcp th dport 443 )"
                 R"(counter name "service.web.translate" dnat ip to 10.0.1.20:8443 comment "service.web.translate")"},
                texts_of(compiled(model), Hook::translate, "service.web.translate"));
}

TEST(services, a_forwarded_one_is_judged_by_what_the_sender_addressed) {
    model.services = {forwarded("web", 443, "10.0.1.20")};
    model.services[0].forward_port = 8443;
    const auto rules = compiled(model);
    const std::string addressed =
        R"(iifname "wan0" ct status dnat meta l4proto tcp ct original proto-dst 443 ip daddr 10.0.1.20 th dport 8443 )";
    const auto allow = texts_of(rules, Hook::forward, "service.web.allow");
    LONGS_EQUAL(1, allow.size());
    STRCMP_CONTAINS((addressed + "ip saddr @" + set_name(rules, "al_vendor_4_") + " counter").c_str(),
                    allow[0].c_str());
    check_texts({addressed + R"(goto drop.service.web.deny comment "service.web.deny")"},
                texts_of(rules, Hook::forward, "service.web.deny"));
}

TEST(services, two_to_one_inside_port_keep_their_sources) {
    model.services = {forwarded("first", 443, "10.0.1.20"), forwarded("second", 444, "10.0.1.20")};
    model.services[0].forward_port = 8443;
    model.services[1].forward_port = 8443;
    model.services[1].source_lists = {"four"};
    const auto rules = compiled(model);
    const auto first = texts_of(rules, Hook::forward, "service.first.allow").at(0);
    const auto second = texts_of(rules, Hook::forward, "service.second.allow").at(0);
    STRCMP_CONTAINS("ct original proto-dst 443 ", first.c_str());
    STRCMP_CONTAINS("@al_vendor_4_", first.c_str());
    STRCMP_CONTAINS("ct original proto-dst 444 ", second.c_str());
    STRCMP_CONTAINS("@al_four_4_", second.c_str());
    CHECK(position_of(rules, Hook::forward, "service.first.deny") <
          position_of(rules, Hook::forward, "service.second.allow"));
}

TEST(services, one_in_ipv6_permits_the_hosts_own_address_without_translation) {
    model.services = {forwarded_v6("six", 443, "2001:db8:1::20")};
    const auto rules = compiled(model);
    LONGS_EQUAL(0, texts_of(rules, Hook::translate, "service.six.translate").size());
    const auto allow = texts_of(rules, Hook::forward, "service.six.allow");
    LONGS_EQUAL(1, allow.size());
    STRCMP_CONTAINS(R"(iifname "wan0" ip6 daddr 2001:db8:1::20 meta l4proto tcp th dport 443 ip6 saddr @al_vendor_6_)",
                    allow[0].c_str());
    check_texts({R"(iifname "wan0" ip6 daddr 2001:db8:1::20 meta l4proto tcp th dport 443 goto drop.service.six.deny )"
                 R"(comment "service.six.deny")"},
                texts_of(rules, Hook::forward, "service.six.deny"));
}

TEST(services, a_list_of_one_family_closes_the_other) {
    model.services = {forwarded_v6("six", 443, "2001:db8:1::20"), local("vpn", 1194)};
    model.services[0].source_lists = {"four"};
    model.services[1].source_lists = {"four"};
    const auto rules = compiled(model);
    LONGS_EQUAL(0, rules_of(rules, Hook::forward, "service.six.allow").size());
    LONGS_EQUAL(1, rules_of(rules, Hook::forward, "service.six.deny").size());
    const auto allow = texts_of(rules, Hook::input, "service.vpn.allow");
    LONGS_EQUAL(1, allow.size());
    STRCMP_CONTAINS("ip saddr @al_four_4_", allow[0].c_str());
    check_texts(
        {R"(iifname "wan0" fib daddr . iif type local meta l4proto tcp th dport 1194 goto drop.service.vpn.deny )"
         R"(comment "service.vpn.deny")"},
        texts_of(rules, Hook::input, "service.vpn.deny")); // both families
}

TEST(services, an_empty_list_closes_both_families) {
    model.services = {forwarded("web", 443, "10.0.1.20"), local("vpn", 1194)};
    model.services[0].source_lists = {"empty"};
    model.services[1].source_lists = {"empty"};
    const auto rules = compiled(model);
    LONGS_EQUAL(0, rules_of(rules, Hook::forward, "service.web.allow").size());
    LONGS_EQUAL(0, rules_of(rules, Hook::input, "service.vpn.allow").size());
    LONGS_EQUAL(1, rules_of(rules, Hook::forward, "service.web.deny").size());
    LONGS_EQUAL(1, rules_of(rules, Hook::input, "service.vpn.deny").size());
    LONGS_EQUAL(0, rules.sets.size());
}

TEST(services, a_denied_source_is_dropped_with_its_reason_and_place) {
    model.services = {forwarded("web", 443, "10.0.1.20")};
    const auto rules = compiled(model);
    const Rule* deny = rules_of(rules, Hook::forward, "service.web.deny").at(0);
    CHECK(deny->reason == Reason::not_allowed);
    CHECK(deny->log == LogKind::limited);
    CHECK(std::holds_alternative<Drop>(deny->verdict));
    LONGS_EQUAL(20, deny->place.line);
}

TEST(services, hairpin_needs_an_inside_zone_in_from) {
    model.services = {forwarded("web", 443, "10.0.1.20")};
    const auto rules = compiled(model);
    for (const Rule& rule : rules.rules) {
        if (rule.hook == Hook::translate) {
            LONGS_EQUAL(kWanZoneNumber, std::get<IngressZone>(rule.matches.at(0)).zone);
        }
    }
    LONGS_EQUAL(0, rules_of(rules, Hook::masquerade, "service.web.hairpin").size());
}

TEST(services, hairpin_goes_by_the_wan_address_and_admits_the_zone_as_such) {
    model.services = {forwarded("web", 443, "10.0.1.20")};
    model.services[0].from = {"wan", "clinic", "guest"};
    const auto rules = compiled(model);
    const auto translate = texts_of(rules, Hook::translate, "service.web.translate");
    LONGS_EQUAL(3, translate.size());
    STRCMP_CONTAINS(
        R"(iifname "br-clinic" meta nfproto ipv4 ip daddr != { 10.0.1.1, 10.0.2.1, 127.0.0.0/8 } fib daddr type local )"
        R"(fib daddr . iif type != local meta l4proto tcp th dport 443)",
        translate[1].c_str());
    const auto allow = texts_of(rules, Hook::forward, "service.web.allow");
    LONGS_EQUAL(3, allow.size());
    STRCMP_CONTAINS(
        R"(iifname "br-clinic" ct status dnat meta l4proto tcp ct original proto-dst 443 ip daddr 10.0.1.20 th dport 443 counter)",
        allow[1].c_str());
    STRCMP_CONTAINS(R"(iifname "lan3")", allow[2].c_str());
    // only where client and host share a network must the host see the router's address
    check_texts(
        {R"(oifname "br-clinic" ip saddr 10.0.1.0/24 ct status dnat meta l4proto tcp ct original proto-dst 443 ip daddr 10.0.1.20 )"
         R"(th dport 443 counter name "service.web.hairpin" masquerade comment "service.web.hairpin")"},
        texts_of(rules, Hook::masquerade, "service.web.hairpin"));
}

TEST(services, one_without_ports_matches_its_protocol) {
    model.services = {local("tunnel", 0)};
    model.services[0].ports = {};
    model.services[0].protocol = model::Protocol::gre;
    check_texts(
        {R"(iifname "wan0" fib daddr . iif type local meta l4proto gre goto drop.service.tunnel.deny comment "service.tunnel.deny")"},
        texts_of(compiled(model), Hook::input, "service.tunnel.deny"));
}

TEST(services, blocked_sources_come_before_any_service) {
    model.address_lists.push_back(list("bad", {"192.0.2.64/26", "2001:db8:bad::/48"}));
    model.block = {{9, 1}, {"bad"}};
    model.services = {forwarded("web", 443, "10.0.1.20"), local("vpn", 1194)};
    const auto rules = compiled(model);
    for (const Hook hook : {Hook::input, Hook::forward}) {
        const auto block = rules_of(rules, hook, "block.bad");
        LONGS_EQUAL(2, block.size());
        CHECK(block[0]->reason == Reason::blocked_list);
        CHECK(std::holds_alternative<Drop>(block[0]->verdict));
        CHECK(position_of(rules, hook, "flow.established") < position_of(rules, hook, "block.bad"));
    }
    CHECK(position_of(rules, Hook::forward, "block.bad") < position_of(rules, Hook::forward, "service.web.allow"));
    CHECK(position_of(rules, Hook::input, "block.bad") < position_of(rules, Hook::input, "service.vpn.allow"));
}

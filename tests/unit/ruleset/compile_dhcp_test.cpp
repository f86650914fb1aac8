// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/ruleset/fixture.hpp"

#include <algorithm>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::test;
using ruleset::Hook;

namespace {

model::Model served() {
    model::Model model = base_model();
    model::Interface& bridge = *std::ranges::find(model.interfaces, "br-clinic", &model::Interface::name);
    bridge.dhcp_server =
        model::DhcpServer{.place = {3, 5}, .ranges = {IpRange::parse("10.0.1.100-10.0.1.199").value()}};
    bridge.dns_forwarder = true;
    return model;
}

} // namespace

TEST_GROUP(compile_dhcp){};

TEST(compile_dhcp, clients_reach_the_server_on_their_own_network) {
    const auto rules = compiled(served());
    const auto texts = texts_of(rules, Hook::input, "zone.clinic.dhcp-server");
    LONGS_EQUAL(1, texts.size());
    CHECK(contains(
        texts[0],
        "iifname \"br-clinic\" ip daddr { 10.0.1.1, 255.255.255.255 } meta l4proto udp th sport 68 th dport 67 "));
    CHECK(texts_of(rules, Hook::input, "zone.guest.dhcp-server").empty());
    CHECK(texts_of(compiled(base_model()), Hook::input, "zone.clinic.dhcp-server").empty());
}

TEST(compile_dhcp, questions_are_answered_on_the_networks_that_are_named) {
    const auto rules = compiled(served());
    const auto texts = texts_of(rules, Hook::input, "zone.clinic.dns");
    LONGS_EQUAL(2, texts.size());
    CHECK(contains(texts[0], "iifname \"br-clinic\" fib daddr . iif type local meta l4proto udp th dport 53 "));
    CHECK(contains(texts[1], "meta l4proto tcp th dport 53 "));
    CHECK(texts_of(rules, Hook::input, "zone.guest.dns").empty() &&
          texts_of(rules, Hook::input, "zone.wan.dns").empty());
}

TEST(compile_dhcp, neither_is_in_the_access_log_and_policies_narrow_dns) {
    model::Model model = served();
    model::Policy policy = test::policy("no-dns", "clinic", "router");
    policy.action = model::Action::deny;
    policy.source_lists = {"vendor"};
    model.policies.push_back(policy);
    const auto rules = compiled(model);
    for (const auto* rule : rules_of(rules, Hook::input, "zone.clinic.dns")) {
        CHECK(rule->log == ruleset::LogKind::none);
    }
    CHECK(position_of(rules, Hook::input, "policy.no-dns.deny") < position_of(rules, Hook::input, "zone.clinic.dns"));
    LONGS_EQUAL(1, texts_of(rules, Hook::output, "router.dhcp-server").size());
}

TEST(compile_dhcp, a_role_that_names_destinations_may_ask_for_an_address) {
    model::Model model = served();
    model.access.roles.push_back({.name = "viewer", .place = {}, .description = {}, .destination_lists = {"vendor"}});
    model::AccessPort port;
    port.name = "lan1";
    port.mode = model::AccessMode::mab;
    model.access.ports.push_back(port);
    std::ranges::find(model.interfaces, "br-clinic", &model::Interface::name)->ports = {"lan1"};
    const auto rules = compiled(model);
    const std::size_t dhcp = position_of(rules, Hook::input, "zone.clinic.dhcp-server");
    CHECK(position_of(rules, Hook::input, "port-access.unauthorised") < dhcp);
    CHECK(dhcp < position_of(rules, Hook::input, "port-access.role.viewer"));
    CHECK(position_of(rules, Hook::input, "port-access.role.viewer") <
          position_of(rules, Hook::input, "zone.clinic.dns"));
}

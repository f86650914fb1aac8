// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/schema.hpp"
#include "policy/config/value.hpp"
#include "policy/model/sensitive_ports.hpp"
#include "tests/unit/model/fixture.hpp"

using namespace sekisho;
using namespace sekisho::model;
using namespace sekisho::test;

TEST_GROUP(model_settings){};

TEST(model_settings, defaults_come_from_the_schema) {
    const Model model = accepted("");
    CHECK_SAME("sekisho", model.system.host_name);
    CHECK_SAME("UTC", model.system.time_zone);
    const LogSettings defaults;
    CHECK_EQUAL(defaults.file_size, model.log.file_size);
    CHECK_EQUAL(defaults.files, model.log.files);
    CHECK_EQUAL(defaults.per_minute, model.log.per_minute);
    CHECK_EQUAL(defaults.burst, model.log.burst);
    CHECK_EQUAL(defaults.ipv4_prefix, model.log.ipv4_prefix);
    CHECK_EQUAL(defaults.ipv6_prefix, model.log.ipv6_prefix);
}

TEST(model_settings, values_of_the_configuration) {
    const Model model =
        accepted("system { host-name r1; time-zone Asia/Tokyo; name-server 198.51.100.53; name-server 2001:db8::53; }\n"
                 "time { server ntp.nict.jp; server 198.51.100.123; }\n"
                 "log { file-size 1M; files 3; per-minute 5; burst 7; ipv4-prefix 32; ipv6-prefix 64; }\nnat { "
                 "masquerade clinic; }");
    CHECK_SAME("r1", model.system.host_name);
    CHECK_EQUAL(540, model.system.utc_offset_minutes);
    CHECK_EQUAL(2u, model.system.name_servers.size());
    CHECK_SAME("198.51.100.123", model.time_servers[1].server);
    CHECK(model.time_servers[1].place == (Place{3, 28}));
    CHECK_EQUAL(1u << 20, model.log.file_size);
    CHECK_EQUAL(3u, model.log.files);
    CHECK_EQUAL(5u, model.log.per_minute);
    CHECK_EQUAL(7u, model.log.burst);
    CHECK_EQUAL(32u, model.log.ipv4_prefix);
    CHECK_EQUAL(64u, model.log.ipv6_prefix);
    CHECK(model.find_zone("clinic")->masquerade);
    CHECK_FALSE(model.find_zone("guest")->masquerade);
}

TEST(model_settings, servers_that_no_host_can_be) {
    CHECK_HOLDS("c:2:22: error: system: name-server 224.0.0.1 is a multicast address",
                refused("system { name-server 224.0.0.1; }"));
    CHECK_HOLDS("time: server 127.0.0.1 is a loopback address", refused("time { server 127.0.0.1; }"));
}

TEST(model_settings, time_server_name_without_name_server_is_warned_of) {
    CHECK_HOLDS("warning: time: server ntp.nict.jp can't be found", warned("time { server ntp.nict.jp; }"));
}

TEST_GROUP(model_protocols){};

TEST(model_protocols, every_choice_of_the_schema_has_a_number) {
    for (const char* path : {"service * protocol", "policy * protocol"}) {
        for (const std::string_view choice : config::choices_of(*config::find_parameter(path))) {
            CHECK(find_protocol(choice).has_value());
            CHECK_SAME(choice, name_of(*find_protocol(choice)));
        }
    }
    CHECK_FALSE(find_protocol("tpc").has_value());
}

TEST_GROUP(model_lookups){};

TEST(model_lookups, names_networks_and_own_addresses) {
    const Model model = accepted("");
    CHECK(model.find_interface("br-clinic")->is_bridge);
    CHECK_EQUAL(2u, model.find_interface("br-clinic")->ports.size());
    CHECK(model.find_zone("wan")->is_wan());
    CHECK(model.find_zone("router") == nullptr);
    CHECK(model.find_interface("lan1") == nullptr);
    CHECK(model.find_address_list("nobody") == nullptr);
    const auto networks = model.networks_of(*model.find_zone("clinic"));
    CHECK_EQUAL(2u, networks.size());
    CHECK_SAME("10.0.1.0/24", networks[0].text());
    CHECK_SAME("fd00:1::/64", networks[1].text());
    CHECK_EQUAL(2u, model.own_addresses_of(*model.find_zone("wan")).size());
    CHECK_EQUAL(3u, model.inside_networks().size());
}

TEST_GROUP(model_lists){};

TEST(model_lists, expiry_is_the_end_of_the_day_in_the_time_zone_and_the_earlier_one) {
    const Model model = accepted("system { time-zone Asia/Tokyo; } address-list a { address 192.0.2.1 { expires "
                                 "2027-03-31; } address 192.0.2.2; expires 2027-06-30; }");
    const AddressList& list = *model.find_address_list("a");
    CHECK_SAME("2027-03-31T15:00:00.000000Z", rfc3339_utc(*list.entries[0].expires));
    CHECK_SAME("2027-06-30T15:00:00.000000Z", rfc3339_utc(*list.entries[1].expires));
    CHECK_FALSE(model.find_address_list("vendor")->entries[0].expires.has_value());
}

TEST(model_lists, expired_entries_stay_in_the_model_and_are_warned_of) {
    const Checked checked = check("address-list a { address 192.0.2.1 { expires 2026-11-22; } address 192.0.2.2; }");
    CHECK_EQUAL(2u, checked.model->find_address_list("a")->entries.size());
    CHECK_SAME("c:2:18: warning: address-list a: entry 192.0.2.1 has expired\n    hint: it no longer counts; set a "
               "later date or take it away\n1 warning\n",
               checked.report);
}

TEST(model_lists, last_day_still_holds) {
    // 2026-11-23 in Tokyo ends at 15:00 UTC
    const std::string text = text::concat(
        kNetwork, "system { time-zone Asia/Tokyo; } address-list a { address 192.0.2.1; expires 2026-11-23; }");
    CHECK_SAME("", check_whole(text, {parse_rfc3339("2026-11-23T14:59:59Z").value(), true}).report);
    CHECK_HOLDS("every entry has expired, the list's last day was 2026-11-23",
                check_whole(text, {parse_rfc3339("2026-11-23T15:00:00Z").value(), true}).report);
}

TEST(model_lists, a_list_that_has_expired_whole_is_refused_by_an_apply_and_starts_again_at_a_boot) {
    const std::string text =
        text::concat(kNetwork, "address-list a { address 192.0.2.1; expires 2020-01-01; }\nservice s { protocol udp; "
                               "port 500; forward-to 10.0.1.2; source { address-list a; } }");
    const Checked checked = check_whole(text);
    CHECK_FALSE(checked.model.has_value());
    CHECK_HOLDS("is closed, it does not open", checked.report);
    CHECK(check_whole(text, {Time{}, false}).model.has_value());

    Diagnostics diagnostics;
    const auto tree = config::parse(text, diagnostics);
    CHECK(build_model(*tree, {parse_rfc3339("2026-11-23T00:00:00Z").value(), true}, diagnostics, Purpose::start)
              .has_value());
    LONGS_EQUAL(0, diagnostics.error_count());
    LONGS_EQUAL(1, diagnostics.warning_count());
}

TEST(model_lists, overlaps_are_warned_of_at_the_later_place) {
    CHECK_HOLDS("c:2:38: warning: address-list a: entry 192.0.2.0/24 overlaps 192.0.2.77 on line 2",
                warned("address-list a { address 192.0.2.77; address 192.0.2.0/24; }"));
    CHECK_HOLDS("entry 192.0.2.1 repeats 192.0.2.1 on line 2",
                warned("address-list a { address 192.0.2.1; address 192.0.2.1; }"));
    CHECK_HOLDS("an address counts until the later of their days",
                warned("address-list a { address 192.0.2.1; address 192.0.2.1 { expires 2027-01-01; } }"));
    accepted("address-list a { address 192.0.2.0-192.0.2.9; address 192.0.2.10; address ::1; }");
}

TEST(model_lists, entry_beyond_its_list_is_warned_of) {
    CHECK_HOLDS("warning: address-list a: the list expires earlier, on 2027-01-01",
                warned("address-list a { address 192.0.2.1 { expires 2027-02-01; } expires 2027-01-01; }"));
}

TEST_GROUP(model_policies){};

TEST(model_policies, as_configured_and_in_order) {
    const Model model =
        accepted("policy b { from clinic; to guest; protocol tcp; port 80; port 443-445; source { address-list vendor; "
                 "} destination { address-list vendor; } action deny; log none; }\n"
                 "policy a { from guest; to router; action allow; }");
    const Policy& first = model.policies[0];
    CHECK_SAME("b", first.name);
    CHECK(first.protocol == Protocol::tcp);
    CHECK(first.ports[1] == (PortRange{443, 445}));
    CHECK(first.action == Action::deny);
    CHECK(first.log == LogAccepted::no);
    CHECK_EQUAL(1u, first.source_lists.size());
    CHECK_EQUAL(1u, first.destination_lists.size());
    CHECK(model.policies[1].protocol == Protocol::any);
    CHECK(model.policies[1].log == LogAccepted::yes);
    CHECK_SAME("router", model.policies[1].to);
    CHECK(model.policies[1].place == (Place{3, 1}));
}

TEST(model_policies, zones_that_a_policy_can_not_have) {
    CHECK_HOLDS("c:2:17: error: policy p: a policy can't let in from the WAN",
                refused("policy p { from wan; to clinic; action allow; }"));
    CHECK_HOLDS("policy p: a policy can't be from the router",
                refused("policy p { from router; to wan; action allow; }"));
    CHECK_HOLDS("policy p: from and to are both clinic", refused("policy p { from clinic; to clinic; action allow; }"));
    CHECK_HOLDS("policy p: to: there is no zone 'gest'\n    hint: did you mean 'guest'?",
                refused("policy p { from clinic; to gest; action allow; }"));
}

TEST(model_policies, ports_need_a_protocol_that_has_them) {
    CHECK_HOLDS("policy p: protocol any has no ports\n    hint: name the protocol: tcp, udp or sctp",
                refused("policy p { from clinic; to wan; port 80; action allow; }"));
    CHECK_HOLDS("protocol esp has no ports",
                refused("policy p { from clinic; to wan; protocol esp; port 80; action allow; }"));
    CHECK_HOLDS("port 443 overlaps another port statement here",
                refused("policy p { from clinic; to wan; protocol tcp; port 400-500; port 443; action allow; }"));
}

TEST(model_policies, unknown_list) {
    CHECK_HOLDS("policy p destination: there is no address-list 'vender'\n    hint: did you mean 'vendor'?",
                refused("policy p { from clinic; to wan; destination { address-list vender; } action allow; }"));
    CHECK_HOLDS("error: block: there is no address-list 'zzzzzz'\n    hint: there is: vendor",
                refused("block { address-list zzzzzz; }"));
}

TEST(model_policies, blocking_by_a_list_that_expires_is_warned_of) {
    constexpr std::string_view kList = "address-list x { address 192.0.2.1 { expires 2027-01-01; } }\n";
    CHECK_HOLDS("c:3:1: warning: block: address-list x has entries that expire (line 2)",
                warned(text::concat(kList, "block { address-list x; }")));
    CHECK_HOLDS(
        "c:3:1: warning: policy p: address-list x has entries that expire",
        warned(text::concat(kList, "policy p { from clinic; to wan; destination { address-list x; } action deny; }")));
    CHECK_SAME("", warned(text::concat(
                       kList, "policy p { from clinic; to wan; destination { address-list x; } action allow; }")));
}

TEST_GROUP(model_names){};

TEST(model_names, rules_of_one_name) {
    CHECK_HOLDS("c:3:1: error: policy web: the name is already that of service web on line 2",
                refused("service web { protocol tcp; port 8443; forward-to 10.0.1.2; forward-to fd00:1::2; source { "
                        "address-list vendor; } }\npolicy web { from clinic; to wan; action allow; }"));
    CHECK_HOLDS(
        "the name differs only in upper and lower case from policy web on line 2",
        refused(
            "policy web { from clinic; to wan; action allow; }\npolicy Web { from clinic; to wan; action allow; }"));
    CHECK_HOLDS("address-list Vendor: the name differs only in upper and lower case",
                refused("address-list Vendor { address 192.0.2.1; }"));
}

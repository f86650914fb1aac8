// SPDX-License-Identifier: GPL-2.0-or-later
// The way of a packet: what the stack turns away, where it goes, translation there and back.
#include "policy/ruleset/mark.hpp"
#include "tests/unit/judge/fixture.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using judge::Verdict;
using test::Bytes;
using test::Router;

namespace {

constexpr const char* kOutside = "203.0.113.5";
constexpr const char* kWanAddress = "198.51.100.2";
constexpr const char* kServer = "10.0.1.20";
constexpr const char* kDesk = "10.0.1.50";

} // namespace

TEST_GROUP(judge) {
    Router router{test::clinic_rules()};

    void is_wan(const char* expected, const Bytes& packet) {
        STRCMP_EQUAL(expected, Router::told(router.wan(packet)).c_str());
    }

    void is_clinic(const char* expected, const Bytes& packet) {
        STRCMP_EQUAL(expected, Router::told(router.clinic(packet)).c_str());
    }
};

TEST(judge, a_forwarded_service_is_translated_there_and_back) {
    const auto asked = router.wan(test::tcp(kOutside, kWanAddress, {.destination = 8443}));
    STRCMP_EQUAL("web.allow", Router::told(asked).c_str());
    STRCMP_EQUAL(kServer, asked.tuple.destination.text().c_str());
    LONGS_EQUAL(443, asked.tuple.destination_port);
    LONGS_EQUAL(1, asked.egress);
    const auto answered = router.clinic(test::tcp(
        kServer, kOutside, {.source = 443, .destination = 40'000, .flags = 0x12, .sequence = 500, .acked = 1001}));
    STRCMP_EQUAL("established", Router::told(answered).c_str());
    STRCMP_EQUAL(kWanAddress, answered.tuple.source.text().c_str());
    LONGS_EQUAL(8443, answered.tuple.source_port);
}

TEST(judge, the_inside_leaves_by_the_wan_address_and_gets_its_answers) {
    const auto asked = router.clinic(test::udp(kDesk, kOutside, 5000, 53));
    STRCMP_EQUAL("out", Router::told(asked).c_str());
    STRCMP_EQUAL(kWanAddress, asked.tuple.source.text().c_str());
    LONGS_EQUAL(5000, asked.tuple.source_port);
    const auto answered = router.wan(test::udp(kOutside, kWanAddress, 53, 5000));
    STRCMP_EQUAL("established", Router::told(answered).c_str());
    STRCMP_EQUAL(kDesk, answered.tuple.destination.text().c_str());
    is_wan("input.deny", test::udp("203.0.113.6", kWanAddress, 53, 5000));
}

TEST(judge, two_that_would_share_an_answer_leave_by_different_ports) {
    router.clinic(test::udp(kDesk, kOutside, 5000, 53));
    const auto second = router.clinic(test::udp("10.0.1.51", kOutside, 5000, 53));
    STRCMP_EQUAL("out", Router::told(second).c_str());
    CHECK(second.tuple.source_port != 5000);
    CHECK(second.flow->port_chosen);
}

TEST(judge, two_without_ports_clash_and_the_second_is_lost) {
    router.clinic(test::packet(kDesk, kOutside, 50, Bytes(20)));
    const auto second = router.clinic(test::packet("10.0.1.51", kOutside, 50, Bytes(20)));
    LONGS_EQUAL(static_cast<int>(judge::StackCause::clash), static_cast<int>(second.cause));
    STRCMP_EQUAL("out", second.rule->id.c_str()); // a rule had let it through
}

TEST(judge, a_connection_that_is_denied_leaves_nothing_behind) {
    is_wan("deny", test::tcp(kOutside, kServer, {}));
    LONGS_EQUAL(0, router.flows.size());
}

TEST(judge, an_accepted_connection_bears_the_mark_and_is_recorded_once) {
    const auto asked = router.clinic(test::udp(kDesk, kOutside, 5000, 53));
    LONGS_EQUAL(ruleset::make_mark(test::kClinic, 6) | ruleset::kMarkRecorded, asked.flow->mark);
    const auto again = router.clinic(test::udp(kDesk, kOutside, 5000, 53));
    LONGS_EQUAL(ruleset::make_mark(test::kClinic, 6) | ruleset::kMarkRecorded, again.flow->mark);
}

TEST(judge, an_error_about_a_connection_is_related_and_goes_where_its_answers_go) {
    router.clinic(test::udp(kDesk, kOutside, 5000, 53));
    const Bytes quoted = test::udp(kWanAddress, kOutside, 5000, 53);
    const auto error = router.wan(test::icmp("203.0.113.1", kWanAddress, 3, 1, quoted));
    STRCMP_EQUAL("established", Router::told(error).c_str());
    LONGS_EQUAL(static_cast<int>(judge::State::related), static_cast<int>(error.state));
    STRCMP_EQUAL(kDesk, error.tuple.destination.text().c_str());
    is_wan("input.invalid", test::icmp("203.0.113.1", kWanAddress, 3, 1, test::udp(kWanAddress, kOutside, 5001, 53)));
    const Bytes cut(quoted.begin(), quoted.begin() + 24);
    is_wan("untranslatable", test::icmp("203.0.113.1", kWanAddress, 3, 1, cut));
}

TEST(judge, the_screen_stands_before_everything_else) {
    is_wan("screen", test::tcp("10.0.1.9", kWanAddress, {.flags = 0x10}));
}

TEST(judge, what_the_stack_turns_away) {
    Bytes wrong_sum = test::tcp(kOutside, kWanAddress, {});
    wrong_sum[10] ^= 1;
    is_wan("checksum", wrong_sum);
    is_wan("header", Bytes{0x45, 0, 0});
    Bytes too_long = test::tcp(kOutside, kWanAddress, {});
    too_long.pop_back();
    is_wan("header", too_long);
    is_wan("address", test::tcp("224.0.0.5", kWanAddress, {}));
    is_wan("address", test::tcp(kOutside, "127.0.0.1", {}));
    is_wan("address", test::tcp("::1", "2001:db8:100::2", {}));
    is_wan("group", test::udp(kOutside, "224.0.0.9", 520, 520));
    is_wan("martian", test::tcp(kWanAddress, kWanAddress, {}));
    is_clinic("martian", test::tcp(kOutside, kWanAddress, {}));
    is_clinic("hop-limit", test::packet(kDesk, kOutside, 17, Bytes(8), 1));
    is_clinic("address", test::icmp("fe80::5", "2001:db8:aaaa::5", 128));
}

TEST(judge, frames_for_others_and_for_all) {
    router.with.is_foreign_vlan = true;
    is_wan("other-station", test::tcp(kOutside, kWanAddress, {}));
    router.with.is_foreign_vlan = false;
    router.with.addressed = packet::Addressed::other;
    is_wan("other-station", test::tcp(kOutside, kWanAddress, {}));
    router.with.addressed = packet::Addressed::broadcast;
    is_clinic("link-multicast", test::udp(kDesk, kOutside, 5000, 53));
    is_wan("input.deny", test::udp(kOutside, kWanAddress, 5000, 53));
}

TEST(judge, without_a_route_nothing_leaves) {
    router.environment.routes.clear();
    is_clinic("no-route", test::udp(kDesk, kOutside, 5000, 53));
}

TEST(judge, without_an_address_nothing_is_masqueraded) {
    router.environment.devices[0].addresses = {InterfaceAddress::parse("2001:db8:100::2/64").value()};
    is_clinic("no-address", test::udp(kDesk, kOutside, 5000, 53));
}

TEST(judge, source_routes_are_not_followed) {
    Bytes routed = test::udp(kOutside, kWanAddress, 5000, 53);
    routed.insert(routed.begin() + 20, {131, 3, 4, 0});
    routed[0] = 0x46;
    routed[3] = static_cast<std::uint8_t>(routed[3] + 4);
    routed[10] = routed[11] = 0;
    const auto sum = static_cast<std::uint16_t>(~[&routed] {
        std::uint32_t total = 0;
        for (std::size_t at = 0; at < 24; at += 2) {
            total += static_cast<std::uint32_t>(routed[at] << 8 | routed[at + 1]);
        }
        return (total & 0xffff) + (total >> 16);
    }());
    routed[10] = static_cast<std::uint8_t>(sum >> 8);
    routed[11] = static_cast<std::uint8_t>(sum);
    is_wan("options", routed);
}

TEST(judge, neighbour_discovery_has_no_connection) {
    const auto asked = router.wan(test::icmp("2001:db8:100::1", "2001:db8:100::2", 135, 0, {}, 255));
    STRCMP_EQUAL("neighbour", Router::told(asked).c_str());
    POINTERS_EQUAL(nullptr, asked.flow);
    is_wan("input.deny", test::icmp("2001:db8:100::1", "2001:db8:100::2", 135, 0, {}, 64));
}

TEST(judge, a_datagram_is_judged_when_it_is_whole) {
    const auto parts = test::pieces(test::tcp(kOutside, kWanAddress, {.destination = 8443, .payload = 40}), 24);
    LONGS_EQUAL(3, parts.size());
    is_wan("waiting", parts[2]);
    is_wan("waiting", parts[0]);
    is_wan("web.allow", parts[1]);
}

TEST(judge, what_the_router_sends_opens_connections) {
    const auto sent = router.sent("wan0", test::udp(kWanAddress, kOutside, 5000, 123));
    STRCMP_EQUAL("output", Router::told(sent).c_str());
    is_wan("input.established", test::udp(kOutside, kWanAddress, 123, 5000));
}

TEST(judge, what_is_sent_in_answer_belongs_to_the_translated_connection) {
    router.wan(test::tcp(kOutside, kWanAddress, {.destination = 8443}));
    const auto sent = router.sent(
        "wan0", test::tcp(kWanAddress, kOutside,
                          {.source = 8443, .destination = 40'000, .flags = 0x12, .sequence = 500, .acked = 1001}));
    LONGS_EQUAL(static_cast<int>(judge::State::established), static_cast<int>(sent.state));
    const auto next = router.wan(
        test::tcp(kOutside, kWanAddress, {.destination = 8443, .flags = 0x10, .sequence = 1001, .acked = 501}));
    STRCMP_EQUAL("established", Router::told(next).c_str());
    CHECK(!next.assumed);
}

TEST(judge, a_connection_whose_beginning_was_not_seen_is_assumed) {
    const auto sent = router.sent("wan0", test::tcp(kWanAddress, kOutside, {.flags = 0x10, .sequence = 9, .acked = 7}));
    CHECK(sent.assumed);
    const auto next = router.wan(test::tcp(
        kOutside, kWanAddress, {.source = 443, .destination = 40'000, .flags = 0x10, .sequence = 7, .acked = 9}));
    STRCMP_EQUAL("input.established", Router::told(next).c_str());
    CHECK(next.assumed);
}

TEST(judge, what_a_capture_cut_counts_as_sound) {
    Bytes cut = test::udp(kOutside, kWanAddress, 5000, 53, 60);
    const std::size_t whole = cut.size();
    cut.resize(40);
    is_wan("header", cut);
    router.with.wire_size = whole;
    const auto judgement = router.wan(cut);
    STRCMP_EQUAL("input.deny", Router::told(judgement).c_str());
    CHECK(judgement.assumed);
}

TEST(judge, connections_end_by_the_packets_own_clock) {
    router.clinic(test::udp(kDesk, kOutside, 5000, 53));
    router.now = test::at(1030);
    is_wan("input.deny", test::udp(kOutside, kWanAddress, 53, 5000));
}

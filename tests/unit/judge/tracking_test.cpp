// SPDX-License-Identifier: GPL-2.0-or-later
// What is a connection, for each protocol, and what is none.
#include "tests/unit/judge/fixture.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using judge::State;
using test::Bytes;
using test::Router;

namespace {

constexpr const char* kDesk = "10.0.1.50";
constexpr const char* kOutside = "203.0.113.5";
constexpr const char* kDeskV6 = "2001:db8:10::50";
constexpr const char* kOutsideV6 = "2001:db8:aaaa::5";

} // namespace

TEST_GROUP(tracking) {
    /// Lets everything through untranslated.
    Router router{{test::rule(ruleset::Hook::forward, "all", {}, ruleset::Accept{}),
                   test::rule(ruleset::Hook::input, "all", {}, ruleset::Accept{})}};

    void is(State state, const judge::Judgement& judgement) {
        STRCMP_EQUAL(std::string(name_of(state)).c_str(), std::string(name_of(judgement.state)).c_str());
    }
};

TEST(tracking, udp_is_established_by_an_answer) {
    is(State::fresh, router.clinic(test::udp(kDesk, kOutside, 5000, 53)));
    is(State::fresh, router.clinic(test::udp(kDesk, kOutside, 5000, 53)));
    is(State::established, router.wan(test::udp(kOutside, kDesk, 53, 5000)));
    is(State::established, router.clinic(test::udp(kDesk, kOutside, 5000, 53)));
    is(State::fresh, router.wan(test::udp(kOutside, kDesk, 54, 5000)));
}

TEST(tracking, udp_that_goes_on_lives_longer) {
    router.clinic(test::udp(kDesk, kOutside, 5000, 53));
    LONGS_EQUAL(1030, router.wan(test::udp(kOutside, kDesk, 53, 5000)).flow->expires.seconds());
    router.now = test::at(1003);
    LONGS_EQUAL(1123, router.clinic(test::udp(kDesk, kOutside, 5000, 53)).flow->expires.seconds());
}

TEST(tracking, udp_that_lies_about_its_length_is_invalid) {
    Bytes lying = test::udp(kDesk, kOutside, 5000, 53);
    lying[25] = 200;
    is(State::invalid, router.clinic(lying));
}

TEST(tracking, a_wrong_checksum_is_invalid_and_none_is_not) {
    Bytes wrong = test::udp(kDesk, kOutside, 5000, 53);
    wrong[26] ^= 1;
    is(State::invalid, router.clinic(wrong));
    Bytes none = test::udp(kDesk, kOutside, 5000, 53);
    none[26] = none[27] = 0;
    is(State::fresh, router.clinic(none));
    router.environment.checks_sums = false;
    is(State::fresh, router.clinic(wrong));
}

TEST(tracking, an_echo_is_answered_by_its_identifier) {
    Bytes identified = test::icmp(kDesk, kOutside, 8);
    is(State::fresh, router.clinic(identified));
    is(State::established, router.wan(test::icmp(kOutside, kDesk, 0)));
    is(State::invalid, router.wan(test::icmp(kOutside, "10.0.1.51", 0))); // nobody asked
}

TEST(tracking, echoes_of_ipv6) {
    is(State::fresh, router.clinic(test::icmp(kDeskV6, kOutsideV6, 128)));
    is(State::established, router.wan(test::icmp(kOutsideV6, kDeskV6, 129)));
    is(State::invalid, router.wan(test::icmp(kOutsideV6, "2001:db8:10::51", 129)));
}

TEST(tracking, types_of_icmp_that_no_connection_has) {
    is(State::invalid, router.clinic(test::icmp(kDesk, kOutside, 19)));
    is(State::invalid, router.clinic(test::icmp(kDesk, kOutside, 9)));
    is(State::invalid, router.clinic(test::icmp(kDesk, kOutside, 3))); // an error about nothing
    is(State::invalid, router.clinic(test::icmp(kDeskV6, kOutsideV6, 200)));
    is(State::invalid, router.clinic(test::packet(kDeskV6, kOutsideV6, 1, Bytes(8)))); // of the other family
}

TEST(tracking, what_neighbours_say_is_untracked) {
    for (const std::uint8_t type : Bytes{130, 131, 132, 133, 134, 135, 136, 143}) {
        is(State::untracked, router.clinic(test::icmp("fe80::5", "2001:db8:10::1", type, 0, {}, 255)));
    }
}

TEST(tracking, other_protocols_are_known_by_their_addresses) {
    is(State::fresh, router.clinic(test::packet(kDesk, kOutside, 50, Bytes(12, 1))));
    is(State::established, router.wan(test::packet(kOutside, kDesk, 50, Bytes(30, 2))));
    is(State::fresh, router.wan(test::packet(kOutside, kDesk, 51, Bytes(30, 2))));
}

TEST(tracking, behind_an_authentication_header_of_ipv6_is_the_transport) {
    Bytes authenticated{17, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1};
    const Bytes inner = test::udp(kDeskV6, kOutsideV6, 5000, 53);
    authenticated.insert(authenticated.end(), inner.begin() + 40, inner.end());
    const auto first = router.clinic(test::packet(kDeskV6, kOutsideV6, 51, authenticated));
    is(State::fresh, first);
    LONGS_EQUAL(17, first.flow->tuples[0].protocol);
    LONGS_EQUAL(51, first.tuple.protocol); // rules see the header
}

TEST(tracking, an_association_of_sctp_begins_with_init) {
    Bytes init(24);
    init[1] = 9;
    init[12] = 1;
    is(State::fresh, router.clinic(test::packet(kDesk, kOutside, 132, init)));
    Bytes data(24);
    data[1] = 8;
    data[12] = 0;
    is(State::invalid, router.clinic(test::packet(kDesk, kOutside, 132, data)));
}

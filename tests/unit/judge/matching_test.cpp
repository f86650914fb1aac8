// SPDX-License-Identifier: GPL-2.0-or-later
// Each kind of match, by a rule of its own in front of a denial.
#include "policy/ruleset/mark.hpp"
#include "tests/unit/judge/fixture.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::ruleset;
using test::Router;
using test::rule;

namespace {

constexpr const char* kOutside = "203.0.113.5";
constexpr const char* kOutsideV6 = "2001:db8:aaaa::5";
constexpr const char* kOwn = "198.51.100.2";
constexpr const char* kOwnV6 = "2001:db8:100::2";

/// Whether a rule of `input` with these matches decides on a packet from the WAN.
bool matches(std::vector<Match> matches, const test::Bytes& packet, std::vector<Set> sets = {}) {
    Router router({rule(Hook::input, "asked", std::move(matches), Accept{}), rule(Hook::input, "rest", {}, Drop{})},
                  std::move(sets));
    return Router::told(router.wan(packet)) == "asked";
}

const test::Bytes kSyn = test::tcp(kOutside, kOwn, {});
const test::Bytes kSynV6 = test::tcp(kOutsideV6, kOwnV6, {});

Set set_of(std::vector<address::TimedRange> elements) {
    return {.name = "set", .family = Family::ipv4, .elements = std::move(elements), .ranges = nullptr};
}

} // namespace

TEST_GROUP(matching){};

TEST(matching, no_matches_hold_for_every_packet) {
    CHECK(matches({}, kSyn));
}

TEST(matching, zone_and_device_that_it_came_in_by) {
    CHECK(matches({IngressZone{test::kWan}}, kSyn));
    CHECK(!matches({IngressZone{test::kClinic}}, kSyn));
    CHECK(matches({IngressDevice{"wan0"}}, kSyn));
    CHECK(!matches({IngressDevice{"lan1"}}, kSyn));
    CHECK(!matches({IngressLoopback{}}, kSyn));
}

TEST(matching, zone_that_it_leaves_to_is_known_where_it_is_forwarded) {
    Router router({rule(Hook::forward, "asked", {EgressZone{test::kClinic}}, Drop{}),
                   rule(Hook::forward, "rest", {EgressLoopback{}}, Drop{})});
    STRCMP_EQUAL("asked", Router::told(router.wan(test::tcp(kOutside, "10.0.1.20", {}))).c_str());
    CHECK(!matches({EgressZone{test::kWan}}, kSyn));
}

TEST(matching, role_of_the_sender) {
    Router router({rule(Hook::input, "asked", {RoleIs{5}}, Drop{}), rule(Hook::input, "rest", {}, Drop{})});
    router.with.role = 5;
    STRCMP_EQUAL("asked", Router::told(router.wan(kSyn)).c_str());
    router.with.role = 6;
    STRCMP_EQUAL("rest", Router::told(router.wan(kSyn)).c_str());
}

TEST(matching, family) {
    CHECK(matches({FamilyIs{Family::ipv4}}, kSyn));
    CHECK(!matches({FamilyIs{Family::ipv6}}, kSyn));
    CHECK(matches({FamilyIs{Family::ipv6}}, kSynV6));
}

TEST(matching, prefixes_to_their_ends_and_of_their_family_alone) {
    const auto in = [](std::string_view text, bool negated) {
        return AddressIn{Side::source, negated, {IpPrefix::parse(text).value()}};
    };
    CHECK(matches({in("203.0.113.4/31", false)}, kSyn));
    CHECK(!matches({in("203.0.113.6/31", false)}, kSyn));
    CHECK(!matches({in("203.0.113.4/31", true)}, kSyn));
    CHECK(matches({in("203.0.113.6/31", true)}, kSyn));
    CHECK(!matches({in("203.0.113.6/31", true)}, kSynV6));
    CHECK(matches({AddressIn{Side::destination, false, {IpPrefix(test::ip(kOwn), 32)}}}, kSyn));
}

TEST(matching, set_with_entries_that_end) {
    const IpRange range = IpRange::parse("203.0.113.5-203.0.113.6").value();
    const AddressInSet in{Side::source, 0};
    const AddressInSet out{Side::source, 0, true};
    CHECK(matches({in}, kSyn, {set_of({{range, std::nullopt}})}));
    CHECK(!matches({out}, kSyn, {set_of({{range, std::nullopt}})}));
    CHECK(matches({in}, kSyn, {set_of({{range, test::at(1001)}})}));
    CHECK(!matches({in}, kSyn, {set_of({{range, test::at(1000)}})}));
    CHECK(matches({out}, kSyn, {set_of({{range, test::at(1000)}})}));
    CHECK(!matches({out}, kSynV6, {set_of({{range, std::nullopt}})}));
}

TEST(matching, set_of_countries_by_the_ends_of_its_ranges) {
    const auto countries = [](std::string_view first, std::string_view last) {
        return std::vector<Set>{{.name = "geo",
                                 .family = Family::ipv4,
                                 .elements = {},
                                 .ranges = std::make_shared<std::vector<IpRange>>(std::vector<IpRange>{
                                     IpRange::parse("1.0.0.0/24").value(), {test::ip(first), test::ip(last)}})}};
    };
    CHECK(matches({AddressInSet{Side::source, 0}}, kSyn, countries(kOutside, "203.0.113.9")));
    CHECK(matches({AddressInSet{Side::source, 0}}, kSyn, countries("203.0.113.1", kOutside)));
    CHECK(!matches({AddressInSet{Side::source, 0}}, kSyn, countries("203.0.113.1", "203.0.113.4")));
    CHECK(!matches({AddressInSet{Side::source, 0}}, kSyn, countries("203.0.113.6", "203.0.113.9")));
}

TEST(matching, connection_requests_and_fragments_are_asked_at_the_ingress) {
    Router router({rule(Hook::early, "early", {NotFragment{Family::ipv4}, OpensTcp{}}, Drop{}),
                   rule(Hook::input, "rest", {}, Drop{})});
    STRCMP_EQUAL("early", Router::told(router.wan(kSyn)).c_str());
    STRCMP_EQUAL("rest", Router::told(router.wan(test::tcp(kOutside, kOwn, {.flags = 0x12}))).c_str());
    STRCMP_EQUAL("rest", Router::told(router.wan(kSynV6)).c_str());
    const auto parts = test::pieces(test::tcp(kOutside, kOwn, {.payload = 20}), 24);
    STRCMP_EQUAL("waiting", Router::told(router.wan(parts[0])).c_str());
    STRCMP_EQUAL("rest", Router::told(router.wan(parts[1])).c_str());
    // only the outside has such a hook
    STRCMP_EQUAL("rest", Router::told(router.clinic(test::tcp("10.0.1.5", "10.0.1.1", {}))).c_str());
}

TEST(matching, protocol_and_ports) {
    CHECK(matches({ProtocolIs{model::Protocol::tcp}}, kSyn));
    CHECK(!matches({ProtocolIs{model::Protocol::udp}}, kSyn));
    CHECK(matches({ProtocolIs{model::Protocol::any}}, kSyn));
    CHECK(matches({DestinationPortIn{{{80, 80}, {440, 443}}}}, kSyn));
    CHECK(!matches({DestinationPortIn{{{80, 80}, {440, 442}}}}, kSyn));
    CHECK(matches({SourcePortIn{{{40'000, 40'000}}}}, kSyn));
    CHECK(!matches({SourcePortIn{{{443, 443}}}}, kSyn));
}

TEST(matching, icmp_type_of_its_family) {
    const auto echo = test::icmp(kOutside, kOwn, 8);
    CHECK(matches({IcmpTypeIn{Family::ipv4, {3, 8}}}, echo));
    CHECK(!matches({IcmpTypeIn{Family::ipv4, {3}}}, echo));
    CHECK(!matches({IcmpTypeIn{Family::ipv6, {8}}}, echo));
    CHECK(!matches({IcmpTypeIn{Family::ipv4, {8}}}, kSyn));
}

TEST(matching, hop_limit) {
    const auto solicitation = test::icmp(kOutsideV6, kOwnV6, 135, 0, {}, 255);
    CHECK(matches({HopLimitIs{255}}, solicitation));
    CHECK(!matches({HopLimitIs{64}}, solicitation));
    CHECK(!matches({HopLimitIs{64}}, kSyn)); // that of IPv6
}

TEST(matching, kind_of_address) {
    using Kind = AddressKind::Kind;
    const auto to = [](Kind kind, bool here, bool negated = false) {
        return AddressKind{Side::destination, kind, here, negated};
    };
    const auto elsewhere = test::tcp(kOutside, "10.0.1.1", {});
    CHECK(matches({to(Kind::local, true)}, kSyn));
    CHECK(matches({to(Kind::local, false)}, elsewhere));
    CHECK(!matches({to(Kind::local, true)}, elsewhere));
    CHECK(matches({to(Kind::local, true, true)}, elsewhere));
    CHECK(matches({to(Kind::broadcast, false)}, test::udp(kOutside, "198.51.100.255", 1, 2)));
    CHECK(matches({to(Kind::broadcast, false)}, test::udp(kOutside, "255.255.255.255", 1, 2)));
    CHECK(matches({to(Kind::multicast, false)}, test::udp(kOutside, "224.0.0.1", 1, 2)));
    CHECK(!matches({to(Kind::multicast, false)}, kSyn));
}

TEST(matching, state_of_the_connection) {
    CHECK(matches({ConnectionState{.fresh = true}}, kSyn));
    CHECK(!matches({ConnectionState{.established = true, .related = true, .invalid = true}}, kSyn));
    CHECK(matches({ConnectionState{.invalid = true}}, test::tcp(kOutside, kOwn, {.flags = 0x10})));
    const auto solicitation = test::icmp(kOutsideV6, kOwnV6, 135, 0, {}, 255);
    CHECK(!matches({ConnectionState{true, true, true, true}}, solicitation)); // untracked is none of them
}

TEST(matching, what_has_no_connection_has_no_mark_and_no_translation) {
    const auto solicitation = test::icmp(kOutsideV6, kOwnV6, 135, 0, {}, 255);
    CHECK(matches({Recorded{.negated = true}}, kSyn));
    CHECK(!matches({Recorded{.negated = true}}, solicitation));
    CHECK(matches({DestinationTranslated{.negated = true}}, kSyn));
    CHECK(!matches({DestinationTranslated{.negated = true}}, solicitation));
    CHECK(!matches({OriginalDestinationPortIn{{{0, 65'535}}}}, solicitation));
}

TEST(matching, a_rule_that_sets_a_mark_passes_by_what_has_no_connection) {
    const auto solicitation = test::icmp(kOutsideV6, kOwnV6, 135, 0, {}, 255);
    Router router(
        {rule(Hook::input, "marks", {}, Accept{}, make_mark(test::kWan, 9)), rule(Hook::input, "rest", {}, Drop{})});
    STRCMP_EQUAL("rest", Router::told(router.wan(solicitation)).c_str());
    STRCMP_EQUAL("marks", Router::told(router.wan(kSyn)).c_str());
}

TEST(matching, what_the_far_end_of_a_cut_connection_sends) {
    Router router({rule(Hook::input, "asked", {OfCutFlow{Family::ipv4, true}}, Accept{}),
                   rule(Hook::input, "asked-hosts", {OfCutFlow{Family::ipv4, false}}, Accept{}),
                   rule(Hook::input, "asked-v6", {OfCutFlow{Family::ipv6, true}}, Accept{}),
                   rule(Hook::input, "rest", {}, Drop{})});
    constexpr std::uint8_t kEsp = 50;
    router.environment.cut_flows = {{.protocol = 6,
                                     .source = test::ip(kOutside),
                                     .source_port = 40'000,
                                     .destination = test::ip(kOwn),
                                     .destination_port = 443},
                                    {.protocol = kEsp, .source = test::ip(kOutside), .destination = test::ip(kOwn)}};
    STRCMP_EQUAL("asked", Router::told(router.wan(kSyn)).c_str());
    STRCMP_EQUAL("rest", Router::told(router.wan(test::tcp(kOutside, kOwn, {.source = 40'001}))).c_str());
    STRCMP_EQUAL("rest", Router::told(router.wan(test::udp(kOutside, kOwn, 40'000, 443))).c_str());
    STRCMP_EQUAL("asked-hosts", Router::told(router.wan(test::packet(kOutside, kOwn, kEsp, test::Bytes(16)))).c_str());
    STRCMP_EQUAL("rest", Router::told(router.wan(kSynV6)).c_str());
}

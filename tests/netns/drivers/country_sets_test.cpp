// SPDX-License-Identifier: GPL-2.0-or-later
// Sets of countries and the early drop that shares them.
#include "drivers/capture/nflog_packet_log.hpp"
#include "drivers/netfilter/nft_packet_filter.hpp"
#include "drivers/netfilter/set_loader.hpp"
#include "drivers/system/clock.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/renderer.hpp"
#include "tests/netns/drivers/packets.hpp"
#include "tests/netns/drivers/rulesets.hpp"
#include "tests/netns/drivers/sandbox.hpp"

#include <algorithm>
#include <array>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::test;
using drivers::NftPacketFilter;

namespace {

constexpr Time kNow = Time::from_seconds(1'800'000'000);
constexpr std::string_view kEarly = "early.country";
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kAck = 0x10;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// accept_from() the sets, counting what reaches the first hook (rule "seen"), with an early drop of what no set holds.
ruleset::Ruleset with_early_drop(std::vector<ruleset::Set> sets, std::string device = "wan0") {
    ruleset::Ruleset ruleset = accept_from(std::move(sets));
    ruleset.zones.front().interfaces = {std::move(device)};
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        ruleset::Rule rule{.id = std::string(kEarly), .number = 1, .hook = ruleset::Hook::early};
        rule.reason = ruleset::Reason::country;
        rule.matches = {ruleset::NotFragment{family}, ruleset::OpensTcp{}};
        for (std::size_t index = 0; index < ruleset.sets.size(); ++index) {
            if (ruleset.sets[index].family == family) {
                rule.matches.emplace_back(ruleset::AddressInSet{ruleset::Side::source, index, true});
            }
        }
        rule.log = ruleset::LogKind::limited;
        rule.verdict = ruleset::Drop{};
        ruleset.rules.push_back(std::move(rule));
    }
    ruleset.rules.push_back({.id = "seen",
                             .hook = ruleset::Hook::screen,
                             .matches = {ruleset::ProtocolIs{model::Protocol::tcp}},
                             .verdict = ruleset::Continue{}});
    return ruleset;
}

/// Japan is where the outside host has two of its addresses.
ruleset::Ruleset japan_alone(std::string device = "wan0") {
    return with_early_drop({make_country_set("jp", Family::ipv4, {kOutside, kOutsideMarker}),
                            make_country_set("jp", Family::ipv6, {"2001:200::/32"})},
                           std::move(device));
}

} // namespace

TEST_GROUP(country_sets) {
    Sandbox sandbox;
    std::unique_ptr<NftPacketFilter> filter;

    void setup() override {
        auto created = NftPacketFilter::create();
        CHECK_TRUE(created.has_value());
        filter = std::move(*created);
    }

    ports::FilterReport must_apply(const ruleset::Ruleset& ruleset) {
        auto report = filter->apply(ruleset, kNow);
        CHECK_TRUE_TEXT(report.has_value(), report ? "" : report.error().message().c_str());
        return *report;
    }

    std::vector<std::string> must_install(const ruleset::Ruleset& ruleset) {
        auto early = filter->install_early_drop(ruleset);
        CHECK_TRUE_TEXT(early.has_value(), early ? "" : early.error().message().c_str());
        return early->devices;
    }

    std::uint64_t packets(std::string_view id) {
        const auto counters = filter->counters();
        CHECK_TRUE(counters.has_value());
        const auto found = std::ranges::find(*counters, id, &ports::CounterReading::id);
        return found == counters->end() ? 0 : found->packets;
    }

    std::string table() {
        return sandbox.output(Host::router, "nft list table inet sekisho");
    }

    /// Waits until what was sent before has been judged: a datagram behind it has come through.
    void let_pass() {
        const UdpSocket router(sandbox, Host::router, kRouter, kPort);
        const UdpSocket marker(sandbox, Host::outside, kOutsideMarker, 0);
        marker.send(kRouter, kPort, "marker");
        CHECK_TRUE(router.receive().has_value());
    }

    /// How many of these packets the early drop took, and how many went on.
    void check(const std::vector<std::vector<std::uint8_t>>& sent, std::uint64_t dropped, std::uint64_t seen) {
        const auto early = packets(kEarly);
        const auto before = packets("seen");
        for (const auto& packet : sent) {
            send_raw(sandbox, Host::outside, packet);
        }
        let_pass();
        LONGS_EQUAL(dropped, packets(kEarly) - early);
        LONGS_EQUAL(seen, packets("seen") - before);
    }

    std::vector<std::uint8_t> v4(std::string_view from, std::uint8_t flags) {
        return ip_packet(from, kRouter, tcp_segment(4'000, 443, flags));
    }

    std::vector<std::uint8_t> v6(std::uint8_t flags) {
        return ip_packet(kOutsideV6, kRouterV6, tcp_segment(4'000, 443, flags));
    }
};

TEST(country_sets, ranges_are_loaded_without_timeouts_and_hold) {
    const auto v4_set = make_country_set("jp", Family::ipv4, {"0.0.0.0/8", kOutside, "255.255.255.0-255.255.255.255"});
    const auto v6_set = make_country_set("jp", Family::ipv6, {"2001:db8::/64", "ffff::/16"});
    const auto report = must_apply(accept_from({v4_set, v6_set}));
    LONGS_EQUAL(5, report.elements_loaded);
    const std::string listed = sandbox.output(Host::router, "nft list set inet sekisho " + v4_set.name);
    CHECK_TRUE_TEXT(contains(listed, "flags interval\n"), listed.c_str());
    CHECK_TRUE_TEXT(contains(listed, "0.0.0.0/8, 198.51.100.2,"), listed.c_str());
    CHECK_TRUE_TEXT(contains(listed, "255.255.255.0/24 }"), listed.c_str());
}

TEST(country_sets, tens_of_thousands_are_sent_once_and_hold_at_every_place) {
    auto ranges = std::make_shared<std::vector<IpRange>>();
    for (std::uint32_t number = 0; number < 30'000; ++number) {
        const IpAddress first = IpAddress::v4(0x0b00'0000u + number * 64);
        ranges->push_back({first, IpAddress::v4(first.to_v4() + 1 + number % 60)});
    }
    const auto large = make_country_set("30_countries", Family::ipv4, ranges);
    const auto report = must_apply(accept_from({large}));
    LONGS_EQUAL(30'000, report.elements_loaded);
    auto netlink = drivers::Netlink::open();
    CHECK_TRUE(netlink.has_value());
    // a thousand places at random each time
    for (int turn = 0; turn < 10; ++turn) {
        const auto verified = drivers::verify_set(*netlink, large, kNow);
        CHECK_TRUE_TEXT(verified.has_value(), verified ? "" : verified.error().message().c_str());
    }
    LONGS_EQUAL(0, must_apply(accept_from({large})).sets_loaded);
}

TEST(country_sets, a_hole_in_a_set_is_noticed) {
    const auto whole = make_country_set("jp", Family::ipv4, {"192.0.2.0-192.0.2.9", "192.0.2.20-192.0.2.29"});
    const auto holed = make_country_set("jp", Family::ipv4, {"192.0.2.0-192.0.2.9", "192.0.2.20-192.0.2.28"});
    must_apply(accept_from({holed}));
    auto netlink = drivers::Netlink::open();
    ruleset::Set claimed = whole;
    claimed.name = holed.name;
    CHECK_TRUE(drivers::verify_set(*netlink, holed, kNow).has_value());
    CHECK_FALSE(drivers::verify_set(*netlink, claimed, kNow).has_value());
}

TEST(country_sets, one_set_serves_every_hook) {
    ruleset::Ruleset ruleset = japan_alone();
    ruleset.rules.push_back({.id = "forward.jp",
                             .hook = ruleset::Hook::forward,
                             .matches = {ruleset::AddressInSet{ruleset::Side::source, 0}},
                             .verdict = ruleset::Accept{}});
    const auto report = must_apply(ruleset);
    must_install(ruleset);
    LONGS_EQUAL(2, report.sets_loaded);
    const std::string text = table();
    const std::string& name = ruleset.sets.front().name;
    CHECK_TRUE_TEXT(contains(text, "ip saddr != @" + name), text.c_str());
    CHECK_TRUE_TEXT(contains(text, "ip saddr @" + name + " counter name \"forward.jp\""), text.c_str());
}

TEST(country_sets, an_apply_takes_the_early_drop_away_and_its_sets_with_it) {
    const ruleset::Ruleset ruleset = japan_alone();
    must_apply(ruleset);
    LONGS_EQUAL(1, must_install(ruleset).size());
    const auto report = must_apply(accept_from({}));
    LONGS_EQUAL(4, report.sets_removed); // and those of the log limits
    LONGS_EQUAL(0, filter->early_drop().value().devices.size());
    const std::string text = table();
    CHECK_FALSE_TEXT(contains(text, "chain early"), text.c_str());
    CHECK_FALSE_TEXT(contains(text, "geo_jp"), text.c_str());
    // and so does one that keeps the sets, until it is installed again
    must_apply(ruleset);
    must_install(ruleset);
    LONGS_EQUAL(0, must_apply(ruleset).sets_loaded);
    LONGS_EQUAL(0, filter->early_drop().value().devices.size());
    check({v4(kOutsideOther, kSyn)}, 0, 1);
    STRCMP_EQUAL("wan0", must_install(ruleset).at(0).c_str());
    check({v4(kOutsideOther, kSyn)}, 1, 0);
}

TEST(country_sets, whole_connection_requests_from_elsewhere_are_dropped_early_and_nothing_else) {
    const ruleset::Ruleset ruleset = japan_alone();
    must_apply(ruleset);
    check({v4(kOutsideOther, kSyn)}, 0, 1);
    STRCMP_EQUAL("wan0", must_install(ruleset).at(0).c_str());
    check({v4(kOutsideOther, kSyn)}, 1, 0);
    check({v4(kOutside, kSyn)}, 0, 1);
    check({v4(kOutsideOther, kAck), v4(kOutsideOther, kSyn | kAck)}, 0, 2);
    check({v6(kSyn)}, 1, 0);
    check({v6(kAck)}, 0, 1);
}

TEST(country_sets, a_connection_request_in_pieces_is_left_to_the_hooks_that_see_it_whole) {
    const ruleset::Ruleset ruleset = japan_alone();
    must_apply(ruleset);
    must_install(ruleset);
    const auto early = packets(kEarly);
    const auto denied = packets("input.deny");
    for (const auto& piece : in_pieces(ip_packet(kOutsideOther, kRouter, tcp_segment(4'000, 443, kSyn)))) {
        send_raw(sandbox, Host::outside, piece);
    }
    for (const auto& piece : in_pieces(ip_packet(kOutsideV6, kRouterV6, tcp_segment(4'000, 443, kSyn)))) {
        send_raw(sandbox, Host::outside, piece);
    }
    let_pass();
    LONGS_EQUAL(0, packets(kEarly) - early);
    CHECK_TRUE(packets("input.deny") >= denied + 2);
}

TEST(country_sets, a_denial_at_the_ingress_is_logged_with_its_rule) {
    const ruleset::Ruleset ruleset = japan_alone();
    must_apply(ruleset);
    must_install(ruleset);
    auto loop = std::move(drivers::UvEventLoop::create().value());
    drivers::SystemClock clock(*loop);
    drivers::NflogPacketLog log(*loop, clock);
    std::optional<events::LogRecord> heard;
    CHECK_TRUE(log.start([&](const events::LogRecord& record) {
                      heard = record;
                      loop->stop();
                  })
                   .has_value());
    const auto late = loop->make_timer([&] { loop->stop(); });
    late->start_once(10'000);
    send_raw(sandbox, Host::outside, v4(kOutsideOther, kSyn));
    loop->run();
    CHECK_TRUE(heard.has_value());
    STRCMP_EQUAL("early.country", heard->prefix.c_str());
    STRCMP_EQUAL("wan0", heard->ingress_interface.c_str());
    LONGS_EQUAL(ruleset::kLogGroupDenied, heard->group);
    CHECK_FALSE(heard->original.has_value());
}

TEST(country_sets, without_its_device_there_is_no_early_drop_and_everything_else) {
    const ruleset::Ruleset ruleset = japan_alone("ppp0");
    must_apply(ruleset);
    LONGS_EQUAL(0, must_install(ruleset).size());
    const std::string text = table();
    CHECK_FALSE_TEXT(contains(text, "chain early"), text.c_str());
    CHECK_TRUE_TEXT(contains(text, "chain input"), text.c_str());
    sandbox.run(Host::router, "ip link add ppp0 type veth peer name ppp1");
    STRCMP_EQUAL("ppp0", must_install(ruleset).at(0).c_str());
}

TEST(country_sets, a_device_that_went_and_came_back_gets_its_early_drop_again) {
    const ruleset::Ruleset ruleset = japan_alone();
    must_apply(ruleset);
    must_install(ruleset);
    sandbox.run(Host::router, "ip link delete wan0");
    sandbox.connect_outside();
    // Linux 6.12 has forgotten the device, later ones may have found it again: what is said is what is so
    const bool is_there = std::ranges::contains(filter->early_drop().value().devices, "wan0");
    check({v4(kOutsideOther, kSyn)}, is_there ? 1 : 0, is_there ? 0 : 1);
    STRCMP_EQUAL("wan0", must_install(ruleset).at(0).c_str());
    LONGS_EQUAL(1, filter->early_drop().value().devices.size());
    check({v4(kOutsideOther, kSyn)}, 1, 0);
}

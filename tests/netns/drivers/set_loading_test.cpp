// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/nft_command.hpp"
#include "drivers/netfilter/nft_packet_filter.hpp"
#include "drivers/netfilter/set_loader.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/renderer.hpp"
#include "tests/netns/drivers/rulesets.hpp"
#include "tests/netns/drivers/sandbox.hpp"

#include <csignal>
#include <ctime>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::test;
using drivers::NftPacketFilter;

namespace {

constexpr Time kNow = Time::from_seconds(1'800'000'000);

Time in_milliseconds(std::int64_t milliseconds) {
    return {kNow.microseconds + milliseconds * 1000};
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

} // namespace

TEST_GROUP(set_loading) {
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

    /// Whether the kernel finds the address in the set.
    bool holds(const ruleset::Set& set, std::string_view address) {
        return contains(sandbox.output(Host::router, text::concat("nft get element inet sekisho ", set.name, " '{ ",
                                                                  address, " }' || echo absent")),
                        "elements = ");
    }

    std::string listing(const ruleset::Set& set) {
        return sandbox.output(Host::router, text::concat("nft list set inet sekisho ", set.name));
    }
};

TEST(set_loading, ranges_at_the_ends_of_the_address_space_hold) {
    const auto v4 = make_set("ends", Family::ipv4, {"0.0.0.0/8", "10.0.0.1", "255.255.255.0-255.255.255.255"});
    const auto v6 = make_set("ends", Family::ipv6, {"::/128", "2001:db8::/32", "ffff::/16"});
    const auto report = must_apply(accept_from({v4, v6}));

    CHECK_EQUAL(6, report.elements_loaded);
    for (const std::string_view inside : {"0.0.0.0", "0.255.255.255", "10.0.0.1", "255.255.255.0", "255.255.255.255"}) {
        CHECK_TRUE_TEXT(holds(v4, inside), std::string(inside).c_str());
    }
    for (const std::string_view outside : {"1.0.0.0", "10.0.0.0", "10.0.0.2", "255.255.254.255"}) {
        CHECK_FALSE_TEXT(holds(v4, outside), std::string(outside).c_str());
    }
    for (const std::string_view inside :
         {"::", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
        CHECK_TRUE_TEXT(holds(v6, inside), std::string(inside).c_str());
    }
    for (const std::string_view outside : {"::1", "2001:db9::", "fffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
        CHECK_FALSE_TEXT(holds(v6, outside), std::string(outside).c_str());
    }
}

TEST(set_loading, adjacent_ranges_of_different_expiry_end_apart) {
    const auto set = make_set("expiry", Family::ipv4,
                              {{.range = range("192.0.2.0-192.0.2.9"), .expires = in_milliseconds(3'600'000)},
                               {.range = range("192.0.2.10-192.0.2.19"), .expires = in_milliseconds(1'500)},
                               {.range = range("192.0.2.20-192.0.2.29"), .expires = in_milliseconds(7'200'000)},
                               {.range = range("192.0.2.30-192.0.2.39"), .expires = std::nullopt}});
    must_apply(accept_from({set}));
    CHECK_TRUE(holds(set, "192.0.2.10"));

    const std::time_t started = std::time(nullptr);
    while (holds(set, "192.0.2.15") && std::time(nullptr) - started < 60) {
    }

    CHECK_FALSE(holds(set, "192.0.2.10"));
    CHECK_FALSE(holds(set, "192.0.2.19"));
    for (const std::string_view kept :
         {"192.0.2.0", "192.0.2.9", "192.0.2.20", "192.0.2.29", "192.0.2.30", "192.0.2.39"}) {
        CHECK_TRUE_TEXT(holds(set, kept), std::string(kept).c_str());
    }
    CHECK_FALSE(holds(set, "192.0.2.40"));
    const std::string text = listing(set);
    CHECK_TRUE_TEXT(contains(text, "192.0.2.0-192.0.2.9 timeout 1h "), text.c_str());
    CHECK_TRUE_TEXT(contains(text, "192.0.2.20-192.0.2.29 timeout 2h "), text.c_str());
    CHECK_TRUE_TEXT(contains(text, "192.0.2.30-192.0.2.39 }"), text.c_str());
}

TEST(set_loading, what_has_expired_or_is_about_to_is_not_sent) {
    const auto set = make_set("expiry", Family::ipv4,
                              {{.range = range("192.0.2.1"), .expires = in_milliseconds(-1)},
                               {.range = range("192.0.2.3"), .expires = kNow},
                               {.range = range("192.0.2.5"), .expires = in_milliseconds(1)},
                               {.range = range("192.0.2.7"), .expires = in_milliseconds(60'000)}});
    CHECK_EQUAL(1, must_apply(accept_from({set})).elements_loaded);

    CHECK_FALSE(holds(set, "192.0.2.1"));
    CHECK_FALSE(holds(set, "192.0.2.3"));
    CHECK_FALSE(holds(set, "192.0.2.5"));
    CHECK_TRUE(holds(set, "192.0.2.7"));
}

TEST(set_loading, an_expiry_decades_away_holds) {
    const auto set =
        make_set("far", Family::ipv4, {{.range = range("192.0.2.1"), .expires = Time::from_seconds(253'402'300'799)}});
    must_apply(accept_from({set}));
    CHECK_TRUE(holds(set, "192.0.2.1"));
}

TEST(set_loading, an_empty_set_matches_nothing) {
    const auto set = make_set("empty", Family::ipv4, std::vector<address::TimedRange>{});
    const auto report = must_apply(accept_from({set}));
    CHECK_EQUAL(1, report.sets_loaded);
    CHECK_EQUAL(0, report.elements_loaded);
    CHECK_FALSE(holds(set, "192.0.2.1"));
}

TEST(set_loading, many_ranges_go_in_by_parts) {
    constexpr std::uint32_t kRanges = 25'000;
    std::vector<address::TimedRange> v4;
    std::vector<address::TimedRange> v6;
    for (std::uint32_t number = 0; number < kRanges; ++number) {
        const IpAddress first = IpAddress::v4(0x0b00'0000u + number * 16);
        v4.push_back({.range = {first, IpAddress::v4(first.to_v4() + 9)}, .expires = std::nullopt});
        std::array<std::uint8_t, 16> bytes{
            0x20, 0x01, 0x0d, 0xb8, 0, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
        const IpPrefix prefix(IpAddress::from_bytes(Family::ipv6, bytes), 64);
        if (number % 2 == 0) { // every other one with an expiry
            v6.push_back({.range = IpRange::of(prefix),
                          .expires = number % 4 == 0 ? std::optional(in_milliseconds(3'600'000)) : std::nullopt});
        }
    }
    const auto large_v4 = make_set("large", Family::ipv4, std::move(v4));
    const auto large_v6 = make_set("large", Family::ipv6, std::move(v6));

    const auto report = must_apply(accept_from({large_v4, large_v6}));

    CHECK_EQUAL(kRanges + kRanges / 2, report.elements_loaded);
    // what is first and last in messages and transactions; nft would list the whole set to find one element of it
    auto netlink = drivers::Netlink::open();
    CHECK_TRUE(netlink.has_value());
    for (const std::size_t part : {500u, 6'000u, 12'000u}) {
        for (const ruleset::Set* large : {&large_v4, &large_v6}) {
            ruleset::Set sample{.name = large->name, .family = large->family, .elements = {}};
            for (const std::size_t number : {std::size_t{0}, part - 1, part, part + 1, large->elements.size() - 1}) {
                sample.elements.push_back(large->elements[number]);
            }
            const auto verified = drivers::verify_set(*netlink, sample, kNow);
            CHECK_TRUE_TEXT(verified.has_value(), verified ? "" : verified.error().message().c_str());
        }
    }
    CHECK_EQUAL(0, must_apply(accept_from({large_v4, large_v6})).sets_loaded);
}

TEST(set_loading, a_set_that_a_killed_process_left_is_never_used) {
    const auto ruleset = accept_from({make_set("vendor", Family::ipv4, {"192.0.2.1", "192.0.2.3"})});
    const ruleset::Set& set = ruleset.sets.front();
    const auto leave_half_filled = [&] {
        const int status = wait_for_end(start_process([&] {
            auto netlink = drivers::Netlink::open();
            ruleset::Set half = set;
            half.elements.pop_back();
            if (netlink && drivers::run_nft(ruleset::render(ruleset).declarations) &&
                drivers::fill_set(*netlink, half, kNow)) {
                raise(SIGKILL); // between the load and the switch
            }
        }));
        CHECK_EQUAL(SIGKILL, WTERMSIG(status));
        CHECK_TRUE(holds(set, "192.0.2.1"));
        CHECK_FALSE(holds(set, "192.0.2.3"));
    };

    leave_half_filled();
    CHECK_FALSE(filter->is_loaded().value());
    CHECK_EQUAL(1, filter->remove_unreferenced_sets().value());
    CHECK_EQUAL(0, filter->remove_unreferenced_sets().value());

    leave_half_filled();
    CHECK_EQUAL(1, must_apply(ruleset).sets_loaded); // also without being asked to clean up
    CHECK_TRUE(holds(set, "192.0.2.3"));
}

TEST(set_loading, a_range_that_the_kernel_does_not_hold_is_noticed) {
    auto netlink = drivers::Netlink::open();
    CHECK_TRUE(netlink.has_value());
    const auto set = make_set("vendor", Family::ipv4, {"192.0.2.0-192.0.2.9", "192.0.2.20-192.0.2.29"});
    CHECK_TRUE(drivers::run_nft(ruleset::render(accept_from({set})).declarations).has_value());
    const auto verified = [&](const char* elements) {
        sandbox.run(Host::router, text::concat("nft flush set inet sekisho ", set.name,
                                               " && nft add element inet sekisho ", set.name, " '{ ", elements, " }'"));
        return drivers::verify_set(*netlink, set, kNow).has_value();
    };
    CHECK_TRUE(verified("192.0.2.0-192.0.2.9, 192.0.2.20-192.0.2.29"));
    CHECK_FALSE(verified("192.0.2.0-192.0.2.9"));
    CHECK_FALSE(verified("192.0.2.0-192.0.2.9, 192.0.2.20-192.0.2.28"));
    CHECK_FALSE(verified("192.0.2.0-192.0.2.9, 192.0.2.21-192.0.2.29"));
    CHECK_FALSE(verified("192.0.2.0-192.0.2.9, 192.0.2.20-192.0.2.30"));
    CHECK_FALSE(verified("192.0.2.0-192.0.2.9, 192.0.2.20-192.0.2.24, 192.0.2.25-192.0.2.29"));
}

// SPDX-License-Identifier: GPL-2.0-or-later
// What the packet filter finds when it compares the kernel with what it put there.
#include "drivers/netfilter/nft_packet_filter.hpp"
#include "policy/base/text.hpp"
#include "tests/netns/drivers/rulesets.hpp"
#include "tests/netns/drivers/sandbox.hpp"

#include <algorithm>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::test;
using drivers::NftPacketFilter;

namespace {

constexpr Time kNow = Time::from_seconds(1'800'000'000);

Time in_seconds(std::int64_t seconds) {
    return {kNow.microseconds + seconds * 1'000'000};
}

} // namespace

TEST_GROUP(comparison) {
    Sandbox sandbox;
    std::unique_ptr<NftPacketFilter> filter;

    void setup() override {
        filter = NftPacketFilter::create().value();
    }

    void must_apply(const ruleset::Ruleset& ruleset) {
        const auto report = filter->apply(ruleset, kNow);
        CHECK_TRUE_TEXT(report.has_value(), report ? "" : report.error().message().c_str());
    }

    /// What differs, "item: expected / found" each.
    std::string differences(const ruleset::Ruleset& ruleset, Time now = kNow) {
        const auto rows = filter->compare(ruleset, now);
        CHECK_TRUE_TEXT(rows.has_value(), rows ? "" : rows.error().message().c_str());
        CHECK_TRUE(rows->size() > 1);
        std::string differing;
        for (const ports::Comparison& row : *rows) {
            differing +=
                row.matches() ? std::string() : text::concat(row.item, ": ", row.expected, " / ", row.found, "\n");
        }
        return differing;
    }

    void nft(std::string_view words) {
        sandbox.run(Host::router, text::concat("nft ", words));
    }
};

TEST(comparison, of_what_was_just_put_there_finds_no_difference) {
    const auto ruleset =
        accept_from({make_set("ends", Family::ipv4, {"0.0.0.0/8", "10.0.0.1", "255.255.255.0-255.255.255.255"}),
                     make_set("ends", Family::ipv6, {"::/128", "2001:db8::/32", "ffff::/16"}),
                     make_country_set("jp", Family::ipv4, {"1.0.16.0/20", "1.1.0.0/16"})});
    must_apply(ruleset);
    STRCMP_EQUAL("", differences(ruleset).c_str());
}

TEST(comparison, before_anything_was_put_there_says_that_nothing_is_known) {
    const auto rows = filter->compare({}, kNow);
    CHECK_TRUE(rows.has_value());
    CHECK_FALSE(std::ranges::all_of(*rows, &ports::Comparison::matches));
}

TEST(comparison, lets_ranges_end_when_their_time_comes_and_not_before) {
    const auto ruleset = accept_from({make_set("timed", Family::ipv4,
                                               {{range("10.0.0.0/24"), in_seconds(3600)},
                                                {range("10.0.1.0/24"), in_seconds(7200)}, // adjacent, of other expiry
                                                {range("192.0.2.1"), std::nullopt}})});
    must_apply(ruleset);
    STRCMP_EQUAL("", differences(ruleset).c_str());
    STRCMP_EQUAL("", differences(ruleset, in_seconds(3600)).c_str()); // may be there or not
    nft(text::concat("delete element inet sekisho ", ruleset.sets[0].name, " '{ 10.0.0.0/24 }'"));
    STRCMP_EQUAL("", differences(ruleset, in_seconds(3600)).c_str());
    CHECK_TRUE(differences(ruleset).contains("missing is 10.0.0.0"));
}

TEST(comparison, finds_what_is_beside_a_large_sets_ranges) {
    auto ranges = std::make_shared<std::vector<IpRange>>();
    for (std::uint32_t number = 0; number < 2000; ++number) {
        ranges->push_back({IpAddress::v4(0x0b000000 + number * 256), IpAddress::v4(0x0b000000 + number * 256 + 127)});
    }
    const auto ruleset = accept_from({make_country_set("jp", Family::ipv4, ranges)});
    must_apply(ruleset);
    STRCMP_EQUAL("", differences(ruleset).c_str());
    std::string gaps;
    for (std::uint32_t number = 0; number < 2000; ++number) {
        gaps += text::concat(gaps.empty() ? "" : ", ", IpAddress::v4(0x0b000000 + number * 256 + 128).text());
    }
    nft(text::concat("add element inet sekisho ", ruleset.sets[0].name, " '{ ", gaps, " }'"));
    CHECK_TRUE(differences(ruleset).contains("foreign is 11."));
}

TEST(comparison, finds_a_change_and_no_more_once_it_is_restored) {
    const auto ruleset = accept_from({make_set("list", Family::ipv4, {"10.0.0.1"})});
    must_apply(ruleset);
    nft("flush chain inet sekisho input");
    nft(text::concat("add element inet sekisho ", ruleset.sets[0].name, " '{ 10.9.9.9 }'"));
    const std::string found = differences(ruleset);
    CHECK_TRUE_TEXT(found.contains("chain input: "), found.c_str());
    CHECK_TRUE_TEXT(found.contains("foreign is 10.9.9.9"), found.c_str());
    CHECK_TRUE(filter->restore(ruleset, kNow).has_value());
    STRCMP_EQUAL("", differences(ruleset).c_str());
}

TEST(comparison, follows_the_early_drop_and_still_finds_what_changed_beside_it) {
    const auto ruleset = accept_from({make_set("list", Family::ipv4, {"10.0.0.1"})});
    must_apply(ruleset);
    nft("insert rule inet sekisho input accept");
    CHECK_TRUE(filter->install_early_drop(ruleset).has_value());
    CHECK_TRUE(differences(ruleset).contains("foreign is rule 1"));
}

TEST(comparison, leaves_the_generation_as_it_is) {
    const auto ruleset = accept_from({make_set("list", Family::ipv4, {"10.0.0.1"})});
    must_apply(ruleset);
    const std::uint32_t before = filter->generation().value();
    STRCMP_EQUAL("", differences(ruleset).c_str());
    UNSIGNED_LONGS_EQUAL(before, filter->generation().value());
    nft("add table inet other");
    CHECK_TRUE(filter->generation().value() != before);
}

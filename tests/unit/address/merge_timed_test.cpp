// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/address/range_set.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <random>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::address;

namespace {

constexpr std::optional<Time> kAlways;

std::optional<Time> until(std::int64_t second) {
    return Time::from_seconds(second);
}

TimedRange timed(std::string_view text, std::optional<Time> expires) {
    return {IpRange::parse(text).value(), expires};
}

std::string shown(const std::vector<TimedRange>& list) {
    std::vector<std::string> texts;
    for (const TimedRange& entry : list) {
        texts.push_back(entry.range.text() +
                        (entry.expires ? "@" + text::to_text_signed(entry.expires->seconds()) : std::string()));
    }
    return text::join(texts, " ");
}

bool holds(const std::vector<TimedRange>& list, const IpAddress& address, Time now) {
    return std::any_of(list.begin(), list.end(), [&](const TimedRange& entry) {
        return entry.range.contains(address) && (!entry.expires || now < *entry.expires);
    });
}

} // namespace

TEST_GROUP(merge_timed){};

TEST(merge_timed, of_nothing_is_nothing) {
    CHECK_TRUE(merge_timed({}).empty());
}

TEST(merge_timed, joins_neighbours_of_equal_expiry) {
    CHECK_EQUAL(std::string("10.0.0.0/23"),
                shown(merge_timed({timed("10.0.1.0/24", kAlways), timed("10.0.0.0/24", kAlways)})));
    CHECK_EQUAL(std::string("10.0.0.0/23@5"),
                shown(merge_timed({timed("10.0.1.0/24", until(5)), timed("10.0.0.0/24", until(5))})));
}

TEST(merge_timed, keeps_neighbours_of_different_expiry_apart) {
    CHECK_EQUAL(std::string("10.0.0.0/24@5 10.0.1.0/24"),
                shown(merge_timed({timed("10.0.1.0/24", kAlways), timed("10.0.0.0/24", until(5))})));
}

TEST(merge_timed, lets_a_nested_entry_hold_longer_than_the_one_around_it) {
    CHECK_EQUAL(std::string("10.0.0.0/30@5 10.0.0.4 10.0.0.5-10.0.0.255@5"),
                shown(merge_timed({timed("10.0.0.0/24", until(5)), timed("10.0.0.4", kAlways)})));
}

TEST(merge_timed, does_not_let_a_nested_entry_shorten_the_one_around_it) {
    CHECK_EQUAL(std::string("10.0.0.0/24@9"),
                shown(merge_timed({timed("10.0.0.0/24", until(9)), timed("10.0.0.4", until(5))})));
}

TEST(merge_timed, cuts_a_chain_of_overlaps_at_the_later_expiry) {
    CHECK_EQUAL(std::string("10.0.0.0/30@1 10.0.0.4-10.0.0.9@3 10.0.0.10-10.0.0.12@2"),
                shown(merge_timed({timed("10.0.0.0-10.0.0.5", until(1)), timed("10.0.0.4-10.0.0.9", until(3)),
                                   timed("10.0.0.8-10.0.0.12", until(2))})));
}

TEST(merge_timed, goes_back_to_an_entry_that_outlasts_the_one_inside) {
    CHECK_EQUAL(std::string("10.0.0.0@1 10.0.0.1-10.0.0.2@2 10.0.0.3@3 10.0.0.4-10.0.0.6@2 10.0.0.7-10.0.0.9@1"),
                shown(merge_timed({timed("10.0.0.0-10.0.0.9", until(1)), timed("10.0.0.1-10.0.0.6", until(2)),
                                   timed("10.0.0.3", until(3))})));
}

TEST(merge_timed, works_at_the_end_of_each_family) {
    CHECK_EQUAL(std::string("255.255.255.254@1 255.255.255.255@2 ::@1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                shown(merge_timed({timed("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", kAlways),
                                   timed("255.255.255.255", until(2)), timed("::", until(1)),
                                   timed("255.255.255.254/31", until(1))})));
    CHECK_EQUAL(std::string("0.0.0.0/0@1 ::/0@1"),
                shown(merge_timed({timed("::/0", until(1)), timed("0.0.0.0/0", until(1))})));
}

// An address is in the result at a moment exactly when an input range holds it then; every piece has one expiry, and
// none could be joined with the next.
TEST(merge_timed, agrees_with_its_input_at_every_address_and_moment) {
    std::mt19937 random(7);
    for (const char* first : {"0.0.0.0", "10.0.255.250", "255.255.255.240", "::", "2001:db8::ffff:fffa",
                              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0"}) {
        std::vector<IpAddress> universe{IpAddress::parse(first).value()};
        while (universe.size() < 16) {
            universe.push_back(universe.back());
            CHECK_TRUE(universe.back().increment());
        }
        for (int round = 0; round < 500; ++round) {
            std::vector<TimedRange> input;
            for (auto number = random() % 8; number > 0; --number) {
                const std::size_t begin = random() % universe.size();
                const std::size_t end = begin + random() % (universe.size() - begin);
                const auto second = static_cast<std::int64_t>(random() % 4);
                input.push_back({{universe[begin], universe[end]}, second == 0 ? kAlways : until(second)});
            }
            const std::vector<TimedRange> output = merge_timed(input);
            for (const IpAddress& address : universe) {
                for (std::int64_t second = 0; second < 5; ++second) {
                    const Time now = Time::from_seconds(second);
                    CHECK_EQUAL(holds(input, address, now), holds(output, address, now));
                }
            }
            for (std::size_t index = 1; index < output.size(); ++index) {
                const TimedRange& left = output[index - 1];
                const TimedRange& right = output[index];
                CHECK_TRUE(left.range.last < right.range.first);
                IpAddress behind = left.range.last;
                CHECK_TRUE(behind.increment());
                CHECK_TRUE(left.expires != right.expires || behind != right.range.first);
            }
        }
    }
}

TEST_GROUP(content_hash){};

TEST(content_hash, is_twelve_digits_and_does_not_depend_on_the_order) {
    const TimedRange one = timed("10.0.0.0/24", kAlways);
    const TimedRange two = timed("2001:db8::/32", until(5));
    const std::string hash = content_hash(std::vector{one, two});
    CHECK_EQUAL(12U, hash.size());
    CHECK_EQUAL(std::string::npos, hash.find_first_not_of("0123456789abcdef"));
    CHECK_EQUAL(hash, content_hash(std::vector{two, one}));
}

TEST(content_hash, tells_addresses_expiries_and_families_apart) {
    const std::vector<std::string> hashes{
        content_hash({}),
        content_hash(std::vector{timed("10.0.0.0/24", kAlways)}),
        content_hash(std::vector{timed("10.0.0.0/25", kAlways)}),
        content_hash(std::vector{timed("10.0.0.0/24", until(0))}),
        content_hash(std::vector{timed("10.0.0.0/24", until(1))}),
        content_hash(std::vector{timed("0.0.0.0", kAlways)}),
        content_hash(std::vector{timed("::", kAlways)}),
    };
    std::vector<std::string> distinct = hashes;
    std::sort(distinct.begin(), distinct.end());
    CHECK_TRUE(std::unique(distinct.begin(), distinct.end()) == distinct.end());
}

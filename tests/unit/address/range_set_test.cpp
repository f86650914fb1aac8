// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/address/range_set.hpp"
#include "policy/base/text.hpp"

#include <array>
#include <random>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::address;

namespace {

std::vector<IpRange> ranges(std::string_view text) {
    std::vector<IpRange> result;
    if (text.empty()) {
        return result;
    }
    for (const std::string_view part : text::split(text, ' ')) {
        result.push_back(IpRange::parse(part).value());
    }
    return result;
}

std::string shown(const std::vector<IpRange>& list) {
    std::vector<std::string> texts;
    for (const IpRange& range : list) {
        texts.push_back(range.text());
    }
    return text::join(texts, " ");
}

std::string merged(std::string_view text) {
    return shown(merge(ranges(text)));
}

std::string subtracted(std::string_view left, std::string_view right) {
    return shown(subtract(merge(ranges(left)), merge(ranges(right))));
}

std::string prefixes(std::string_view text) {
    std::vector<std::string> texts;
    for (const IpPrefix& prefix : to_prefixes(IpRange::parse(text).value())) {
        texts.push_back(prefix.text());
    }
    return text::join(texts, " ");
}

double counted(std::string_view text, Family family) {
    return count(merge(ranges(text)), family);
}

} // namespace

TEST_GROUP(merge){};

TEST(merge, sorts_and_joins_what_overlaps_or_touches) {
    CHECK_EQUAL(std::string("10.0.0.0/23"), merged("10.0.1.0/24 10.0.0.0/24"));
    CHECK_EQUAL(std::string("10.0.0.0-10.0.0.9"), merged("10.0.0.5-10.0.0.9 10.0.0.0-10.0.0.6"));
    CHECK_EQUAL(std::string("10.0.0.0/8"), merged("10.0.0.0/8 10.1.0.0/16 10.0.0.0/8"));
    CHECK_EQUAL(std::string(), merged(""));
}

TEST(merge, keeps_what_is_apart_apart) {
    CHECK_EQUAL(std::string("10.0.0.1 10.0.0.3"), merged("10.0.0.3 10.0.0.1"));
}

TEST(merge, never_joins_the_families) {
    CHECK_EQUAL(std::string("255.255.255.255 ::"), merged(":: 255.255.255.255"));
    CHECK_EQUAL(std::string("0.0.0.0/0 ::/0"), merged("::/1 8000::/1 0.0.0.0/1 128.0.0.0/1"));
}

TEST(merge, reaches_the_end_of_the_space) {
    CHECK_EQUAL(std::string("255.255.255.254/31"), merged("255.255.255.255 255.255.255.254 255.255.255.255"));
    CHECK_EQUAL(std::string("ffff::/16"), merged("ffff:8000::/17 ffff::/17"));
}

TEST_GROUP(subtract){};

TEST(subtract, cuts_holes) {
    CHECK_EQUAL(std::string("10.0.0.0/31 10.0.0.4/30"), subtracted("10.0.0.0/29", "10.0.0.2/31"));
    CHECK_EQUAL(std::string("10.0.0.1-10.0.0.6"), subtracted("10.0.0.0/29", "10.0.0.0 10.0.0.7"));
    CHECK_EQUAL(std::string(), subtracted("10.0.0.0/29", "10.0.0.0/8"));
    CHECK_EQUAL(std::string("10.0.0.0/29"), subtracted("10.0.0.0/29", "11.0.0.0/8 ::/0"));
}

TEST(subtract, uses_a_hole_for_every_range_that_it_reaches) {
    CHECK_EQUAL(std::string("10.0.0.0 10.0.0.9"),
                subtracted("10.0.0.0-10.0.0.3 10.0.0.6-10.0.0.9", "10.0.0.1-10.0.0.8"));
}

TEST(subtract, works_at_both_ends_of_the_space) {
    CHECK_EQUAL(std::string("0.0.0.1-255.255.255.254"), subtracted("0.0.0.0/0", "0.0.0.0 255.255.255.255"));
    CHECK_EQUAL(std::string("0.0.0.0/0"), subtracted("0.0.0.0/0 ::/0", "::/0"));
}

TEST_GROUP(contains){};

TEST(contains, finds_members_by_family) {
    const std::vector<IpRange> list = merge(ranges("10.0.0.4/30 10.0.0.16/28 2001:db8::/32"));
    for (const char* inside : {"10.0.0.4", "10.0.0.7", "10.0.0.16", "10.0.0.31", "2001:db8::", "2001:db8:ffff::"}) {
        CHECK_TRUE_TEXT(contains(list, IpAddress::parse(inside).value()), inside);
    }
    for (const char* outside :
         {"10.0.0.3", "10.0.0.8", "10.0.0.32", "0.0.0.0", "255.255.255.255", "::", "2001:db9::"}) {
        CHECK_FALSE_TEXT(contains(list, IpAddress::parse(outside).value()), outside);
    }
    CHECK_FALSE(contains({}, IpAddress()));
}

TEST_GROUP(to_prefixes){};

TEST(to_prefixes, makes_the_shortest_list) {
    CHECK_EQUAL(std::string("10.0.0.0/8"), prefixes("10.0.0.0/8"));
    CHECK_EQUAL(std::string("10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32"), prefixes("10.0.0.1-10.0.0.6"));
    CHECK_EQUAL(std::string("0.0.0.0/0"), prefixes("0.0.0.0-255.255.255.255"));
    CHECK_EQUAL(std::string("255.255.255.255/32"), prefixes("255.255.255.255"));
    CHECK_EQUAL(std::string("::/0"), prefixes("::/0"));
    CHECK_EQUAL(62U, to_prefixes(IpRange::parse("0.0.0.1-255.255.255.254").value()).size());
}

TEST_GROUP(count){};

TEST(count, counts_one_family) {
    DOUBLES_EQUAL(256 + 3, counted("10.0.0.0/24 10.0.2.1-10.0.2.3 ::/64", Family::ipv4), 0);
    DOUBLES_EQUAL(0x1p64, counted("10.0.0.0/24 2001:db8::/64", Family::ipv6), 0);
    DOUBLES_EQUAL(0x1p32, counted("0.0.0.0/0", Family::ipv4), 0);
    DOUBLES_EQUAL(0x1p128, counted("::/0", Family::ipv6), 0);
    DOUBLES_EQUAL(2, counted("2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:1::", Family::ipv6), 0);
    DOUBLES_EQUAL(0, counted("", Family::ipv4), 0);
}

TEST_GROUP(range_algebra){};

// in universes of 16 addresses, at the beginning, inside and at the end of each family's space, against bit masks
TEST(range_algebra, agrees_with_sets_of_addresses) {
    std::mt19937 random(20'261'123);
    for (const char* first : {"0.0.0.0", "10.255.255.248", "255.255.255.240", "::", "2001:db8::ffff:fff8",
                              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0"}) {
        std::array<IpAddress, 16> universe{IpAddress::parse(first).value()};
        for (std::size_t index = 1; index < universe.size(); ++index) {
            universe[index] = universe[index - 1];
            CHECK_TRUE(universe[index].increment());
        }
        const auto draw = [&](unsigned& mask) {
            std::vector<IpRange> list;
            mask = 0;
            for (auto number = random() % 5; number > 0; --number) {
                const std::size_t begin = random() % universe.size();
                const std::size_t end = begin + random() % (universe.size() - begin);
                list.push_back({universe[begin], universe[end]});
                for (std::size_t index = begin; index <= end; ++index) {
                    mask |= 1U << index;
                }
            }
            return merge(std::move(list));
        };
        const auto mask_of = [&](const std::vector<IpRange>& list) {
            unsigned mask = 0;
            for (std::size_t index = 0; index < universe.size(); ++index) {
                mask |= contains(list, universe[index]) ? 1U << index : 0;
            }
            return mask;
        };
        for (int round = 0; round < 500; ++round) {
            unsigned left_mask = 0;
            unsigned right_mask = 0;
            const std::vector<IpRange> left = draw(left_mask);
            const std::vector<IpRange> right = draw(right_mask);
            const std::vector<IpRange> difference = subtract(left, right);
            CHECK_EQUAL(left_mask, mask_of(left));
            CHECK_EQUAL(left_mask & ~right_mask, mask_of(difference));
            CHECK_TRUE(merge(difference) == difference);
            DOUBLES_EQUAL(__builtin_popcount(left_mask), count(left, universe[0].family()), 0);
            std::vector<IpRange> rebuilt;
            for (const IpRange& range : left) {
                for (const IpPrefix& prefix : to_prefixes(range)) {
                    rebuilt.push_back(IpRange::of(prefix));
                }
            }
            CHECK_TRUE(merge(rebuilt) == left);
        }
    }
}

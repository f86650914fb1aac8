// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/address/range_set.hpp"
#include "policy/geo/selection.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <string>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::geo;

namespace {

CountryCode country(std::string_view letters) {
    return CountryCode::from_letters(letters).value();
}

IpRange range(std::string_view text) {
    return IpRange::parse(text).value();
}

IpAddress parsed(std::string_view text) {
    return IpAddress::parse(text).value();
}

std::string shown(const Ranges& ranges) {
    std::string text;
    for (const IpRange& each : *ranges.ranges) {
        text += (text.empty() ? "" : " ") + each.text();
    }
    return text;
}

const Ranges& of(const Contents& contents, const Selection& selection, Family family) {
    const auto found = contents.find(selection);
    CHECK(found != contents.end());
    return found->second[static_cast<std::size_t>(family)];
}

const Selection kJapan{{country("JP")}, false};
const Selection kJapanAndUnknown{{country("JP")}, true};
const Selection kTwo{{country("JP"), country("US")}, false};

} // namespace

TEST_GROUP(selection){};

TEST(selection, labels) {
    STRCMP_EQUAL("jp", kJapan.label().c_str());
    STRCMP_EQUAL("jp_unknown", kJapanAndUnknown.label().c_str());
    STRCMP_EQUAL("unknown", (Selection{{}, true}).label().c_str());
    const Selection four{{country("DE"), country("FR"), country("JP"), country("US")}, true};
    STRCMP_EQUAL("4_countries_unknown", four.label().c_str());
}

TEST(selection, private_space_has_no_country) {
    for (const char* text :
         {"10.1.2.3",         "172.31.0.1",  "192.168.1.1", "100.64.0.1",
          "169.254.1.1",      "127.0.0.1",   "0.0.0.0",     "224.0.0.1",
          "255.255.255.255",  "198.18.0.1",  "::",          "::1",
          "fe80::1",          "fd00::1",     "ff02::1",     "::ffff:8.8.8.8",
          "64:ff9b::808:808", "1fff:ffff::", "4000::",      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
        CHECK_FALSE_TEXT(is_global(parsed(text)), text);
    }
    for (const char* text : {"1.1.1.1", "9.255.255.255", "11.0.0.0", "172.32.0.0", "100.128.0.0", "223.255.255.255",
                             "2000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::1"}) {
        CHECK_TEXT(is_global(parsed(text)), text);
    }
}

TEST(selection, neighbours_of_one_selection_merge) {
    Collector collector(std::array{kJapan, kTwo});
    collector.add(range("1.0.0.0/24"), country("JP"));
    collector.add(range("1.0.1.0/24"), country("JP"));
    collector.add(range("1.0.2.0/24"), country("US"));
    collector.add(range("1.0.3.0/24"), std::nullopt);
    collector.add(range("1.0.4.0/24"), country("JP"));
    collector.add(range("2001:200::/32"), country("JP"));
    LONGS_EQUAL(4, collector.ranges_by_country()[country("JP").index()]);
    DOUBLES_EQUAL(1024, collector.covered(Family::ipv4), 0);
    const Contents contents = collector.finish();
    STRCMP_EQUAL("1.0.0.0/23 1.0.4.0/24", shown(of(contents, kJapan, Family::ipv4)).c_str());
    STRCMP_EQUAL("1.0.0.0-1.0.2.255 1.0.4.0/24", shown(of(contents, kTwo, Family::ipv4)).c_str());
    STRCMP_EQUAL("2001:200::/32", shown(of(contents, kJapan, Family::ipv6)).c_str());
    CHECK(of(contents, kJapan, Family::ipv6).hash == of(contents, kTwo, Family::ipv6).hash);
    CHECK(of(contents, kJapan, Family::ipv4).hash != of(contents, kTwo, Family::ipv4).hash);
}

TEST(selection, unknown_space_is_what_is_global_and_has_no_country) {
    Collector collector(std::array{kJapanAndUnknown});
    collector.add(range("0.0.0.0-8.255.255.255"), std::nullopt);
    collector.add(range("9.0.0.0/8"), country("JP"));
    collector.add(range("10.0.0.0-10.255.255.255"), std::nullopt);
    collector.add(range("11.0.0.0/8"), country("EU"));
    collector.add(range("12.0.0.0-255.255.255.255"), country("US"));
    collector.add(range("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), std::nullopt);
    const Contents contents = collector.finish();
    STRCMP_EQUAL("1.0.0.0-9.255.255.255 11.0.0.0/8", shown(of(contents, kJapanAndUnknown, Family::ipv4)).c_str());
    STRCMP_EQUAL("2000::/3", shown(of(contents, kJapanAndUnknown, Family::ipv6)).c_str());
}

TEST(selection, private_space_of_a_database_is_cut_out) {
    Collector collector(std::array{kJapan});
    collector.add(range("192.167.255.0-192.169.0.255"), country("JP"));
    collector.add(range("fd00::/8"), country("JP"));
    const Contents contents = collector.finish();
    STRCMP_EQUAL("192.167.255.0/24 192.169.0.0/24", shown(of(contents, kJapan, Family::ipv4)).c_str());
    STRCMP_EQUAL("", shown(of(contents, kJapan, Family::ipv6)).c_str());
}

TEST(selection, a_selection_that_nothing_falls_into_is_there_and_empty) {
    const Contents contents = Collector(std::array{kTwo, kJapan, kTwo}).finish();
    LONGS_EQUAL(2, contents.size());
    STRCMP_EQUAL("", shown(of(contents, kTwo, Family::ipv4)).c_str());
}

namespace {

/// A quarter of a thousand blocks at an end of the space, each of a country or none, given in random pieces.
void compare_with_obvious_model(Family family, bool at_the_end, std::mt19937& random) {
    constexpr std::size_t kBlocks = 256;
    const std::array<std::optional<CountryCode>, 3> kinds{country("JP"), country("US"), std::nullopt};
    std::array<std::size_t, kBlocks> kind_of{};
    for (std::size_t& kind : kind_of) {
        kind = random() % kinds.size();
    }
    // IPv4: within 220.0.0.0/8 or up to the last global address; IPv6: from 2000:: or up to 3fff:…
    const auto first_of = [&](std::size_t block) {
        std::array<std::uint8_t, 16> bytes{};
        bytes[0] = family == Family::ipv4 ? (at_the_end ? 223 : 1) : (at_the_end ? 0x3f : 0x20);
        bytes[1] = static_cast<std::uint8_t>(block);
        return IpAddress::from_bytes(family, std::span(bytes).first(family == Family::ipv4 ? 4 : 16));
    };
    const auto last_of = [&](std::size_t block) {
        std::array<std::uint8_t, 16> bytes{};
        bytes.fill(0xff);
        bytes[0] = first_of(block).bytes()[0];
        bytes[1] = static_cast<std::uint8_t>(block);
        return IpAddress::from_bytes(family, std::span(bytes).first(family == Family::ipv4 ? 4 : 16));
    };
    const std::array selections{kJapan, kJapanAndUnknown, kTwo, Selection{{}, true}};
    Collector collector(selections);
    for (std::size_t begin = 0; begin < kBlocks;) {
        std::size_t end = begin + 1;
        while (end < kBlocks && kind_of[end] == kind_of[begin] && random() % 2 == 0) {
            ++end;
        }
        collector.add({first_of(begin), last_of(end - 1)}, kinds[kind_of[begin]]);
        begin = end;
    }
    const Contents contents = collector.finish();
    for (const Selection& selection : selections) {
        const auto& ranges = *of(contents, selection, family).ranges;
        for (std::size_t block = 0; block < kBlocks; ++block) {
            const auto& kind = kinds[kind_of[block]];
            const bool wanted =
                kind ? std::ranges::find(selection.countries, *kind) != selection.countries.end() : selection.unknown;
            CHECK_EQUAL(wanted, address::contains(ranges, first_of(block)));
            CHECK_EQUAL(wanted, address::contains(ranges, last_of(block)));
        }
        for (std::size_t index = 1; index < ranges.size(); ++index) {
            IpAddress next = ranges[index - 1].last;
            CHECK(next.increment());
            CHECK(next < ranges[index].first); // merged: never touching
        }
    }
}

} // namespace

TEST(selection, agrees_with_an_obvious_model) {
    std::mt19937 random(20'261'125); // NOLINT: the same sequence each time
    for (int round = 0; round < 25; ++round) {
        for (const Family family : {Family::ipv4, Family::ipv6}) {
            compare_with_obvious_model(family, false, random);
            compare_with_obvious_model(family, true, random);
        }
    }
}

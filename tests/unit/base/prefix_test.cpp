// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/address.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

template <typename T>
std::string read_back(std::string_view text) {
    const Result<T> value = T::parse(text);
    return value ? value->text() : value.error().cause();
}

IpPrefix prefix(std::string_view text) {
    const Result<IpPrefix> value = IpPrefix::parse(text);
    CHECK_TRUE(value.has_value());
    return *value;
}

IpAddress address(std::string_view text) {
    return IpAddress::parse(text).value();
}

} // namespace

TEST_GROUP(prefix){};

TEST(prefix, is_read_and_written) {
    CHECK_EQUAL(std::string("192.0.2.0/24"), read_back<IpPrefix>("192.0.2.0/24"));
    CHECK_EQUAL(std::string("0.0.0.0/0"), read_back<IpPrefix>("0.0.0.0/0"));
    CHECK_EQUAL(std::string("::/0"), read_back<IpPrefix>("::/0"));
    CHECK_EQUAL(std::string("2001:db8::/33"), read_back<IpPrefix>("2001:db8::/33"));
}

TEST(prefix, without_a_length_is_one_address) {
    CHECK_EQUAL(std::string("192.0.2.1/32"), read_back<IpPrefix>("192.0.2.1"));
    CHECK_EQUAL(std::string("2001:db8::1/128"), read_back<IpPrefix>("2001:db8::1"));
}

TEST(prefix, with_host_bits_is_refused_and_told_the_network) {
    CHECK_EQUAL(std::string("has bits set behind the prefix length; the network is 192.0.2.0/25"),
                read_back<IpPrefix>("192.0.2.77/25"));
    CHECK_EQUAL(std::string("has bits set behind the prefix length; the network is 2001:db8::/33"),
                read_back<IpPrefix>("2001:db8:7fff::/33"));
}

TEST(prefix, with_a_bad_length_is_refused) {
    for (const char* text : {"192.0.2.0/33", "192.0.2.0/", "192.0.2.0/ 24", "192.0.2.0/024", "192.0.2.0/-1",
                             "192.0.2.0/24/24", "192.0.2.0/255.255.255.0", "192.0.2.0/99999999999999999999999"}) {
        CHECK_EQUAL(std::string("needs a prefix length from 0 to 32"), read_back<IpPrefix>(text));
    }
    CHECK_EQUAL(std::string("needs a prefix length from 0 to 128"), read_back<IpPrefix>("2001:db8::/129"));
}

TEST(prefix, made_from_an_address_loses_its_host_bits) {
    CHECK_EQUAL(std::string("10.128.0.0/9"), IpPrefix(address("10.255.1.1"), 9).text());
    CHECK_EQUAL(std::string("10.255.1.1/32"), IpPrefix(address("10.255.1.1"), 32).text());
    CHECK_EQUAL(std::string("0.0.0.0/0"), IpPrefix(address("10.255.1.1"), 0).text());
}

TEST(prefix, reaches_from_its_first_to_its_last_address) {
    CHECK_EQUAL(std::string("10.255.255.255"), prefix("10.128.0.0/9").last().text());
    CHECK_EQUAL(std::string("255.255.255.255"), prefix("0.0.0.0/0").last().text());
    CHECK_EQUAL(std::string("2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"), prefix("2001:db8::/33").last().text());
}

TEST(prefix, contains_its_own_addresses_only) {
    CHECK_TRUE(prefix("10.0.1.0/25").contains(address("10.0.1.0")));
    CHECK_TRUE(prefix("10.0.1.0/25").contains(address("10.0.1.127")));
    CHECK_FALSE(prefix("10.0.1.0/25").contains(address("10.0.1.128")));
    CHECK_FALSE(prefix("10.0.1.0/25").contains(address("10.0.0.255")));
    CHECK_TRUE(prefix("0.0.0.0/0").contains(address("255.255.255.255")));
}

TEST(prefix, contains_nothing_of_the_other_family) {
    CHECK_FALSE(prefix("0.0.0.0/0").contains(address("::")));
    CHECK_FALSE(prefix("::/0").contains(address("0.0.0.0")));
    CHECK_FALSE(prefix("::/0").overlaps(prefix("0.0.0.0/0")));
}

TEST(prefix, overlaps_what_it_contains_or_is_contained_in) {
    CHECK_TRUE(prefix("10.0.0.0/8").overlaps(prefix("10.1.0.0/16")));
    CHECK_TRUE(prefix("10.1.0.0/16").overlaps(prefix("10.0.0.0/8")));
    CHECK_FALSE(prefix("10.0.0.0/16").overlaps(prefix("10.1.0.0/16")));
}

TEST_GROUP(interface_address){};

TEST(interface_address, keeps_host_and_network) {
    const InterfaceAddress value = InterfaceAddress::parse("10.0.1.1/24").value();
    CHECK_EQUAL(std::string("10.0.1.1/24"), value.text());
    CHECK_EQUAL(std::string("10.0.1.0/24"), value.network().text());
}

TEST(interface_address, without_a_length_is_refused) {
    CHECK_EQUAL(std::string("needs a prefix length, like 10.0.1.1/24"), read_back<InterfaceAddress>("10.0.1.1"));
    CHECK_EQUAL(std::string("needs a prefix length, like 2001:db8::1/64"), read_back<InterfaceAddress>("2001:db8::1"));
}

TEST_GROUP(ip_range){};

TEST(ip_range, is_written_in_the_shortest_form) {
    CHECK_EQUAL(std::string("192.0.2.1"), read_back<IpRange>("192.0.2.1-192.0.2.1"));
    CHECK_EQUAL(std::string("192.0.2.0/24"), read_back<IpRange>("192.0.2.0-192.0.2.255"));
    CHECK_EQUAL(std::string("0.0.0.0/0"), read_back<IpRange>("0.0.0.0-255.255.255.255"));
    CHECK_EQUAL(std::string("192.0.2.1-192.0.2.255"), read_back<IpRange>("192.0.2.1-192.0.2.255"));
    CHECK_EQUAL(std::string("10.0.0.255-10.0.1.0"), read_back<IpRange>("10.0.0.255-10.0.1.0"));
    CHECK_EQUAL(std::string("2001:db8::/32"), read_back<IpRange>("2001:db8::/32"));
    CHECK_EQUAL(std::string("2001:db8::1-2001:db8::9"), read_back<IpRange>("2001:db8::1-2001:db8::9"));
}

TEST(ip_range, that_ends_before_it_begins_is_refused) {
    CHECK_EQUAL(std::string("ends before it begins"), read_back<IpRange>("192.0.2.9-192.0.2.1"));
}

TEST(ip_range, over_two_families_is_refused) {
    CHECK_EQUAL(std::string("begins and ends in different address families"), read_back<IpRange>("192.0.2.9-::1"));
}

TEST(ip_range, with_a_missing_or_prefixed_end_is_refused) {
    for (const char* text : {"-", "192.0.2.1-", "-192.0.2.1", "192.0.2.0/24-192.0.3.0/24", "192.0.2.1 - 192.0.2.9",
                             "192.0.2.1-192.0.2.2-192.0.2.3"}) {
        CHECK_FALSE_TEXT(IpRange::parse(text).has_value(), text);
    }
}

TEST(ip_range, contains_both_ends) {
    const IpRange range = IpRange::parse("10.0.0.5-10.0.0.9").value();
    CHECK_TRUE(range.contains(address("10.0.0.5")));
    CHECK_TRUE(range.contains(address("10.0.0.9")));
    CHECK_FALSE(range.contains(address("10.0.0.4")));
    CHECK_FALSE(range.contains(address("10.0.0.10")));
}

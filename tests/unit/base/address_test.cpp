// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/address.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

/// The text that an address is shown with after it was read, or "refused".
std::string read_back(std::string_view text) {
    const Result<IpAddress> address = IpAddress::parse(text);
    return address ? address->text() : "refused";
}

IpAddress parsed(std::string_view text) {
    const Result<IpAddress> address = IpAddress::parse(text);
    CHECK_TRUE(address.has_value());
    return *address;
}

} // namespace

TEST_GROUP(ipv4_address){};

TEST(ipv4_address, reads_dotted_quads) {
    CHECK_EQUAL(std::string("0.0.0.0"), read_back("0.0.0.0"));
    CHECK_EQUAL(std::string("203.0.113.7"), read_back("203.0.113.7"));
    CHECK_EQUAL(std::string("255.255.255.255"), read_back("255.255.255.255"));
    CHECK_EQUAL(0xcb00'7107U, parsed("203.0.113.7").to_v4());
}

TEST(ipv4_address, keeps_network_byte_order) {
    const IpAddress address = parsed("1.2.3.4");
    const std::span<const std::uint8_t> bytes = address.bytes();
    CHECK_EQUAL(4U, bytes.size());
    CHECK_EQUAL(1, bytes[0]);
    CHECK_EQUAL(4, bytes[3]);
    CHECK_TRUE(IpAddress::from_bytes(Family::ipv4, bytes) == IpAddress::v4(0x0102'0304));
}

TEST(ipv4_address, with_a_leading_zero_is_refused) {
    CHECK_EQUAL(std::string("refused"), read_back("010.0.0.1"));
    CHECK_EQUAL(std::string("refused"), read_back("10.0.0.00"));
}

TEST(ipv4_address, with_the_wrong_number_of_parts_is_refused) {
    CHECK_EQUAL(std::string("refused"), read_back("10.0.1"));
    CHECK_EQUAL(std::string("refused"), read_back("10.0.0.1.2"));
    CHECK_EQUAL(std::string("refused"), read_back("10.0.0."));
    CHECK_EQUAL(std::string("refused"), read_back(".10.0.0"));
    CHECK_EQUAL(std::string("refused"), read_back("10..0.1"));
    CHECK_EQUAL(std::string("refused"), read_back("3405803783"));
}

TEST(ipv4_address, with_a_number_over_255_is_refused) {
    CHECK_EQUAL(std::string("refused"), read_back("10.0.0.256"));
    CHECK_EQUAL(std::string("refused"), read_back("10.0.0.99999999999999999999"));
}

TEST(ipv4_address, with_anything_around_it_is_refused) {
    CHECK_EQUAL(std::string("refused"), read_back(""));
    CHECK_EQUAL(std::string("refused"), read_back(" 10.0.0.1"));
    CHECK_EQUAL(std::string("refused"), read_back("10.0.0.1 "));
    CHECK_EQUAL(std::string("refused"), read_back("+10.0.0.1"));
    CHECK_EQUAL(std::string("refused"), read_back("0x0a.0.0.1"));
    CHECK_EQUAL(std::string("refused"), read_back(std::string_view("10.0.0.1\0", 9)));
}

TEST(ipv4_address, that_is_refused_is_named_in_the_error_safely_and_briefly) {
    const Result<IpAddress> address = IpAddress::parse("10.0.0.\x1b[2J");
    CHECK_EQUAL(std::string("address: '10.0.0.\\x1b[2J': is not an IP address"), address.error().message());
    CHECK_TRUE(IpAddress::parse(std::string(1'000'000, '1')).error().message().size() < 200);
}

TEST_GROUP(ipv6_address){};

TEST(ipv6_address, reads_the_forms_of_rfc_4291) {
    CHECK_EQUAL(std::string("2001:db8::8:800:200c:417a"), read_back("2001:DB8:0:0:8:800:200C:417A"));
    CHECK_EQUAL(std::string("ff01::101"), read_back("FF01::101"));
    CHECK_EQUAL(std::string("::1"), read_back("0:0:0:0:0:0:0:1"));
    CHECK_EQUAL(std::string("::"), read_back("::"));
    CHECK_EQUAL(std::string("2001:db8::"), read_back("2001:db8::"));
    CHECK_EQUAL(std::string("::d01:4403"), read_back("::13.1.68.3"));
    CHECK_EQUAL(std::string("64:ff9b::c000:221"), read_back("64:ff9b::192.0.2.33"));
    CHECK_EQUAL(std::string("1:2:3:4:5:6:708:90a"), read_back("1:2:3:4:5:6:7.8.9.10"));
}

TEST(ipv6_address, is_written_as_rfc_5952_says) {
    CHECK_EQUAL(std::string("2001:db8::1"), read_back("2001:0db8::0001"));
    CHECK_EQUAL(std::string("2001:db8::2:1"), read_back("2001:db8:0:0:0:0:2:1"));
    CHECK_EQUAL(std::string("2001:db8:0:1:1:1:1:1"), read_back("2001:db8::1:1:1:1:1"));
    CHECK_EQUAL(std::string("2001:0:0:1::1"), read_back("2001:0:0:1:0:0:0:1"));
    CHECK_EQUAL(std::string("2001:db8::1:0:0:1"), read_back("2001:db8:0:0:1:0:0:1"));
    CHECK_EQUAL(std::string("2001:db8::aaaa:0:0:1"), read_back("2001:db8::AAAA:0:0:1"));
    CHECK_EQUAL(std::string("1:2:3:4:5:6::"), read_back("1:2:3:4:5:6:0:0"));
}

TEST(ipv6_address, with_a_mapped_ipv4_address_stays_ipv6) {
    CHECK_TRUE(parsed("::ffff:192.0.2.1").family() == Family::ipv6);
    CHECK_EQUAL(std::string("::ffff:192.0.2.1"), read_back("::FFFF:c000:201"));
}

TEST(ipv6_address, with_too_few_or_too_many_groups_is_refused) {
    CHECK_EQUAL(std::string("refused"), read_back("1:2:3:4:5:6:7"));
    CHECK_EQUAL(std::string("refused"), read_back("1:2:3:4:5:6:7:8:9"));
    CHECK_EQUAL(std::string("refused"), read_back("1:2:3:4:5:6:7:1.2.3.4"));
    CHECK_EQUAL(std::string("refused"), read_back("1:2:3:4::5:6:7:8"));
    CHECK_EQUAL(std::string("refused"), read_back("1:2:3:4:5:6:7:8::"));
    CHECK_EQUAL(std::string("1:2:3:4:5:6:7:0"), read_back("1:2:3:4:5:6:7::"));
}

TEST(ipv6_address, with_misplaced_colons_is_refused) {
    CHECK_EQUAL(std::string("refused"), read_back(":"));
    CHECK_EQUAL(std::string("refused"), read_back(":::"));
    CHECK_EQUAL(std::string("refused"), read_back("1::2::3"));
    CHECK_EQUAL(std::string("refused"), read_back(":1:2:3:4:5:6:7"));
    CHECK_EQUAL(std::string("refused"), read_back("1:2:3:4:5:6:7:"));
    CHECK_EQUAL(std::string("refused"), read_back("1:2:3:4:5:6:7:8:"));
    CHECK_EQUAL(std::string("refused"), read_back("1::2:"));
}

TEST(ipv6_address, with_a_bad_group_is_refused) {
    CHECK_EQUAL(std::string("refused"), read_back("2001:db8::12345"));
    CHECK_EQUAL(std::string("refused"), read_back("2001:db8::g"));
    CHECK_EQUAL(std::string("refused"), read_back("2001:db8:: 1"));
    CHECK_EQUAL(std::string("refused"), read_back("::1.2.3"));
    CHECK_EQUAL(std::string("refused"), read_back("::01.2.3.4"));
    CHECK_EQUAL(std::string("refused"), read_back("1.2.3.4::"));
    CHECK_EQUAL(std::string("refused"), read_back("::1.2.3.4:5"));
}

TEST(ipv6_address, with_a_zone_is_refused_with_the_reason) {
    CHECK_EQUAL(std::string("address: 'fe80::1%eth0': is an address with a zone, which has no meaning here"),
                IpAddress::parse("fe80::1%eth0").error().message());
}

TEST_GROUP(ip_address_kind){};

TEST(ip_address_kind, names_private_and_shared_space) {
    for (const char* text :
         {"10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1", "100.64.0.0", "100.127.255.255",
          "169.254.1.1", "127.0.0.1", "fc00::1", "fdff::", "fe80::1", "febf::1", "::1"}) {
        CHECK_TRUE_TEXT(parsed(text).is_private(), text);
    }
    for (const char* text : {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
                             "192.169.0.0", "100.63.255.255", "100.128.0.0", "169.253.255.255", "128.0.0.1",
                             "fe00::", "fec0::1", "2001:db8::1", "::", "::2"}) {
        CHECK_FALSE_TEXT(parsed(text).is_private(), text);
    }
}

TEST(ip_address_kind, names_link_local_loopback_multicast_and_unspecified) {
    CHECK_TRUE(parsed("169.254.0.0").is_link_local());
    CHECK_FALSE(parsed("10.0.0.1").is_link_local());
    CHECK_TRUE(parsed("127.255.255.255").is_loopback());
    CHECK_TRUE(parsed("::1").is_loopback());
    CHECK_FALSE(parsed("1::1").is_loopback());
    CHECK_TRUE(parsed("224.0.0.0").is_multicast());
    CHECK_TRUE(parsed("239.255.255.255").is_multicast());
    CHECK_FALSE(parsed("240.0.0.0").is_multicast());
    CHECK_TRUE(parsed("ff02::1").is_multicast());
    CHECK_TRUE(parsed("0.0.0.0").is_unspecified());
    CHECK_TRUE(parsed("::").is_unspecified());
    CHECK_FALSE(parsed("0.0.0.1").is_unspecified());
}

TEST_GROUP(ip_address_order){};

TEST(ip_address_order, is_by_family_then_number) {
    CHECK_TRUE(parsed("9.0.0.0") < parsed("10.0.0.0"));
    CHECK_TRUE(parsed("255.255.255.255") < parsed("::"));
    CHECK_TRUE(parsed("2001:db8::ff") < parsed("2001:db8::100"));
}

TEST(ip_address_order, is_walked_step_by_step_with_carries) {
    IpAddress address = parsed("10.0.255.255");
    CHECK_TRUE(address.increment());
    CHECK_EQUAL(std::string("10.1.0.0"), address.text());
    CHECK_TRUE(address.decrement());
    CHECK_EQUAL(std::string("10.0.255.255"), address.text());
    IpAddress long_one = parsed("2001:db8::ffff:ffff");
    CHECK_TRUE(long_one.increment());
    CHECK_EQUAL(std::string("2001:db8::1:0:0"), long_one.text());
}

TEST(ip_address_order, ends_at_both_ends_of_the_space) {
    for (const char* text : {"255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
        IpAddress address = parsed(text);
        CHECK_FALSE(address.increment());
        CHECK_EQUAL(std::string(text), address.text());
    }
    for (const char* text : {"0.0.0.0", "::"}) {
        IpAddress address = parsed(text);
        CHECK_FALSE(address.decrement());
        CHECK_EQUAL(std::string(text), address.text());
    }
}

TEST_GROUP(mac_address){};

TEST(mac_address, reads_both_separators_and_writes_one_form) {
    CHECK_EQUAL(std::string("00:11:22:aa:bb:cc"), MacAddress::parse("00:11:22:AA:BB:CC")->text());
    CHECK_EQUAL(std::string("00:11:22:aa:bb:cc"), MacAddress::parse("00-11-22-aa-bb-cc")->text());
}

TEST(mac_address, that_is_malformed_is_refused) {
    for (const char* text : {"", "00:11:22:33:44", "00:11:22:33:44:5", "00:11:22:33:44:55:66", "00:11-22:33:44:55",
                             "001:1:22:33:44:55", "0g:11:22:33:44:55", "00.11.22.33.44.55", "00:11:22:33:44:55 "}) {
        CHECK_FALSE_TEXT(MacAddress::parse(text).has_value(), text);
    }
}

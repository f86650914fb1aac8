// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/packet/packet.hpp"

#include <initializer_list>
#include <vector>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using packet::Headers;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

/// From 192.0.2.1 to 198.51.100.2; the total length is right unless it is changed afterwards.
Bytes ipv4(std::uint8_t protocol, const Bytes& payload, std::uint16_t fragment = 0) {
    const auto total = static_cast<std::uint16_t>(20 + payload.size());
    return Bytes{0x45,
                 0,
                 static_cast<std::uint8_t>(total >> 8),
                 static_cast<std::uint8_t>(total),
                 0,
                 1,
                 static_cast<std::uint8_t>(fragment >> 8),
                 static_cast<std::uint8_t>(fragment),
                 64,
                 protocol,
                 0,
                 0,
                 192,
                 0,
                 2,
                 1,
                 198,
                 51,
                 100,
                 2} +
           payload;
}

/// From 2001:db8::1 to 2001:db8::2.
Bytes ipv6(std::uint8_t next, const Bytes& payload) {
    Bytes header{
        0x60, 0,  0, 0, static_cast<std::uint8_t>(payload.size() >> 8), static_cast<std::uint8_t>(payload.size()),
        next, 255};
    for (const std::uint8_t last : {std::uint8_t{1}, std::uint8_t{2}}) {
        header = header + Bytes{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last};
    }
    return header + payload;
}

/// Ports 40000 to 443, flags SYN and ACK.
const Bytes kTcp{0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x12, 0xff, 0xff, 0, 0, 0, 0};
/// Ports 53 to 40000.
const Bytes kUdp{0, 53, 0x9c, 0x40, 0, 8, 0, 0};
/// Destination unreachable, port.
const Bytes kIcmp{3, 3, 0, 0, 0, 0, 0, 0};

/// An option header of eight bytes, or of sixteen.
Bytes options(std::uint8_t next) {
    return {next, 0, 1, 4, 0, 0, 0, 0};
}

Bytes long_options(std::uint8_t next) {
    return Bytes{next, 1, 1, 12} + Bytes(12, 0);
}

Bytes fragment(std::uint8_t next, std::uint16_t offset_and_flags) {
    return {
        next, 0, static_cast<std::uint8_t>(offset_and_flags >> 8), static_cast<std::uint8_t>(offset_and_flags), 0, 0,
        0,    7};
}

/// Reads from memory that ends where the packet does, so that a sanitizer sees a byte too many.
std::optional<Headers> read(const Bytes& bytes) {
    const Bytes exact(bytes.begin(), bytes.end());
    return packet::read_headers(exact);
}

Headers must_read(const Bytes& bytes) {
    const std::optional<Headers> headers = read(bytes);
    CHECK_TRUE(headers.has_value());
    return *headers;
}

void check_tcp(const Headers& headers) {
    CHECK_EQUAL(6, headers.protocol);
    CHECK_TRUE(headers.transport_complete);
    CHECK_EQUAL(40'000, headers.source_port);
    CHECK_EQUAL(443, headers.destination_port);
    CHECK_EQUAL(0x12, headers.tcp_flags);
}

} // namespace

TEST_GROUP(ipv4_packet){};

TEST(ipv4_packet, with_tcp_is_read) {
    const Headers headers = must_read(ipv4(6, kTcp));
    CHECK_TRUE(headers.family == Family::ipv4);
    CHECK_EQUAL(std::string("192.0.2.1"), headers.source.text());
    CHECK_EQUAL(std::string("198.51.100.2"), headers.destination.text());
    CHECK_EQUAL(64, headers.hop_limit);
    CHECK_FALSE(headers.fragment);
    check_tcp(headers);
}

TEST(ipv4_packet, with_udp_has_ports_and_no_flags) {
    const Headers headers = must_read(ipv4(17, kUdp));
    CHECK_TRUE(headers.transport_complete);
    CHECK_EQUAL(53, headers.source_port);
    CHECK_EQUAL(40'000, headers.destination_port);
    CHECK_EQUAL(0, headers.tcp_flags);
}

TEST(ipv4_packet, with_icmp_has_type_and_code_and_no_ports) {
    const Headers headers = must_read(ipv4(1, kIcmp));
    CHECK_TRUE(headers.transport_complete);
    CHECK_EQUAL(3, headers.icmp_type);
    CHECK_EQUAL(3, headers.icmp_code);
    CHECK_EQUAL(0, headers.destination_port);
}

TEST(ipv4_packet, with_another_protocol_has_no_transport_header) {
    const Headers headers = must_read(ipv4(47, Bytes(40, 0xff)));
    CHECK_EQUAL(47, headers.protocol);
    CHECK_FALSE(headers.transport_complete);
    CHECK_EQUAL(0, headers.source_port);
}

TEST(ipv4_packet, with_options_is_read_behind_them) {
    Bytes bytes = ipv4(6, Bytes(8, 1) + kTcp);
    bytes[0] = 0x47;
    check_tcp(must_read(bytes));
}

TEST(ipv4_packet, that_begins_a_fragmented_one_has_its_transport_header) {
    const Headers headers = must_read(ipv4(6, kTcp, 0x2000));
    CHECK_TRUE(headers.fragment);
    CHECK_FALSE(headers.later_fragment);
    check_tcp(headers);
}

TEST(ipv4_packet, that_is_a_later_fragment_has_no_transport_header) {
    const Headers headers = must_read(ipv4(6, kTcp, 0x00b9));
    CHECK_TRUE(headers.fragment);
    CHECK_TRUE(headers.later_fragment);
    CHECK_FALSE(headers.transport_complete);
    CHECK_EQUAL(0, headers.destination_port);
}

TEST(ipv4_packet, that_may_not_be_fragmented_is_no_fragment) {
    CHECK_FALSE(must_read(ipv4(6, kTcp, 0x4000)).fragment);
}

TEST(ipv4_packet, with_padding_behind_its_length_does_not_read_it) {
    Bytes bytes = ipv4(17, {});
    CHECK_FALSE(must_read(bytes + kUdp).transport_complete);
}

TEST(ipv4_packet, with_length_zero_reaches_to_the_end) {
    Bytes bytes = ipv4(6, kTcp);
    bytes[2] = bytes[3] = 0;
    check_tcp(must_read(bytes));
}

TEST(ipv4_packet, with_a_header_length_below_twenty_is_refused) {
    Bytes bytes = ipv4(6, kTcp);
    bytes[0] = 0x44;
    CHECK_FALSE(read(bytes).has_value());
}

TEST(ipv4_packet, with_a_total_length_below_its_header_is_refused) {
    Bytes bytes = ipv4(6, kTcp);
    bytes[3] = 19;
    CHECK_FALSE(read(bytes).has_value());
}

TEST(ipv4_packet, with_options_cut_off_is_refused) {
    Bytes bytes = ipv4(6, Bytes(4, 0));
    bytes[0] = 0x4f;
    CHECK_FALSE(read(bytes).has_value());
}

TEST(ipv4_packet, cut_short_keeps_what_is_there) {
    const Bytes whole = ipv4(6, kTcp);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const std::optional<Headers> headers = read(Bytes(whole.begin(), whole.begin() + static_cast<long>(size)));
        CHECK_EQUAL(size >= 20, headers.has_value());
        if (headers) {
            CHECK_EQUAL(6, headers->protocol);
            CHECK_EQUAL(size == whole.size(), headers->transport_complete);
            CHECK_EQUAL(size == whole.size() ? 443 : 0, headers->destination_port);
        }
    }
}

TEST_GROUP(ipv6_packet){};

TEST(ipv6_packet, with_tcp_is_read) {
    const Headers headers = must_read(ipv6(6, kTcp));
    CHECK_TRUE(headers.family == Family::ipv6);
    CHECK_EQUAL(std::string("2001:db8::1"), headers.source.text());
    CHECK_EQUAL(std::string("2001:db8::2"), headers.destination.text());
    CHECK_EQUAL(255, headers.hop_limit);
    check_tcp(headers);
}

TEST(ipv6_packet, with_icmpv6_has_type_and_code) {
    const Headers headers = must_read(ipv6(58, {135, 0, 0, 0, 0, 0, 0, 0}));
    CHECK_TRUE(headers.transport_complete);
    CHECK_EQUAL(135, headers.icmp_type);
}

TEST(ipv6_packet, is_read_behind_its_extension_headers) {
    check_tcp(must_read(ipv6(0, options(43) + long_options(60) + options(6) + kTcp)));
}

TEST(ipv6_packet, is_read_behind_many_extension_headers) {
    Bytes chain;
    for (int count = 0; count < 100; ++count) {
        chain = chain + options(60);
    }
    check_tcp(must_read(ipv6(60, chain + options(6) + kTcp)));
}

TEST(ipv6_packet, with_an_authentication_header_ends_there_as_in_the_kernel) {
    const Headers headers = must_read(ipv6(51, Bytes{6, 1, 0, 0} + Bytes(8, 0) + kTcp));
    CHECK_EQUAL(51, headers.protocol);
    CHECK_FALSE(headers.transport_complete);
}

TEST(ipv6_packet, without_a_next_header_has_no_transport_header) {
    const Headers headers = must_read(ipv6(59, kTcp));
    CHECK_EQUAL(59, headers.protocol);
    CHECK_FALSE(headers.transport_complete);
}

TEST(ipv6_packet, that_begins_a_fragmented_one_has_its_transport_header) {
    const Headers headers = must_read(ipv6(44, fragment(6, 1) + kTcp));
    CHECK_TRUE(headers.fragment);
    CHECK_FALSE(headers.later_fragment);
    check_tcp(headers);
}

TEST(ipv6_packet, that_is_a_later_fragment_has_no_transport_header) {
    const Headers headers = must_read(ipv6(0, options(44) + fragment(6, 8) + kTcp));
    CHECK_EQUAL(6, headers.protocol);
    CHECK_TRUE(headers.later_fragment);
    CHECK_FALSE(headers.transport_complete);
}

TEST(ipv6_packet, that_is_a_later_fragment_hides_no_extension_header) {
    const Headers headers = must_read(ipv6(44, fragment(60, 8) + options(6) + kTcp));
    CHECK_EQUAL(60, headers.protocol);
    CHECK_FALSE(headers.transport_complete);
}

TEST(ipv6_packet, with_a_fragment_header_but_whole_is_no_fragment) {
    const Headers headers = must_read(ipv6(44, fragment(6, 0) + kTcp));
    CHECK_FALSE(headers.fragment);
    check_tcp(headers);
}

TEST(ipv6_packet, with_a_second_fragment_header_stays_a_fragment) {
    const Headers headers = must_read(ipv6(44, fragment(44, 1) + fragment(6, 0) + kTcp));
    CHECK_TRUE(headers.fragment);
    check_tcp(headers);
}

TEST(ipv6_packet, with_an_extension_header_longer_than_itself_ends_there) {
    const Headers headers = must_read(ipv6(60, Bytes{6, 200, 0, 0, 0, 0, 0, 0} + kTcp));
    CHECK_EQUAL(60, headers.protocol);
    CHECK_FALSE(headers.transport_complete);
}

TEST(ipv6_packet, with_padding_behind_its_length_does_not_read_it) {
    Bytes bytes = ipv6(60, options(17));
    CHECK_FALSE(must_read(bytes + kUdp).transport_complete);
}

TEST(ipv6_packet, with_length_zero_reaches_to_the_end) {
    Bytes bytes = ipv6(6, kTcp);
    bytes[4] = bytes[5] = 0;
    check_tcp(must_read(bytes));
}

TEST(ipv6_packet, cut_short_keeps_what_is_there) {
    const Bytes whole = ipv6(0, options(43) + long_options(44) + fragment(6, 1) + kTcp);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const std::optional<Headers> headers = read(Bytes(whole.begin(), whole.begin() + static_cast<long>(size)));
        CHECK_EQUAL(size >= 40, headers.has_value());
        if (headers) {
            CHECK_EQUAL(size < 48 ? 0 : size < 64 ? 43 : size < 72 ? 44 : 6, headers->protocol);
            CHECK_EQUAL(size == whole.size(), headers->transport_complete);
        }
    }
}

TEST_GROUP(other_packet){};

TEST(other_packet, of_another_version_is_refused) {
    for (unsigned version = 0; version < 16; ++version) {
        Bytes bytes = ipv6(6, kTcp);
        bytes[0] = static_cast<std::uint8_t>(version << 4 | 5);
        CHECK_EQUAL(version == 4 || version == 6, read(bytes).has_value());
    }
}

TEST(other_packet, without_bytes_is_refused) {
    CHECK_FALSE(packet::read_headers({}).has_value());
}

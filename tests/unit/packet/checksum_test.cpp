// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/bytes.hpp"
#include "policy/packet/checksum.hpp"

#include <random>
#include <vector>

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

/// Word by word, as RFC 1071 says it.
std::uint16_t by_the_book(std::span<const std::uint8_t> bytes, std::uint32_t sum) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        sum += static_cast<std::uint32_t>(bytes[at]) << (at % 2 == 0 ? 8 : 0);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(sum);
}

/// From 192.0.2.1 to 198.51.100.2, ports and payload of zeros; the sum is that of the pseudo header.
std::vector<std::uint8_t> unmade(std::uint8_t protocol, std::size_t payload) {
    std::vector<std::uint8_t> packet{0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2};
    packet.resize(20 + payload);
    packet[3] = static_cast<std::uint8_t>(packet.size());
    if (protocol == 6) {
        packet[32] = 0x50;
    }
    const std::uint16_t sum =
        by_the_book(std::span(packet).subspan(12, 8), protocol + static_cast<std::uint32_t>(payload));
    const std::size_t at = 20 + (protocol == 6 ? 16U : 6U);
    packet[at] = static_cast<std::uint8_t>(sum >> 8);
    packet[at + 1] = static_cast<std::uint8_t>(sum);
    return packet;
}

bool is_unmade(const std::vector<std::uint8_t>& packet, std::size_t size) {
    const auto headers = packet::read_headers(packet);
    CHECK(headers.has_value());
    return packet::payload_sum_is_unmade(*headers, std::span(packet).subspan(headers->transport_at), size);
}

} // namespace

TEST_GROUP(checksum){};

TEST(checksum, is_the_same_as_word_by_word_for_every_length_and_place) {
    std::mt19937 random(1);
    std::vector<std::uint8_t> bytes(200);
    for (std::uint8_t& byte : bytes) {
        byte = static_cast<std::uint8_t>(random());
    }
    for (std::size_t from = 0; from < 9; ++from) {
        for (std::size_t length = 0; length <= 150; ++length) {
            const auto part = std::span<const std::uint8_t>(bytes).subspan(from, length);
            LONGS_EQUAL(by_the_book(part, 0x1234), packet::ones_sum(part, 0x1234));
        }
    }
}

TEST(checksum, carries_of_many_bytes_are_kept) {
    const std::vector<std::uint8_t> bytes(65'535, 0xff);
    LONGS_EQUAL(by_the_book(bytes, 0), packet::ones_sum(bytes));
}

TEST(checksum, one_that_the_interface_was_to_make_is_told) {
    for (const std::uint8_t protocol : {std::uint8_t{6}, std::uint8_t{17}}) {
        std::vector<std::uint8_t> packet = unmade(protocol, 40);
        CHECK(is_unmade(packet, 40));
        CHECK(!is_unmade(packet, 41));
        const auto headers = packet::read_headers(packet);
        CHECK(!packet::payload_sum_holds(*headers, protocol, std::span(packet).subspan(20)));
        packet[20 + (protocol == 6 ? 16U : 6U)] ^= 1;
        CHECK(!is_unmade(packet, 40));
    }
}

TEST(checksum, what_has_none_or_lies_behind_the_end_is_not_unmade) {
    CHECK(!is_unmade(unmade(47, 40), 40));
    std::vector<std::uint8_t> cut = unmade(6, 40);
    cut.resize(36);
    CHECK(!is_unmade(cut, 40));
    std::vector<std::uint8_t> fragment = unmade(17, 40);
    fragment[6] = 0x20; // more follow
    CHECK(!is_unmade(fragment, 40));
}

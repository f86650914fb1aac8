// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/reassembly.hpp"
#include "tests/unit/judge/fixture.hpp"

#include <algorithm>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using judge::Reassembly;
using Outcome = Reassembly::Outcome;
using test::Bytes;

namespace {

const Bytes kWhole = test::udp("203.0.113.5", "198.51.100.2", 5000, 53, 40); // 48 bytes behind its header

/// An IPv6 fragment of 16 bytes at an offset.
Bytes v6_piece(std::uint16_t offset, bool more, std::size_t size = 16) {
    Bytes payload{
        17, 0, static_cast<std::uint8_t>(offset >> 8), static_cast<std::uint8_t>(offset | (more ? 1 : 0)), 0, 0, 0, 9};
    payload.resize(8 + size, 0x20);
    return test::packet("2001:db8::5", "2001:db8::6", 44, std::move(payload));
}

} // namespace

TEST_GROUP(reassembly) {
    Reassembly reassembly{4};
    Time now = test::at(100);

    Reassembly::Result take(const Bytes& packet) {
        return reassembly.take(packet, packet::Addressed::host, now);
    }

    void is(Outcome outcome, const Bytes& packet) {
        LONGS_EQUAL(static_cast<int>(outcome), static_cast<int>(take(packet).outcome));
    }
};

TEST(reassembly, what_is_whole_passes) {
    is(Outcome::whole, kWhole);
    is(Outcome::whole, test::udp("2001:db8::5", "2001:db8::6", 1, 2));
}

TEST(reassembly, pieces_make_up_the_packet_in_any_order) {
    const auto parts = test::pieces(kWhole, 16);
    is(Outcome::waiting, parts[1]);
    is(Outcome::waiting, parts[2]);
    const auto whole = take(parts[0]);
    LONGS_EQUAL(static_cast<int>(Outcome::complete), static_cast<int>(whole.outcome));
    CHECK(std::ranges::equal(std::span(kWhole).subspan(20), whole.packet.subspan(20)));
    LONGS_EQUAL(kWhole.size(), whole.packet[2] << 8 | whole.packet[3]);
}

TEST(reassembly, a_piece_that_comes_twice_changes_nothing) {
    const auto parts = test::pieces(kWhole, 16);
    is(Outcome::waiting, parts[0]);
    is(Outcome::discarded, parts[0]);
    is(Outcome::waiting, parts[1]);
    is(Outcome::complete, parts[2]);
}

TEST(reassembly, pieces_that_overlap_take_the_datagram_away) {
    const auto parts = test::pieces(kWhole, 16);
    const auto others = test::pieces(kWhole, 24);
    is(Outcome::waiting, parts[0]);
    is(Outcome::waiting, parts[2]);
    is(Outcome::discarded, others[0]); // across the end of the first
    is(Outcome::waiting, parts[1]);    // of a new datagram
}

TEST(reassembly, waiting_has_an_end) {
    const auto parts = test::pieces(kWhole, 24);
    is(Outcome::waiting, parts[0]);
    now = test::at(130);
    is(Outcome::waiting, parts[1]);
}

TEST(reassembly, more_datagrams_than_there_is_room_for_push_out_the_oldest) {
    auto parts = test::pieces(kWhole, 24);
    is(Outcome::waiting, parts[0]);
    for (std::uint8_t other = 1; other <= 4; ++other) {
        Bytes piece = parts[0];
        piece[15] = other; // another source; its header is taken as sound
        now = test::at(100 + other);
        is(Outcome::waiting, piece);
    }
    is(Outcome::waiting, parts[1]);
}

TEST(reassembly, ipv6_pieces_make_up_the_packet_without_their_headers) {
    is(Outcome::waiting, v6_piece(16, false));
    const auto whole = take(v6_piece(0, true));
    LONGS_EQUAL(static_cast<int>(Outcome::complete), static_cast<int>(whole.outcome));
    LONGS_EQUAL(40 + 32, whole.packet.size());
    LONGS_EQUAL(17, whole.packet[6]);
}

TEST(reassembly, an_ipv6_datagram_in_one_piece_loses_its_fragment_header) {
    const auto whole = take(v6_piece(0, false));
    LONGS_EQUAL(static_cast<int>(Outcome::complete), static_cast<int>(whole.outcome));
    LONGS_EQUAL(40 + 16, whole.packet.size());
}

TEST(reassembly, an_ipv6_piece_that_misfits_leaves_the_others) {
    is(Outcome::waiting, v6_piece(16, false));
    is(Outcome::discarded, v6_piece(8, false, 8)); // ends before the end
    is(Outcome::complete, v6_piece(0, true));
}

TEST(reassembly, an_ipv6_piece_of_odd_size_takes_the_datagram_away) {
    is(Outcome::waiting, v6_piece(16, false));
    is(Outcome::discarded, v6_piece(0, true, 13));
    is(Outcome::waiting, v6_piece(0, true));
}

TEST(reassembly, a_first_ipv6_piece_without_its_transport_header_is_no_fragment_to_wait_for) {
    is(Outcome::whole, v6_piece(0, true, 7));
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/packet/checksum.hpp"
#include "policy/packet/frame.hpp"

#include <vector>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using packet::Addressed;
using packet::Frame;
using packet::LinkType;

namespace {

using Bytes = std::vector<std::uint8_t>;
using Content = Frame::Content;

Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

const Bytes kV4{0x45, 0, 0, 20, 1, 2, 3};
const Bytes kV6{0x60, 9, 9};
const Bytes kAddresses{0x52, 0, 0, 0, 0, 1, 0x52, 0, 0, 0, 0, 2};

void check_packet(const Frame& frame, const Bytes& packet) {
    LONGS_EQUAL(static_cast<int>(Content::ip), static_cast<int>(frame.content));
    CHECK(Bytes(frame.packet.begin(), frame.packet.end()) == packet);
}

void check_content(Content expected, LinkType type, const Bytes& bytes) {
    const Frame frame = packet::read_frame(type, bytes);
    LONGS_EQUAL(static_cast<int>(expected), static_cast<int>(frame.content));
    CHECK(frame.packet.empty());
}

} // namespace

TEST_GROUP(frame){};

TEST(frame, ethernet_has_addresses_and_a_type) {
    const Bytes bytes = kAddresses + Bytes{8, 0} + kV4;
    const Frame frame = packet::read_frame(LinkType::ethernet, bytes);
    check_packet(frame, kV4);
    STRCMP_EQUAL("52:00:00:00:00:02", frame.source->text().c_str());
    STRCMP_EQUAL("52:00:00:00:00:01", frame.destination->text().c_str());
    LONGS_EQUAL(static_cast<int>(Addressed::host), static_cast<int>(frame.addressed));
    check_packet(packet::read_frame(LinkType::ethernet, kAddresses + Bytes{0x86, 0xdd} + kV6), kV6);
}

TEST(frame, ethernet_says_whether_it_is_for_several) {
    Bytes bytes = kAddresses + Bytes{8, 0} + kV4;
    bytes[0] = 0x33;
    LONGS_EQUAL(static_cast<int>(Addressed::multicast),
                static_cast<int>(packet::read_frame(LinkType::ethernet, bytes).addressed));
    std::fill_n(bytes.begin(), 6, std::uint8_t{0xff});
    LONGS_EQUAL(static_cast<int>(Addressed::broadcast),
                static_cast<int>(packet::read_frame(LinkType::ethernet, bytes).addressed));
}

TEST(frame, tags_are_passed_and_the_outermost_is_told) {
    const Bytes bytes = kAddresses + Bytes{0x88, 0xa8, 0xe0, 7, 0x81, 0, 0, 9, 8, 0} + kV4;
    const Frame frame = packet::read_frame(LinkType::ethernet, bytes);
    check_packet(frame, kV4);
    LONGS_EQUAL(7, frame.vlan);
    LONGS_EQUAL(2, frame.tags);
    LONGS_EQUAL(0, packet::read_frame(LinkType::ethernet, kAddresses + Bytes{0x81, 0, 0xe0, 0, 8, 0} + kV4).vlan);
}

TEST(frame, what_is_no_ip_is_told_as_such) {
    check_content(Content::other, LinkType::ethernet, kAddresses + Bytes{8, 6, 0, 1});
    check_content(Content::other, LinkType::raw, {0x15});
    check_content(Content::other, LinkType::null, {7, 0, 0, 0, 1});
}

TEST(frame, one_that_ends_inside_the_link_layer_is_cut_off) {
    check_content(Content::cut_off, LinkType::ethernet, Bytes(13));
    check_content(Content::cut_off, LinkType::ethernet, kAddresses + Bytes{0x81, 0, 0, 7});
    check_content(Content::cut_off, LinkType::raw, {});
    check_content(Content::cut_off, LinkType::null, Bytes(3));
    check_content(Content::cut_off, LinkType::linux_cooked, Bytes(15));
    check_content(Content::cut_off, LinkType::linux_cooked2, Bytes(19));
    check_content(Content::cut_off, LinkType::nflog, Bytes(3));
}

TEST(frame, raw_packets_are_of_the_family_that_they_say) {
    check_packet(packet::read_frame(LinkType::raw, kV4), kV4);
    check_packet(packet::read_frame(LinkType::raw, kV6), kV6);
}

TEST(frame, loopback_families_are_of_the_systems_that_write_them) {
    check_packet(packet::read_frame(LinkType::null, Bytes{2, 0, 0, 0} + kV4), kV4);
    check_packet(packet::read_frame(LinkType::null, Bytes{0, 0, 0, 2} + kV4), kV4);
    check_packet(packet::read_frame(LinkType::loop, Bytes{0, 0, 0, 2} + kV4), kV4);
    for (const std::uint8_t family : Bytes{10, 24, 28, 30}) {
        check_packet(packet::read_frame(LinkType::null, Bytes{family, 0, 0, 0} + kV6), kV6);
    }
}

TEST(frame, linux_cooked_says_which_way_it_went) {
    const Bytes first{0, 4, 0, 1, 0, 6, 0x52, 0, 0, 0, 0, 2, 0, 0, 8, 0};
    const Bytes cooked_bytes = first + kV4;
    const Frame cooked = packet::read_frame(LinkType::linux_cooked, cooked_bytes);
    check_packet(cooked, kV4);
    LONGS_EQUAL(static_cast<int>(Addressed::outgoing), static_cast<int>(cooked.addressed));
    STRCMP_EQUAL("52:00:00:00:00:02", cooked.source->text().c_str());
    const Bytes second{0x86, 0xdd, 0, 0, 0, 0, 0, 1, 0, 1, 3, 6, 0x52, 0, 0, 0, 0, 2, 0, 0};
    const Bytes newer_bytes = second + kV6;
    const Frame newer = packet::read_frame(LinkType::linux_cooked2, newer_bytes);
    check_packet(newer, kV6);
    LONGS_EQUAL(static_cast<int>(Addressed::other), static_cast<int>(newer.addressed));
}

TEST(frame, the_packet_log_has_the_packet_among_its_attributes) {
    const Bytes header{2, 0, 0, 1};
    const Bytes prefix{7, 0, 10, 0, 'a', 'b', 0, 0};
    const Bytes payload{static_cast<std::uint8_t>(4 + kV4.size()), 0, 9, 0};
    const Bytes bytes = header + prefix + payload + kV4;
    check_packet(packet::read_frame(LinkType::nflog, bytes), kV4);
    check_content(Content::cut_off, LinkType::nflog, header + prefix);
    check_content(Content::damaged, LinkType::nflog, header + Bytes{0, 0, 0, 1});
}

TEST(frame, checksums_hold_or_do_not) {
    const Bytes header{0x45, 0,    0,    0x3c, 0x1c, 0x46, 0x40, 0,    0x40, 6,
                       0xb1, 0xe6, 0xac, 0x10, 0xa,  0x63, 0xac, 0x10, 0xa,  0xc};
    CHECK(packet::header_sum_holds(header));
    Bytes wrong = header;
    wrong[8] = 63;
    CHECK(!packet::header_sum_holds(wrong));
    LONGS_EQUAL(0x0100, packet::ones_sum(Bytes{1}));
    LONGS_EQUAL(1, packet::ones_sum(Bytes{0xff, 0xff, 0, 1}));
}

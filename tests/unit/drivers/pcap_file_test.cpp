// SPDX-License-Identifier: GPL-2.0-or-later
// Capture files, sound and broken.
#include "drivers/capture/pcap_file.hpp"
#include "tests/unit/drivers/folder_fixture.hpp"

#include <array>
#include <string>
#include <vector>

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

using Bytes = std::vector<std::uint8_t>;

void put32(Bytes& to, std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        to.push_back(static_cast<std::uint8_t>(value >> shift));
    }
}

Bytes pcap(std::uint32_t link_type) {
    Bytes file;
    put32(file, 0xa1b2c3d4);
    put32(file, 4 << 16 | 2);
    put32(file, 0);
    put32(file, 0);
    put32(file, 65'535);
    put32(file, link_type);
    return file;
}

void add_record(Bytes& file, std::uint32_t seconds, const Bytes& frame, std::uint32_t wire_size) {
    put32(file, seconds);
    put32(file, 7);
    put32(file, static_cast<std::uint32_t>(frame.size()));
    put32(file, wire_size);
    file.insert(file.end(), frame.begin(), frame.end());
}

void add_block(Bytes& file, std::uint32_t type, const Bytes& body) {
    put32(file, type);
    put32(file, static_cast<std::uint32_t>(body.size() + 12));
    file.insert(file.end(), body.begin(), body.end());
    put32(file, static_cast<std::uint32_t>(body.size() + 12));
}

Bytes pcapng(std::uint32_t link_type) {
    Bytes file;
    Bytes section;
    put32(section, 0x1a2b3c4d);
    put32(section, 1);
    put32(section, 0xffffffff);
    put32(section, 0xffffffff);
    add_block(file, 0x0a0d0d0a, section);
    Bytes interface;
    put32(interface, link_type);
    put32(interface, 65'535);
    add_block(file, 1, interface);
    return file;
}

std::string refusal_of(const Bytes& file) {
    const auto opened = drivers::open_capture_bytes(file, "capture");
    return opened ? "opened" : opened.error().message();
}

} // namespace

TEST_GROUP(pcap_file){};

TEST(pcap_file, records_come_with_time_and_size) {
    Bytes file = pcap(1);
    add_record(file, 100, Bytes{1, 2, 3, 4}, 60);
    add_record(file, 90, Bytes{5}, 1);
    const auto opened = drivers::open_capture_bytes(file, "capture");
    CHECK(opened.has_value());
    LONGS_EQUAL(static_cast<int>(packet::LinkType::ethernet), static_cast<int>((*opened)->link_type()));
    const auto first = (*opened)->next();
    CHECK(first.has_value() && first->has_value());
    LONGS_EQUAL(100'000'007, (*first)->when.microseconds);
    LONGS_EQUAL(4, (*first)->frame.size());
    LONGS_EQUAL(60, (*first)->wire_size);
    LONGS_EQUAL(90, (*(*opened)->next())->when.seconds());
    CHECK((*opened)->next().value() == std::nullopt);
    DOUBLES_EQUAL(1.0, (*opened)->progress().value(), 0.001);
}

TEST(pcap_file, pcapng_is_read_as_well) {
    Bytes file = pcapng(1);
    Bytes packet;
    for (const std::uint32_t field : {0U, 0U, 5'000'000U, 4U, 4U}) {
        put32(packet, field);
    }
    packet.insert(packet.end(), {1, 2, 3, 4});
    add_block(file, 6, packet);
    const auto opened = drivers::open_capture_bytes(file, "capture");
    CHECK(opened.has_value());
    const auto first = (*opened)->next();
    CHECK(first.has_value() && first->has_value());
    LONGS_EQUAL(5, (*first)->when.seconds());
}

TEST(pcap_file, link_types_that_are_read) {
    using packet::LinkType;
    const std::array<std::pair<std::uint32_t, LinkType>, 8> rows{{{1, LinkType::ethernet},
                                                                  {101, LinkType::raw},
                                                                  {228, LinkType::raw},
                                                                  {229, LinkType::raw},
                                                                  {0, LinkType::null},
                                                                  {113, LinkType::linux_cooked},
                                                                  {276, LinkType::linux_cooked2},
                                                                  {239, LinkType::nflog}}};
    for (const auto& [number, type] : rows) {
        const Bytes file = pcap(number);
        const auto opened = drivers::open_capture_bytes(file, "capture");
        CHECK(opened.has_value());
        LONGS_EQUAL(static_cast<int>(type), static_cast<int>((*opened)->link_type()));
    }
}

TEST(pcap_file, a_link_type_that_is_not_read_is_named) {
    STRCMP_EQUAL("capture: capture: has frames of a link type that is not read: PPP", refusal_of(pcap(9)).c_str());
}

TEST(pcap_file, what_is_no_capture_is_refused) {
    STRCMP_EQUAL("capture: capture: is empty", refusal_of({}).c_str());
    CHECK(refusal_of(Bytes(24, 'x')).contains("unknown file format"));
    CHECK(refusal_of(Bytes{0xd4, 0xc3, 0xb2, 0xa1}).contains("truncated"));
}

TEST(pcap_file, what_stands_before_the_place_where_it_breaks_is_read) {
    Bytes file = pcap(1);
    add_record(file, 100, Bytes{1, 2, 3, 4}, 4);
    add_record(file, 101, Bytes{1, 2, 3, 4}, 4);
    file.resize(file.size() - 2);
    const auto opened = drivers::open_capture_bytes(file, "capture");
    CHECK((*opened)->next().value().has_value());
    const auto broken = (*opened)->next();
    CHECK(!broken.has_value());
    CHECK(broken.error().message().contains("truncated"));
    CHECK((*opened)->next().value() == std::nullopt); // told once
}

TEST(pcap_file, a_record_larger_than_any_is_an_error) {
    Bytes file = pcap(1);
    put32(file, 1);
    put32(file, 1);
    put32(file, 0x7fffffff);
    put32(file, 0x7fffffff);
    const auto opened = drivers::open_capture_bytes(file, "capture");
    CHECK(!(*opened)->next().has_value());
}

TEST(pcap_file, files_are_opened_by_name_and_what_is_none_is_told) {
    const tests::Folder folder;
    const Bytes file = pcap(1);
    folder.put("a.pcap", std::string(file.begin(), file.end()));
    folder.put("empty.pcap", "");
    const auto refusal = [](const std::string& path) {
        const auto opened = drivers::open_capture_file(path);
        return opened ? std::string("opened") : opened.error().message();
    };
    STRCMP_EQUAL("opened", refusal(folder.path("a.pcap")).c_str());
    CHECK(refusal(folder.path("empty.pcap")).contains("is empty"));
    CHECK(refusal(folder.path("none.pcap")).contains("can't be opened"));
    CHECK(refusal(folder.path()).contains("is a folder"));
}

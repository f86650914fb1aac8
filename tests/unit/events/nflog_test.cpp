// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/nflog.hpp"
#include "tests/unit/events/record_bytes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::events;
using namespace sekisho::events::test;

namespace {

const Bytes kHeader{2, 0, 0, 2};

/// Reads from memory that ends where the message does, so that a sanitizer sees a byte too many. The packet is not
/// looked at afterwards.
std::optional<NflogRecord> read(const Bytes& message) {
    const Bytes exact(message.begin(), message.end());
    std::optional<NflogRecord> record = parse_nflog(exact);
    if (record) {
        for (const std::uint8_t byte : record->record.packet) { // inside the message
            static_cast<void>(byte);
        }
        record->record.packet = {};
    }
    return record;
}

NflogRecord must_read(const Bytes& message) {
    std::optional<NflogRecord> record = read(message);
    CHECK_TRUE(record.has_value());
    return *record;
}

Bytes tuple(const Bytes& addresses, const Bytes& protocol) {
    return attribute(1, attribute(1, addresses) + attribute(2, protocol));
}

const Bytes kAddresses = attribute(1, {192, 0, 2, 1}) + attribute(2, {192, 0, 2, 2});

} // namespace

TEST_GROUP(nflog_message){};

TEST(nflog_message, from_the_output_hook_is_read) {
    const Bytes message = from_hex(kLoggedOutput);
    const std::optional<NflogRecord> read_record = parse_nflog(message);
    CHECK_TRUE(read_record.has_value());
    const LogRecord& record = read_record->record;
    CHECK_EQUAL(std::string("service.web.allow"), record.prefix);
    CHECK_EQUAL(2, record.group);
    CHECK_EQUAL(0U, read_record->ingress_index);
    CHECK_EQUAL(1U, read_record->egress_index);
    CHECK_FALSE(read_record->sequence.has_value());
    CHECK_FALSE(record.source_mac.has_value());
    CHECK_FALSE(record.original.has_value());
    CHECK_EQUAL(60U, record.packet.size());
    CHECK_EQUAL(0x45, record.packet[0]);
    POINTERS_EQUAL(message.data() + message.size() - 60, record.packet.data());
}

TEST(nflog_message, from_the_input_hook_has_interface_and_mac) {
    const NflogRecord record = must_read(from_hex(kLoggedInput));
    CHECK_EQUAL(std::string("in"), record.record.prefix);
    CHECK_EQUAL(1U, record.ingress_index);
    CHECK_EQUAL(0U, record.egress_index);
    CHECK_EQUAL(std::string("00:00:00:00:00:00"), record.record.source_mac->text());
}

TEST(nflog_message, of_ipv6_is_read) {
    const Bytes message = from_hex(kLoggedEcho);
    const std::optional<NflogRecord> record = parse_nflog(message);
    CHECK_EQUAL(std::string("r6~"), record->record.prefix);
    CHECK_EQUAL(104U, record->record.packet.size());
}

TEST(nflog_message, with_a_sequence_number_has_it) {
    CHECK_EQUAL(0x01020304U, must_read(kHeader + attribute(12, {1, 2, 3, 4})).sequence.value());
}

TEST(nflog_message, with_a_connection_has_both_directions_and_the_mark) {
    const NflogRecord record = must_read(from_hex(kLoggedOutput) + attribute(18 | 0x8000, from_hex(kTcpConnection)));
    const ConnectionTuple original{IpAddress::v4(0xc000'0201), IpAddress::v4(0xc000'0201), 6, 53'884, 80, 0, 0, 0};
    const ConnectionTuple reply{IpAddress::v4(0xc000'0209), IpAddress::v4(0xc000'0201), 6, 8080, 53'884, 0, 0, 0};
    CHECK_TRUE(record.record.original == original);
    CHECK_TRUE(record.record.reply == reply);
    CHECK_EQUAL(0x8100'0123U, record.record.mark);
}

TEST(nflog_message, with_an_icmpv6_connection_has_type_code_and_id) {
    const NflogRecord record = must_read(from_hex(kLoggedEcho) + attribute(18, from_hex(kEchoConnection)));
    CHECK_EQUAL(std::string("2001:db8::1"), record.record.original->source.text());
    CHECK_EQUAL(58, record.record.original->protocol);
    CHECK_EQUAL(128, record.record.original->icmp_type);
    CHECK_EQUAL(129, record.record.reply->icmp_type);
    CHECK_EQUAL(0x2178, record.record.original->icmp_id);
    CHECK_EQUAL(0, record.record.original->destination_port);
}

TEST(nflog_message, without_attributes_is_an_empty_record) {
    const NflogRecord record = must_read(kHeader);
    CHECK_EQUAL(std::string(), record.record.prefix);
    CHECK_EQUAL(0U, record.record.mark);
}

TEST(nflog_message, with_unknown_attributes_passes_over_them) {
    CHECK_EQUAL(std::string("x"),
                must_read(kHeader + attribute(999, {1, 2, 3}) + attribute(10, {'x', 0})).record.prefix);
}

TEST(nflog_message, with_an_attribute_twice_counts_the_first) {
    const NflogRecord record = must_read(kHeader + attribute(10, {'a', 0}) + attribute(10, {'b', 0}) +
                                         attribute(4, {0, 0, 0, 1}) + attribute(4, {0, 0, 0, 2}));
    CHECK_EQUAL(std::string("a"), record.record.prefix);
    CHECK_EQUAL(1U, record.ingress_index);
}

TEST(nflog_message, whose_prefix_has_no_end_takes_all_of_it) {
    CHECK_EQUAL(std::string("abc"), must_read(kHeader + attribute(10, {'a', 'b', 'c'})).record.prefix);
    CHECK_EQUAL(std::string("a"), must_read(kHeader + attribute(10, {'a', 0, 'c'})).record.prefix);
}

TEST(nflog_message, whose_last_attribute_is_not_padded_is_read) {
    CHECK_EQUAL(std::string("a"), must_read(kHeader + Bytes{6, 0, 10, 0, 'a', 0}).record.prefix);
}

TEST(nflog_message, with_a_long_hardware_address_has_no_mac) {
    CHECK_FALSE(must_read(kHeader + attribute(8, {0, 8, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8})).record.source_mac.has_value());
}

TEST(nflog_message, cut_short_is_refused_unless_an_attribute_ends_there) {
    const Bytes whole = from_hex(kLoggedInput) + attribute(18, from_hex(kTcpConnection));
    // where attributes of the message end, before and behind their padding
    std::vector<bool> is_end(whole.size() + 1, false);
    for (std::size_t at = 4; at < whole.size();) {
        const std::size_t size = whole[at] + 256U * whole[at + 1];
        const std::size_t padded = (size + 3) / 4 * 4;
        is_end[at] = true;
        for (std::size_t end = at + size; end <= at + padded; ++end) {
            is_end[end] = true;
        }
        at += padded;
    }
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_EQUAL(is_end[size], read(cut).has_value());
    }
}

TEST(nflog_message, with_an_attribute_too_short_for_its_kind_is_refused) {
    for (const auto& [type, size] : {std::pair{4, 3}, {5, 3}, {8, 11}, {12, 3}}) {
        CHECK_FALSE(
            read(kHeader + attribute(static_cast<std::uint16_t>(type), Bytes(static_cast<std::size_t>(size), 0)))
                .has_value());
    }
}

TEST(nflog_message, with_an_attribute_shorter_than_its_header_is_refused) {
    for (std::uint8_t size = 0; size < 4; ++size) {
        CHECK_FALSE(read(kHeader + Bytes{size, 0, 10, 0}).has_value());
    }
}

TEST(nflog_message, of_another_version_is_refused) {
    CHECK_FALSE(read({2, 1, 0, 2}).has_value());
}

TEST_GROUP(nflog_connection){};

TEST(nflog_connection, without_an_address_or_protocol_has_no_tuple) {
    const Bytes protocol = attribute(1, {6});
    for (const Bytes& connection :
         {tuple(attribute(1, {192, 0, 2, 1}), protocol), tuple(kAddresses, {}), attribute(1, {}), Bytes{}}) {
        const NflogRecord record = must_read(kHeader + attribute(18, connection));
        CHECK_FALSE(record.record.original.has_value());
    }
    CHECK_TRUE(must_read(kHeader + attribute(18, tuple(kAddresses, protocol))).record.original.has_value());
}

TEST(nflog_connection, between_two_families_has_no_tuple) {
    const Bytes addresses = attribute(1, {192, 0, 2, 1}) + attribute(4, Bytes(16, 1));
    CHECK_FALSE(must_read(kHeader + attribute(18, tuple(addresses, attribute(1, {6})))).record.original.has_value());
}

TEST(nflog_connection, with_a_short_address_port_or_mark_is_refused) {
    const Bytes protocol = attribute(1, {6});
    CHECK_FALSE(read(kHeader + attribute(18, tuple(attribute(1, {192, 0, 2}), protocol))).has_value());
    CHECK_FALSE(read(kHeader + attribute(18, tuple(attribute(3, Bytes(15, 0)), protocol))).has_value());
    CHECK_FALSE(read(kHeader + attribute(18, tuple(kAddresses, attribute(1, {})))).has_value());
    CHECK_FALSE(read(kHeader + attribute(18, tuple(kAddresses, protocol + attribute(2, {1})))).has_value());
    CHECK_FALSE(read(kHeader + attribute(18, attribute(8, {1, 2, 3}))).has_value());
}

TEST(nflog_connection, with_a_damaged_inside_is_refused) {
    const Bytes damaged{8, 0, 1, 0, 1}; // says eight bytes, has five
    CHECK_FALSE(read(kHeader + attribute(18, damaged)).has_value());
    CHECK_FALSE(read(kHeader + attribute(18, attribute(1, damaged))).has_value());
    CHECK_FALSE(read(kHeader + attribute(18, attribute(1, attribute(1, damaged)))).has_value());
    CHECK_FALSE(read(kHeader + attribute(18, attribute(2, attribute(2, damaged)))).has_value());
}

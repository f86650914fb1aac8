// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/record.hpp"
#include "policy/ruleset/mark.hpp"
#include "policy/ruleset/renderer.hpp"
#include "tests/unit/events/record_bytes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::events;
using namespace sekisho::events::test;

namespace {

constexpr std::uint32_t kRuleNumber = 0x1234;

/// Knows one rule per kind of look-up, and two interfaces.
class KnownPolicy final : public RecordContext {
public:
    const RuleReference* find_rule(std::string_view id) const override { return id == m_deny.id ? &m_deny : nullptr; }

    const RuleReference* find_rule_by_number(std::uint32_t number) const override {
        return number == kRuleNumber ? &m_allow : nullptr;
    }

    std::string_view zone_of(std::string_view interface) const override {
        return interface == "wan0" ? "wan" : interface == "lan1" ? "clinic" : "";
    }

    std::optional<CountryCode> country_of(const IpAddress& address) const override {
        return address == IpAddress::v4(0xc633'6409) ? CountryCode::from_letters("JP") : std::nullopt;
    }

private:
    RuleReference m_deny{"service.web.deny", "not-allowed", 14};
    RuleReference m_allow{"service.web.allow", "accepted", 12};
};

// 198.51.100.9:40000 to 203.0.113.2:443, SYN
const Bytes kSyn = from_hex("450000280001400040060000c6336409cb007102"
                            "9c4001bb000000010000000050020000"
                            "00000000");

IpAddress parsed(std::string_view text) {
    return IpAddress::parse(text).value();
}

ConnectionTuple tcp(std::string_view source, std::uint16_t source_port, std::string_view destination,
                    std::uint16_t destination_port) {
    ConnectionTuple tuple;
    tuple.source = parsed(source);
    tuple.destination = parsed(destination);
    tuple.protocol = 6;
    tuple.source_port = source_port;
    tuple.destination_port = destination_port;
    return tuple;
}

} // namespace

TEST_GROUP(connection_event) {
    KnownPolicy policy;
    LogRecord record;

    void setup() override {
        record.prefix = "service.web.deny";
        record.group = ruleset::kLogGroupDenied;
        record.ingress_interface = "wan0";
        record.packet = kSyn;
    }

    void accept() {
        record.group = ruleset::kLogGroupAccepted;
        record.prefix.clear();
        record.mark = ruleset::kMarkRecorded | ruleset::make_mark(ruleset::kWanZoneNumber, kRuleNumber);
    }

    std::string shown(Field field) {
        return make_connection_event(record, policy).shown(field);
    }

    /// What the endpoints are, "-" for what is absent: source, its translation, destination, its translation.
    std::string endpoints() {
        const Event event = make_connection_event(record, policy);
        const auto one = [&event](Field ip, Field port) {
            return event.has(ip) ? event.shown(ip) + (event.has(port) ? ":" + event.shown(port) : "") : "-";
        };
        return one(Field::source_ip, Field::source_port) + " " + one(Field::source_nat_ip, Field::source_nat_port) +
               " " + one(Field::destination_ip, Field::destination_port) + " " +
               one(Field::destination_nat_ip, Field::destination_nat_port);
    }
};

TEST(connection_event, of_a_denial_names_rule_reason_and_packet) {
    record.source_mac = MacAddress::parse("00:11:22:33:44:55").value();
    CHECK_EQUAL(std::string(R"({"event":{"kind":"event","category":"network","action":"connection-denied",)"
                            R"("outcome":"failure","reason":"not-allowed"},"rule":{"id":"service.web.deny"},)"
                            R"("observer":{"ingress":{"zone":"wan","interface":{"name":"wan0"}}},)"
                            R"("network":{"transport":"tcp","type":"ipv4"},)"
                            R"("source":{"ip":"198.51.100.9","port":40000,"mac":"00:11:22:33:44:55",)"
                            R"("geo":{"country_iso_code":"JP"}},)"
                            R"("destination":{"ip":"203.0.113.2","port":443},)"
                            R"("sekisho":{"rule":{"line":14},"tcp":{"flags":"S"}}})"
                            "\n"),
                to_json_line(make_connection_event(record, policy)));
}

TEST(connection_event, of_an_accepted_one_finds_its_rule_by_the_mark) {
    accept();
    record.egress_interface = "lan1";
    CHECK_EQUAL(std::string("connection-accepted"), shown(Field::event_action));
    CHECK_EQUAL(std::string("success"), shown(Field::event_outcome));
    CHECK_EQUAL(std::string("service.web.allow"), shown(Field::rule_id));
    CHECK_EQUAL(std::string("accepted"), shown(Field::event_reason));
    CHECK_EQUAL(std::string("12"), shown(Field::rule_line));
    CHECK_EQUAL(std::string("clinic"), shown(Field::zone_egress));
}

TEST(connection_event, past_a_full_table_names_the_rule_without_the_sign) {
    record.prefix = "service.web.deny~";
    CHECK_TRUE(came_past_full_table(record));
    CHECK_EQUAL(std::string("service.web.deny"), shown(Field::rule_id));
    CHECK_EQUAL(std::string("not-allowed"), shown(Field::event_reason));
}

TEST(connection_event, of_an_earlier_policy_keeps_its_rule_id) {
    record.prefix = "service.gone.deny";
    CHECK_FALSE(came_past_full_table(record));
    CHECK_EQUAL(std::string("service.gone.deny"), shown(Field::rule_id));
    CHECK_EQUAL(std::string(), shown(Field::event_reason));
    CHECK_EQUAL(std::string("connection-denied"), shown(Field::event_action));
}

TEST(connection_event, with_an_unknown_mark_names_no_rule) {
    accept();
    record.mark = 99;
    CHECK_EQUAL(std::string(), shown(Field::rule_id));
    CHECK_EQUAL(std::string("connection-accepted"), shown(Field::event_action));
}

TEST(connection_event, through_an_interface_without_a_zone_names_the_interface) {
    record.ingress_interface = "dummy7";
    CHECK_EQUAL(std::string("dummy7"), shown(Field::interface_ingress));
    CHECK_EQUAL(std::string(), shown(Field::zone_ingress));
}

TEST(connection_event, without_a_connection_takes_the_packet) {
    CHECK_EQUAL(std::string("198.51.100.9:40000 - 203.0.113.2:443 -"), endpoints());
}

TEST(connection_event, without_translation_has_none) {
    record.original = tcp("198.51.100.9", 40'000, "203.0.113.2", 443);
    record.reply = tcp("203.0.113.2", 443, "198.51.100.9", 40'000);
    CHECK_EQUAL(std::string("198.51.100.9:40000 - 203.0.113.2:443 -"), endpoints());
}

TEST(connection_event, with_a_forwarded_destination_shows_the_inside_host) {
    record.packet = kSyn;
    record.original = tcp("198.51.100.9", 40'000, "203.0.113.2", 443);
    record.reply = tcp("10.0.1.20", 8443, "198.51.100.9", 40'000);
    CHECK_EQUAL(std::string("198.51.100.9:40000 - 203.0.113.2:443 10.0.1.20:8443"), endpoints());
}

TEST(connection_event, logged_after_translation_shows_what_the_sender_addressed) {
    // the packet is on its way from the WAN address to the server already
    record.original = tcp("10.0.1.5", 50'000, "192.0.2.80", 80);
    record.reply = tcp("203.0.113.2", 443, "198.51.100.9", 40'000);
    CHECK_EQUAL(std::string("10.0.1.5:50000 198.51.100.9:40000 192.0.2.80:80 203.0.113.2:443"), endpoints());
}

TEST(connection_event, with_a_changed_port_alone_shows_address_and_port) {
    record.original = tcp("198.51.100.9", 40'000, "203.0.113.2", 443);
    record.reply = tcp("203.0.113.2", 8443, "198.51.100.9", 40'000);
    CHECK_EQUAL(std::string("198.51.100.9:40000 - 203.0.113.2:443 203.0.113.2:8443"), endpoints());
}

TEST(connection_event, of_an_answer_takes_the_packet_and_not_the_connection) {
    record.original = tcp("10.0.1.20", 443, "198.51.100.9", 40'000);
    record.reply = tcp("198.51.100.9", 40'000, "203.0.113.2", 443);
    CHECK_EQUAL(std::string("198.51.100.9:40000 - 203.0.113.2:443 -"), endpoints());
}

TEST(connection_event, of_an_icmp_error_takes_the_packet_and_not_the_connection) {
    // destination unreachable from 198.51.100.9 to 203.0.113.2, about a TCP connection between the two
    const Bytes unreachable = from_hex("4500001c0001000040010000c6336409cb0071020303000000000000");
    record.packet = unreachable;
    record.original = tcp("203.0.113.2", 50'000, "198.51.100.9", 80);
    record.reply = tcp("198.51.100.9", 80, "203.0.113.2", 50'000);
    CHECK_EQUAL(std::string("198.51.100.9 - 203.0.113.2 -"), endpoints());
    CHECK_EQUAL(std::string("icmp"), shown(Field::transport));
    CHECK_EQUAL(std::string("3"), shown(Field::icmp_type));
    CHECK_EQUAL(std::string("3"), shown(Field::icmp_code));
    CHECK_EQUAL(std::string(), shown(Field::tcp_flags));
}

TEST(connection_event, of_ipv6_names_family_and_icmp_type) {
    const Bytes message = from_hex(kLoggedEcho);
    record.packet = std::span(message).last(104);
    CHECK_EQUAL(std::string("ipv6"), shown(Field::network_type));
    CHECK_EQUAL(std::string("ipv6-icmp"), shown(Field::transport));
    CHECK_EQUAL(std::string("128"), shown(Field::icmp_type));
    CHECK_EQUAL(std::string("2001:db8::1 - 2001:db8::1 -"), endpoints());
}

TEST(connection_event, of_tcp_shows_its_flags_as_letters) {
    Bytes packet = kSyn;
    record.packet = packet;
    packet[33] = 0x12;
    CHECK_EQUAL(std::string("SA"), shown(Field::tcp_flags));
    packet[33] = 0x29;
    CHECK_EQUAL(std::string("FPU"), shown(Field::tcp_flags));
    packet[33] = 0xff;
    CHECK_EQUAL(std::string("FSRPAUEC"), shown(Field::tcp_flags));
    packet[33] = 0;
    CHECK_EQUAL(std::string(), shown(Field::tcp_flags));
}

TEST(connection_event, of_a_later_fragment_has_no_ports) {
    Bytes packet = kSyn;
    packet[7] = 9;
    record.packet = packet;
    CHECK_EQUAL(std::string("198.51.100.9 - 203.0.113.2 -"), endpoints());
    CHECK_EQUAL(std::string("tcp"), shown(Field::transport));
    CHECK_EQUAL(std::string(), shown(Field::tcp_flags));
}

TEST(connection_event, of_another_protocol_shows_its_number) {
    Bytes packet = kSyn;
    packet[9] = 47;
    record.packet = packet;
    CHECK_EQUAL(std::string("47"), shown(Field::transport));
    CHECK_EQUAL(std::string("198.51.100.9 - 203.0.113.2 -"), endpoints());
}

TEST(connection_event, without_a_readable_packet_says_so) {
    record.packet = {};
    CHECK_EQUAL(std::string("- - - -"), endpoints());
    CHECK_EQUAL(std::string("the packet's header could not be read"), shown(Field::message));
    CHECK_EQUAL(std::string("service.web.deny"), shown(Field::rule_id));
}

TEST(connection_event, without_a_readable_packet_takes_the_connection) {
    record.packet = {};
    record.original = tcp("198.51.100.9", 40'000, "203.0.113.2", 443);
    CHECK_EQUAL(std::string("198.51.100.9:40000 - 203.0.113.2:443 -"), endpoints());
    CHECK_EQUAL(std::string(), shown(Field::message));
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/capture/nflog_packet_log.hpp"
#include "drivers/capture/sequence.hpp"
#include "policy/base/text.hpp"
#include "tests/netns/drivers/sandbox.hpp"

#include <chrono>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::test;
using drivers::NflogPacketLog;
using drivers::UvEventLoop;

namespace {

class SystemClock final : public ports::Clock {
public:
    Time now() override {
        return {
            std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
                .count()};
    }

    bool synchronised() override { return true; }

    std::int64_t monotonic_microseconds() override {
        return std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::steady_clock::now().time_since_epoch())
            .count();
    }

    Result<void> watch_steps(std::function<void()>) override { return {}; }
};

/// A record with a copy of the packet's bytes.
struct KeptRecord {
    events::LogRecord record;
    std::vector<std::uint8_t> packet;
};

std::string shown(const std::optional<events::ConnectionTuple>& tuple) {
    if (!tuple) {
        return "none";
    }
    const auto port = [](std::uint16_t value) { return text::to_text(value); };
    return text::concat(text::to_text(tuple->protocol), " ", tuple->source.text(), " ", port(tuple->source_port), " > ",
                        tuple->destination.text(), " ", port(tuple->destination_port));
}

constexpr const char* kRules = R"(
table inet sekisho {
  chain screen { type filter hook prerouting priority raw;
    udp dport 7001 log prefix "screen" group 1 snaplen 160
  }
  chain translate { type nat hook prerouting priority dstnat;
    iifname wan0 udp dport 7002 dnat ip to 10.0.1.20:9002
  }
  chain input { type filter hook input priority filter;
    udp dport 7003 ct mark set 0x01000003 log prefix "input" group 1 snaplen 160
    icmp type echo-request ct mark set 0x01000004 log prefix "ping" group 1 snaplen 160
    ip6 nexthdr udp udp dport 7005 log prefix "input6" group 1 snaplen 160
    udp dport 7009 log prefix "burst" group 2 snaplen 160 drop
  }
  chain forward { type filter hook forward priority filter;
    ct state new ct mark set 0x81000002
  }
  chain masquerading { type nat hook postrouting priority srcnat;
    oifname wan0 masquerade
  }
  chain record { type filter hook postrouting priority srcnat + 50;
    ct state new ct mark and 0x80000000 != 0 log group 2 snaplen 160
  }
}
)";

} // namespace

TEST_GROUP(packet_log) {
    Sandbox sandbox;
    SystemClock clock;
    std::unique_ptr<UvEventLoop> loop;
    std::vector<KeptRecord> records;

    void setup() override {
        loop = std::move(UvEventLoop::create().value());
        sandbox.run(Host::router, text::concat("nft -f - <<'END'", kRules, "END"));
    }

    Result<void> start(NflogPacketLog & log) {
        return log.start([this](const events::LogRecord& record) {
            records.push_back({record, {record.packet.begin(), record.packet.end()}});
            loop->stop();
        });
    }

    [[nodiscard]] bool last_record_ends_with(std::string_view text) const {
        const auto& packet = records.back().packet;
        return std::string_view(reinterpret_cast<const char*>(packet.data()), packet.size()).ends_with(text);
    }

    /// Runs the loop until `enough` records are there, for ten seconds at most.
    void wait_for(std::size_t enough) {
        bool late = false;
        const auto timer = loop->make_timer([&] {
            late = true;
            loop->stop();
        });
        timer->start_once(10'000);
        while (records.size() < enough && !late) {
            loop->run();
        }
        CHECK_EQUAL(enough, records.size());
    }
};

TEST(packet_log, a_packet_to_the_router_bears_prefix_interface_sender_and_connection) {
    NflogPacketLog log(*loop, clock);
    CHECK_TRUE(start(log).has_value());
    const UdpSocket router(sandbox, Host::router, kRouter, 7003);
    const UdpSocket sender(sandbox, Host::outside, kOutside, 4000);
    sender.send(kRouter, 7003, "hello");
    wait_for(1);

    const events::LogRecord& record = records.front().record;
    STRCMP_EQUAL("input", record.prefix.c_str());
    CHECK_EQUAL(1, record.group);
    STRCMP_EQUAL("wan0", record.ingress_interface.c_str());
    STRCMP_EQUAL("", record.egress_interface.c_str());
    CHECK_TRUE(record.source_mac.has_value());
    CHECK_TRUE(sandbox.output(Host::outside, "ip link show eth0").find(record.source_mac->text()) != std::string::npos);
    CHECK_EQUAL(33, records.front().packet.size());
    STRCMP_EQUAL("17 198.51.100.2 4000 > 198.51.100.1 7003", shown(record.original).c_str());
    STRCMP_EQUAL("17 198.51.100.1 7003 > 198.51.100.2 4000", shown(record.reply).c_str());
    CHECK_EQUAL(0x01000003u, record.mark);
    CHECK_EQUAL(0, log.take_losses().sequence_gaps);
}

TEST(packet_log, an_ipv6_packet_and_an_echo_request_bear_their_connection) {
    NflogPacketLog log(*loop, clock);
    CHECK_TRUE(start(log).has_value());
    const UdpSocket router(sandbox, Host::router, kRouterV6, 7005);
    const UdpSocket sender(sandbox, Host::outside, kOutsideV6, 4000);
    sender.send(kRouterV6, 7005, "hello");
    wait_for(1);
    STRCMP_EQUAL("17 2001:db8::2 4000 > 2001:db8::1 7005", shown(records[0].record.original).c_str());

    sandbox.run(Host::outside, "ping -q -c 1 -W 10 198.51.100.1");
    wait_for(2);
    STRCMP_EQUAL("ping", records[1].record.prefix.c_str());
    STRCMP_EQUAL("1 198.51.100.2 0 > 198.51.100.1 0", shown(records[1].record.original).c_str());
    CHECK_EQUAL(8, records[1].record.original->icmp_type);
    CHECK_EQUAL(0x01000004u, records[1].record.mark);
}

TEST(packet_log, a_packet_before_connection_tracking_bears_no_connection) {
    NflogPacketLog log(*loop, clock);
    CHECK_TRUE(start(log).has_value());
    sandbox.run(Host::router, "nft add rule inet sekisho screen udp dport 7001 drop");
    const UdpSocket sender(sandbox, Host::outside, kOutside, 4000);
    sender.send(kRouter, 7001, "hello");
    wait_for(1);
    STRCMP_EQUAL("screen", records[0].record.prefix.c_str());
    STRCMP_EQUAL("wan0", records[0].record.ingress_interface.c_str());
    STRCMP_EQUAL("none", shown(records[0].record.original).c_str());
}

TEST(packet_log, a_forwarded_service_shows_what_the_sender_addressed) {
    NflogPacketLog log(*loop, clock);
    CHECK_TRUE(start(log).has_value());
    const UdpSocket server(sandbox, Host::inside, kInside, 9002);
    const UdpSocket sender(sandbox, Host::outside, kOutside, 4000);
    sender.send(kRouter, 7002, "hello");
    CHECK_TRUE(server.receive() == "hello from 198.51.100.2");
    wait_for(1);

    const events::LogRecord& record = records.front().record;
    CHECK_EQUAL(2, record.group);
    STRCMP_EQUAL("wan0", record.ingress_interface.c_str());
    STRCMP_EQUAL("lan0", record.egress_interface.c_str());
    CHECK_TRUE(record.source_mac.has_value());
    STRCMP_EQUAL("17 198.51.100.2 4000 > 198.51.100.1 7002", shown(record.original).c_str());
    STRCMP_EQUAL("17 10.0.1.20 9002 > 198.51.100.2 4000", shown(record.reply).c_str());
    CHECK_EQUAL(0x81000002u, record.mark);
}

TEST(packet_log, a_masqueraded_connection_shows_both_addresses_of_its_source) {
    NflogPacketLog log(*loop, clock);
    CHECK_TRUE(start(log).has_value());
    const UdpSocket server(sandbox, Host::outside, kOutside, 9003);
    const UdpSocket client(sandbox, Host::inside, kInside, 4000);
    client.send(kOutside, 9003, "hello");
    CHECK_TRUE(server.receive() == "hello from 198.51.100.1");
    wait_for(1);

    const events::LogRecord& record = records.front().record;
    STRCMP_EQUAL("lan0", record.ingress_interface.c_str());
    STRCMP_EQUAL("wan0", record.egress_interface.c_str());
    STRCMP_EQUAL("17 10.0.1.20 4000 > 198.51.100.2 9003", shown(record.original).c_str());
    STRCMP_EQUAL("17 198.51.100.2 9003 > 198.51.100.1 4000", shown(record.reply).c_str());
    CHECK_EQUAL(0x81000002u, record.mark);
}

TEST(packet_log, an_interface_that_is_gone_keeps_its_name) {
    NflogPacketLog log(*loop, clock);
    CHECK_TRUE(start(log).has_value());
    const UdpSocket router(sandbox, Host::router, kRouter, 7003);
    const UdpSocket sender(sandbox, Host::outside, kOutside, 4000);
    sender.send(kRouter, 7003, "known");
    wait_for(1);
    sender.send(kRouter, 7003, "gone");
    CHECK_TRUE(router.receive().has_value());
    CHECK_TRUE(router.receive() == "gone from 198.51.100.2"); // and so it has been logged
    sandbox.run(Host::router, "ip link delete wan0");
    wait_for(2);
    STRCMP_EQUAL("wan0", records[1].record.ingress_interface.c_str());
}

TEST(packet_log, lost_records_are_counted) {
    constexpr std::size_t kSent = 20'000;
    NflogPacketLog log(*loop, clock, {.groups = {2}, .receive_buffer = 64 * 1024});
    CHECK_TRUE(start(log).has_value());
    const UdpSocket sender(sandbox, Host::outside, kOutside, 4000);
    sender.send(kRouter, 7009, "first");
    wait_for(1);
    CHECK_EQUAL(0, log.take_losses().sequence_gaps);

    for (std::size_t number = 0; number < kSent; ++number) {
        sender.send(kRouter, 7009, "burst");
    }
    // a record tells what was missing before it: one that comes through behind the burst tells everything
    std::size_t probes = 0;
    for (bool came_through = false; !came_through && probes < 20;) {
        const std::string probe = text::concat("probe ", text::to_text(++probes));
        sender.send(kRouter, 7009, probe);
        bool late = false;
        const auto pause = loop->make_timer([&] {
            late = true;
            loop->stop();
        });
        pause->start_once(1'000);
        while (!late && !last_record_ends_with(probe)) {
            loop->run();
        }
        came_through = last_record_ends_with(probe);
    }

    const ports::LogLosses losses = log.take_losses();
    CHECK_EQUAL(1 + kSent + probes, records.size() + losses.sequence_gaps);
    CHECK_TRUE(losses.sequence_gaps > 0);
    CHECK_TRUE(losses.buffer_overruns > 0);
    CHECK_EQUAL(0, losses.unreadable);
    CHECK_EQUAL(0, log.take_losses().sequence_gaps);
}

TEST(packet_log, a_burst_that_fits_the_buffer_loses_nothing) {
    constexpr std::size_t kSent = 3'000;
    NflogPacketLog log(*loop, clock);
    CHECK_TRUE(start(log).has_value());
    const UdpSocket sender(sandbox, Host::outside, kOutside, 4000);
    for (std::size_t number = 0; number < kSent; ++number) {
        sender.send(kRouter, 7009, "burst");
    }
    wait_for(kSent);
    const ports::LogLosses losses = log.take_losses();
    CHECK_EQUAL(0, losses.sequence_gaps);
    CHECK_EQUAL(0, losses.buffer_overruns);
}

TEST(packet_log, a_group_that_another_reader_has_is_an_error) {
    NflogPacketLog log(*loop, clock);
    CHECK_TRUE(start(log).has_value());
    NflogPacketLog second(*loop, clock);
    const auto refused = start(second);
    CHECK_FALSE(refused.has_value());
    STRCMP_EQUAL("nflog:1", refused.error().place().c_str());
    CHECK_TRUE(refused.error().domain() == Domain::capture);
}

TEST_GROUP(log_sequence){};

TEST(log_sequence, the_first_record_tells_what_was_missed_before_it) {
    drivers::Sequence sequence;
    CHECK_EQUAL(3, sequence.missing_before(3));
    CHECK_EQUAL(0, sequence.missing_before(4));
    CHECK_EQUAL(2, sequence.missing_before(7));
}

TEST(log_sequence, numbers_wrap) {
    drivers::Sequence sequence;
    CHECK_EQUAL(0x7fff'ffffu, sequence.missing_before(0x7fff'ffffu));
    CHECK_EQUAL(0x7fff'fffeu, sequence.missing_before(0xffff'fffeu));
    CHECK_EQUAL(0, sequence.missing_before(0xffff'ffffu));
    CHECK_EQUAL(0, sequence.missing_before(0));
    CHECK_EQUAL(1, sequence.missing_before(2));
}

TEST(log_sequence, a_number_from_before_is_no_gap) {
    drivers::Sequence sequence;
    CHECK_EQUAL(9, sequence.missing_before(9));
    CHECK_EQUAL(0, sequence.missing_before(5));
    CHECK_EQUAL(0, sequence.missing_before(10));
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/connection_log.hpp"
#include "policy/ruleset/mark.hpp"
#include "policy/ruleset/renderer.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

// 198.51.100.9:40000 to 203.0.113.2:443, TCP SYN
constexpr std::array<std::uint8_t, 40> kSyn{0x45, 0, 0,   40, 0,    0,    0,    0,    64,   6,    0, 0, 198, 51,
                                            100,  9, 203, 0,  113,  2,    0x9c, 0x40, 0x01, 0xbb, 0, 0, 0,   1,
                                            0,    0, 0,   0,  0x50, 0x02, 0xff, 0xff, 0,    0,    0, 0};

ruleset::Ruleset sample() {
    ruleset::Ruleset ruleset;
    ruleset.zones.push_back({1, "wan", {"wan0"}, true});
    ruleset.rules.push_back({.id = "service.web.allow",
                             .number = ruleset::rule_number("service.web.allow"),
                             .reason = ruleset::Reason::accepted,
                             .place = {12, 1}});
    ruleset.rules.push_back({.id = "service.web.deny", .reason = ruleset::Reason::not_allowed, .place = {12, 1}});
    return ruleset;
}

} // namespace

TEST_GROUP(connection_log) {
    fakes::FakeClock clock;
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeLogFiles files;
    fakes::FakeFilter filter;
    fakes::FakePacketLog packets;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    fakes::FakeStore run_store;
    services::ConnectionLog connections{{packets, filter, loop, run_store}, log};

    void setup() override {
        CHECK(connections.start().has_value());
        connections.learn(sample());
    }
    events::LogRecord record(std::string prefix, std::uint16_t group) {
        events::LogRecord result;
        result.prefix = std::move(prefix);
        result.group = group;
        result.ingress_interface = "wan0";
        result.packet = kSyn;
        return result;
    }
};

TEST(connection_log, a_denial_has_rule_reason_line_zone_and_addresses) {
    packets.on_record(record("service.web.deny", ruleset::kLogGroupDenied));
    LONGS_EQUAL(1, files.lines.front().size());
    for (const char* part : {"connection-denied", "\"service.web.deny\"", "\"not-allowed\"", "\"line\":12",
                             "\"zone\":\"wan\"", "\"198.51.100.9\"", "443"}) {
        CHECK_TEXT(files.lines.front().front().contains(part), part);
    }
}

TEST(connection_log, an_accepted_connection_gets_its_rule_from_the_mark) {
    auto accepted = record("", ruleset::kLogGroupAccepted);
    accepted.mark = ruleset::make_mark(1, ruleset::rule_number("service.web.allow")) | ruleset::kMarkRecorded;
    packets.on_record(accepted);
    CHECK(files.count("connection-accepted") == 1);
    CHECK(files.count("\"service.web.allow\"") == 1);
}

TEST(connection_log, a_rule_of_the_former_policy_is_still_known) {
    connections.learn(ruleset::Ruleset{});
    packets.on_record(record("service.web.deny", ruleset::kLogGroupDenied));
    CHECK(files.count("\"not-allowed\"") == 1);
}

TEST(connection_log, suppressed_denials_are_told_as_they_grow) {
    filter.readings = {{"service.web.deny.suppressed", 5, 200}};
    loop.advance(6'000, clock);
    LONGS_EQUAL(1, files.count("\"count\":5"));
    filter.readings = {{"service.web.deny.suppressed", 105, 4200}};
    loop.advance(6'000, clock);
    LONGS_EQUAL(1, files.count("\"count\":100"));
    loop.advance(6'000, clock);
    LONGS_EQUAL(2, files.count("log-suppressed"));
}

TEST(connection_log, a_full_limit_table_is_told) {
    loop.advance(6'000, clock);
    filter.readings = {{"service.web.deny.overflow", 7, 200}};
    loop.advance(6'000, clock);
    LONGS_EQUAL(1, files.count("log-limit-full"));
}

TEST(connection_log, counters_that_began_anew_are_not_counted_backwards) {
    loop.advance(6'000, clock);
    filter.readings = {{"service.web.deny.suppressed", 50, 0}};
    loop.advance(6'000, clock);
    filter.readings = {{"service.web.deny.suppressed", 3, 0}};
    loop.advance(6'000, clock);
    LONGS_EQUAL(1, files.count("\"count\":3"));
}

TEST(connection_log, lost_records_are_told_once) {
    packets.losses = {.sequence_gaps = 17, .buffer_overruns = 1, .unreadable = 0};
    loop.advance(6'000, clock);
    LONGS_EQUAL(1, files.count("log-lost"));
    LONGS_EQUAL(1, files.count("\"count\":17"));
    loop.advance(6'000, clock);
    LONGS_EQUAL(1, files.count("log-lost"));
}

TEST(connection_log, what_an_earlier_process_told_is_not_told_again) {
    filter.readings = {{"service.web.deny", 9, 0}, {"service.web.deny.suppressed", 5, 0}};
    connections.check_losses();
    LONGS_EQUAL(1, files.count("log-suppressed"));
    services::ConnectionLog restarted{{packets, filter, loop, run_store}, log};
    CHECK(restarted.start().has_value());
    restarted.check_losses();
    LONGS_EQUAL(1, files.count("log-suppressed"));
    LONGS_EQUAL(0, files.count("log-lost"));
}

TEST(connection_log, what_was_judged_without_a_daemon_is_told_at_the_next_start) {
    filter.readings = {{"service.web.deny", 9, 0},
                       {"service.web.deny.overflow", 0, 0},
                       {"service.web.deny.suppressed", 5, 0},
                       {"flow.established", 100, 0},
                       {"record.input", 3, 0}};
    connections.check_losses();
    filter.readings = {{"service.web.deny", 29, 0},
                       {"service.web.deny.overflow", 2, 0},
                       {"service.web.deny.suppressed", 15, 0},
                       {"flow.established", 900, 0},
                       {"record.input", 7, 0}};
    const std::size_t before = files.count("\"alert\"");
    services::ConnectionLog restarted{{packets, filter, loop, run_store}, log};
    CHECK(restarted.start().has_value());
    LONGS_EQUAL(2, files.count("log-lost"));
    LONGS_EQUAL(1, files.count("up to 8 connections")); // 20 judged, 10 suppressed, 2 past a full table
    LONGS_EQUAL(1, files.count("up to 4 connections"));
    LONGS_EQUAL(1, files.count("\"count\":10"));
    LONGS_EQUAL(1, files.count("log-limit-full"));
    restarted.check_losses();
    LONGS_EQUAL(4, files.count("\"alert\"") - before);
}

TEST(connection_log, the_first_process_of_a_boot_misses_nothing) {
    filter.readings = {{"service.web.deny", 2, 0}, {"service.web.deny.suppressed", 0, 0}};
    fakes::FakeStore fresh;
    services::ConnectionLog first{{packets, filter, loop, fresh}, log};
    CHECK(first.start().has_value());
    LONGS_EQUAL(0, files.count("log-lost"));
    // killed before its next look at the counters
    filter.readings = {{"service.web.deny", 11, 0}, {"service.web.deny.suppressed", 0, 0}};
    services::ConnectionLog second{{packets, filter, loop, fresh}, log};
    CHECK(second.start().has_value());
    LONGS_EQUAL(1, files.count("up to 9 connections"));
}

TEST(connection_log, a_reader_that_does_not_open_is_told_once_and_tried_again) {
    filter.readings = {{"service.web.deny", 4, 0}, {"service.web.deny.suppressed", 1, 0}, {"record.input", 2, 0}};
    connections.check_losses();
    packets.refuse = true;
    packets.on_record = nullptr;
    services::ConnectionLog restarted{{packets, filter, loop, run_store}, log};
    CHECK(restarted.start().has_value());
    LONGS_EQUAL(1, files.count("log-reader"));
    LONGS_EQUAL(1, files.count("device or resource busy"));
    filter.readings = {{"service.web.deny", 14, 0}, {"service.web.deny.suppressed", 4, 0}, {"record.input", 7, 0}};
    restarted.check_losses();
    restarted.check_losses();
    LONGS_EQUAL(1, files.count("log-reader"));
    LONGS_EQUAL(2, files.count("could not be read"));
    LONGS_EQUAL(1, files.count("up to 7 connections")); // 10 judged, 3 suppressed
    LONGS_EQUAL(1, files.count("up to 5 connections"));

    packets.refuse = false;
    filter.readings = {{"service.web.deny", 15, 0}, {"service.web.deny.suppressed", 4, 0}, {"record.input", 7, 0}};
    restarted.check_losses();
    CHECK(packets.on_record != nullptr);
    LONGS_EQUAL(1, files.count("connections are recorded again"));
    LONGS_EQUAL(1, files.count("up to 1 connections")); // until it opened
    filter.readings = {{"service.web.deny", 90, 0}, {"service.web.deny.suppressed", 4, 0}, {"record.input", 70, 0}};
    restarted.check_losses();
    LONGS_EQUAL(3, files.count("log-lost"));
    LONGS_EQUAL(2, files.count("log-reader"));
}

TEST(connection_log, counters_that_can_not_be_read_are_told_once_and_lose_nothing) {
    filter.refuse_counters = true;
    loop.advance(60'000, clock);
    LONGS_EQUAL(1, files.count("log-counters"));
    LONGS_EQUAL(1, files.count("interrupted"));
    filter.refuse_counters = false;
    filter.readings = {{"service.web.deny.suppressed", 5, 200}};
    loop.advance(60'000, clock);
    LONGS_EQUAL(2, files.count("log-counters"));
    LONGS_EQUAL(1, files.count("\"count\":5"));
}

TEST(connection_log, a_look_at_any_time_tells_nothing_twice) {
    filter.readings = {{"service.web.deny", 9, 0}, {"service.web.deny.suppressed", 5, 0}};
    connections.check_losses();
    services::ConnectionLog restarted{{packets, filter, loop, run_store}, log};
    restarted.check_losses(); // before its start
    CHECK(restarted.start().has_value());
    filter.readings = {};
    restarted.check_losses(); // an apply took the rule away
    filter.readings = {{"service.web.deny", 2, 0}, {"service.web.deny.suppressed", 2, 0}};
    restarted.check_losses();
    restarted.check_losses();
    LONGS_EQUAL(2, files.count("log-suppressed"));
    LONGS_EQUAL(1, files.count("\"count\":2"));
    LONGS_EQUAL(0, files.count("log-lost"));
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The states of a TCP connection, seen from the middle.
#include "policy/judge/tcp_tracking.hpp"
#include "tests/unit/judge/fixture.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using judge::TcpState;
using judge::Tracked;
using judge::Way;

namespace {

constexpr std::uint8_t kFin = 1;
constexpr std::uint8_t kSyn = 2;
constexpr std::uint8_t kReset = 4;
constexpr std::uint8_t kAck = 16;

} // namespace

TEST_GROUP(tcp_tracking) {
    judge::Flow flow;
    std::uint32_t client = 1000;
    std::uint32_t server = 5000;
    Time now = test::at(100);
    bool loose = false;

    Tracked take(Way way, std::uint8_t flags, std::uint32_t sequence, std::uint32_t acked, std::uint32_t size = 0,
                 std::uint16_t window = 60'000) {
        const judge::TcpSegment segment{.sequence = sequence,
                                        .acked = acked,
                                        .end = sequence + size + ((flags & (kSyn | kFin)) != 0 ? 1 : 0),
                                        .window = window,
                                        .flags = flags};
        const Tracked tracked = judge::track_tcp(flow, way, segment, loose, now);
        if (tracked == Tracked::accepted) {
            flow.confirmed = true;
            flow.answered = flow.answered || way == Way::reply;
        }
        return tracked;
    }

    void accepted(Tracked tracked) {
        LONGS_EQUAL(static_cast<int>(Tracked::accepted), static_cast<int>(tracked));
    }

    void invalid(Tracked tracked) {
        LONGS_EQUAL(static_cast<int>(Tracked::invalid), static_cast<int>(tracked));
    }

    void is(TcpState state) {
        LONGS_EQUAL(static_cast<int>(state), static_cast<int>(flow.tcp.state));
    }

    void lives(std::int64_t seconds) {
        LONGS_EQUAL(seconds, flow.expires.seconds() - now.seconds());
    }

    void open() {
        accepted(take(Way::original, kSyn, 1000, 0));
        accepted(take(Way::reply, kSyn | kAck, 5000, 1001));
        accepted(take(Way::original, kAck, 1001, 5001));
    }
};

TEST(tcp_tracking, opens_by_three_segments) {
    accepted(take(Way::original, kSyn, 1000, 0));
    is(TcpState::syn_sent);
    lives(120);
    accepted(take(Way::reply, kSyn | kAck, 5000, 1001));
    is(TcpState::syn_received);
    lives(60);
    accepted(take(Way::original, kAck, 1001, 5001));
    is(TcpState::established);
    CHECK(flow.assured);
    lives(432'000);
}

TEST(tcp_tracking, closes_from_one_end_and_then_the_other) {
    open();
    accepted(take(Way::original, kFin | kAck, 1001, 5001));
    is(TcpState::fin_wait);
    accepted(take(Way::reply, kAck, 5001, 1002));
    is(TcpState::close_wait);
    accepted(take(Way::reply, kFin | kAck, 5001, 1002));
    is(TcpState::last_ack);
    accepted(take(Way::original, kAck, 1002, 5002));
    is(TcpState::time_wait);
    lives(120);
}

TEST(tcp_tracking, a_new_request_in_time_wait_begins_another_connection) {
    open();
    accepted(take(Way::original, kFin | kAck, 1001, 5001));
    accepted(take(Way::reply, kFin | kAck, 5001, 1002));
    accepted(take(Way::original, kAck, 1002, 5002));
    LONGS_EQUAL(static_cast<int>(Tracked::again), static_cast<int>(take(Way::original, kSyn, 90'000, 0)));
}

TEST(tcp_tracking, a_connection_is_not_picked_up_in_the_middle) {
    invalid(take(Way::original, kAck, 1001, 5001));
    loose = true;
    accepted(take(Way::original, kAck, 1001, 5001));
    is(TcpState::established);
    lives(300); // nothing has answered
}

TEST(tcp_tracking, nothing_begins_with_an_answer_or_an_end) {
    loose = true;
    invalid(take(Way::original, kSyn | kAck, 1000, 5000));
    invalid(take(Way::original, kFin | kAck, 1000, 5000));
    invalid(take(Way::original, kReset, 1000, 0));
    invalid(take(Way::original, 0, 1000, 0));
}

TEST(tcp_tracking, a_client_can_not_acknowledge_what_was_not_answered) {
    accepted(take(Way::original, kSyn, 1000, 0));
    invalid(take(Way::original, kAck, 1001, 5001));
}

TEST(tcp_tracking, both_may_open_at_once) {
    accepted(take(Way::original, kSyn, 1000, 0));
    accepted(take(Way::reply, kSyn, 5000, 0));
    is(TcpState::syn_sent_both);
    accepted(take(Way::original, kSyn | kAck, 1000, 5001));
    is(TcpState::syn_received);
    accepted(take(Way::reply, kAck, 5001, 1001));
    is(TcpState::established);
}

TEST(tcp_tracking, data_outside_the_window_is_invalid) {
    open();
    accepted(take(Way::original, kAck, 1001, 5001, 100));
    accepted(take(Way::reply, kAck, 5001, 1101));
    invalid(take(Way::original, kAck, 1'000'000, 5001, 10)); // beyond what the server offered
    invalid(take(Way::original, kAck, 1101, 9000));          // acknowledges what was never sent
    is(TcpState::established);
}

TEST(tcp_tracking, late_repetitions_pass_and_change_nothing) {
    open();
    for (std::uint32_t sent = 0; sent < 200'000; sent += 50'000) {
        accepted(take(Way::original, kAck, 1001 + sent, 5001, 50'000));
        accepted(take(Way::reply, kAck, 5001, 51'001 + sent));
    }
    const auto before = flow.tcp.ends[0].end;
    accepted(take(Way::original, kAck, 1001, 5001, 10));
    LONGS_EQUAL(before, flow.tcp.ends[0].end);
}

TEST(tcp_tracking, a_reset_closes_where_the_other_end_waits_for_it) {
    open();
    accepted(take(Way::reply, kAck, 5001, 1001));
    accepted(take(Way::original, kReset, 1001, 0));
    is(TcpState::close);
    lives(10);
}

TEST(tcp_tracking, a_reset_elsewhere_in_the_window_keeps_the_connection) {
    open();
    accepted(take(Way::reply, kAck, 5001, 1001));
    accepted(take(Way::original, kReset, 1500, 0));
    is(TcpState::established);
}

TEST(tcp_tracking, a_reset_from_the_past_is_invalid) {
    open();
    accepted(take(Way::original, kAck, 1001, 5001, 100));
    accepted(take(Way::reply, kAck, 5001, 1101));
    invalid(take(Way::original, kReset, 1050, 0));
}

TEST(tcp_tracking, any_reset_ends_what_is_closing) {
    open();
    accepted(take(Way::original, kFin | kAck, 1001, 5001));
    accepted(take(Way::reply, kReset, 77, 0));
    is(TcpState::close);
}

TEST(tcp_tracking, a_refused_request_is_forgotten) {
    accepted(take(Way::original, kSyn, 1000, 0));
    accepted(take(Way::original, kReset, 1001, 0));
    CHECK(flow.ended);
}

TEST(tcp_tracking, a_repeated_request_keeps_nothing_alive) {
    accepted(take(Way::original, kSyn, 1000, 0));
    const Time expires = flow.expires;
    now = test::at(150);
    accepted(take(Way::original, kSyn, 1000, 0));
    CHECK(expires == flow.expires);
}

TEST(tcp_tracking, an_ignored_request_that_is_answered_brings_the_table_into_step) {
    open();
    accepted(take(Way::original, kSyn, 700'000, 0));
    is(TcpState::established);
    accepted(take(Way::reply, kSyn | kAck, 900'000, 700'001));
    is(TcpState::syn_received);
    accepted(take(Way::original, kAck, 700'001, 900'001));
    is(TcpState::established);
}

TEST(tcp_tracking, flags_that_can_stand_together) {
    CHECK(judge::flags_fit(kSyn));
    CHECK(judge::flags_fit(kSyn | kAck | 0x40 | 0x80));
    CHECK(judge::flags_fit(kFin | kAck | 0x08 | 0x20));
    CHECK(!judge::flags_fit(0));
    CHECK(!judge::flags_fit(kSyn | kFin));
    CHECK(!judge::flags_fit(kSyn | kReset));
    CHECK(!judge::flags_fit(kFin));
    CHECK(!judge::flags_fit(0xff));
}

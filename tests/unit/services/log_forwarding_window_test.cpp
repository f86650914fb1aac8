// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/log_forwarding_window.hpp"

#include <CppUTest/TestHarness.h>

using sekisho::services::kMostResendBytes;
using sekisho::services::kResendMicroseconds;
using sekisho::services::ResendWindow;

namespace {

constexpr std::int64_t kSecond = 1'000'000;

} // namespace

TEST_GROUP(resend_window) {
    ResendWindow window{100};
    std::uint64_t sent = 0;

    void send(unsigned lines, std::uint64_t bytes, std::int64_t now) {
        for (unsigned i = 0; i < lines; ++i) {
            window.sent(bytes, now);
            sent += bytes;
        }
    }
};

TEST(resend_window, what_was_not_acknowledged_stays_however_old_it_is) {
    send(5, 100, 0);
    window.acknowledge(0, 3'600 * kSecond);
    LONGS_EQUAL(100, window.first());
    LONGS_EQUAL(105, window.next());
    CHECK(window.is_waiting());
    window.acknowledge(250, 3'600 * kSecond); // within the piece
    LONGS_EQUAL(100, window.first());
    window.acknowledge(500, 3'600 * kSecond);
    LONGS_EQUAL(105, window.first());
    CHECK_FALSE(window.is_waiting());
}

TEST(resend_window, what_was_acknowledged_stays_for_thirty_seconds) {
    send(3, 100, 0);
    send(2, 100, 10 * kSecond);
    window.acknowledge(500, 10 * kSecond);
    LONGS_EQUAL(100, window.first());
    LONGS_EQUAL(105, window.first_unacknowledged());
    window.acknowledge(500, kResendMicroseconds);
    LONGS_EQUAL(100, window.first());
    window.acknowledge(500, kResendMicroseconds + 1);
    LONGS_EQUAL(103, window.first());
    window.acknowledge(500, kResendMicroseconds + 10 * kSecond + 1);
    LONGS_EQUAL(105, window.first());
}

TEST(resend_window, at_most_768_kibibytes_of_what_was_acknowledged_stay) {
    send(3'000, 1'000, 0);
    window.acknowledge(sent, 0);
    CHECK(sent - window.passed() <= kMostResendBytes);
    CHECK(sent - window.passed() > kMostResendBytes - 8'192);
    LONGS_EQUAL(100 + window.passed() / 1'000, window.first());
}

TEST(resend_window, more_than_that_stays_while_it_is_not_acknowledged) {
    send(3'000, 1'000, 0);
    window.acknowledge(1'000'000, 0);
    LONGS_EQUAL(1'000'000 / 8'000 * 8'000, window.passed()); // whole pieces of eight lines
    LONGS_EQUAL(100 + window.passed() / 1'000, window.first());
    LONGS_EQUAL(3'100, window.next());
}

TEST(resend_window, a_line_that_is_longer_than_a_piece_is_one) {
    send(2, 100'000, 0);
    window.acknowledge(100'000, kResendMicroseconds + 1);
    LONGS_EQUAL(101, window.first());
}

TEST(resend_window, a_reconnect_begins_at_its_beginning) {
    send(10, 100, 0);
    window.acknowledge(1'000, 0);
    window.restart();
    LONGS_EQUAL(100, window.first());
    LONGS_EQUAL(100, window.next());
    LONGS_EQUAL(100, window.first_unacknowledged());
    CHECK_FALSE(window.is_waiting());
    window.acknowledge(0, 100 * kSecond);
    LONGS_EQUAL(100, window.first()); // nothing of it was sent on the new connection
    send(10, 100, 100 * kSecond);
    window.acknowledge(1'000, 120 * kSecond);
    LONGS_EQUAL(100, window.first());
    window.acknowledge(1'000, 131 * kSecond);
    LONGS_EQUAL(110, window.first());
}

TEST(resend_window, acknowledgements_that_make_no_sense_are_bounded) {
    send(2, 100, 0);
    window.acknowledge(5'000, 0);
    LONGS_EQUAL(200, window.acknowledged());
    window.acknowledge(100, 0);
    LONGS_EQUAL(200, window.acknowledged());
}

TEST(resend_window, what_the_log_has_no_more_is_passed_over) {
    send(5, 100, 0);
    window.skip_to(200);
    LONGS_EQUAL(200, window.first());
    LONGS_EQUAL(200, window.next());
    send(1, 100, 0);
    window.acknowledge(600, kResendMicroseconds + 1);
    LONGS_EQUAL(201, window.first());
    window.restart();
    LONGS_EQUAL(201, window.next());
}

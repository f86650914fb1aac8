// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/login_delays.hpp"
#include "policy/base/text.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::LoginDelays;

namespace {
constexpr std::int64_t kSecond = 1'000'000;
} // namespace

TEST_GROUP(login_delays) {
    LoginDelays delays;
    std::int64_t now = 1'000 * kSecond;

    /// Waits until it may, and fails again.
    std::uint64_t fail(std::string_view name) {
        now += static_cast<std::int64_t>(delays.wait_seconds(name, now)) * kSecond;
        return delays.failed(name, now);
    }
};

TEST(login_delays, they_double_up_to_a_minute) {
    CHECK_EQUAL(0, delays.wait_seconds("admin", now));
    for (const std::uint64_t expected : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
        CHECK_EQUAL(expected, fail("admin"));
    }
    for (int more = 0; more < 100; ++more) {
        CHECK_EQUAL(60, fail("admin"));
    }
}

TEST(login_delays, a_wait_ends_to_the_microsecond) {
    fail("admin");
    fail("admin");
    CHECK_EQUAL(2, delays.wait_seconds("admin", now));
    CHECK_EQUAL(1, delays.wait_seconds("admin", now + 2 * kSecond - 1));
    CHECK_EQUAL(0, delays.wait_seconds("admin", now + 2 * kSecond));
}

TEST(login_delays, all_attempts_wait_together) {
    fail("admin");
    fail("tanaka");
    fail("suzuki");
    CHECK_EQUAL(4, delays.wait_seconds("somebody-else", now));
}

TEST(login_delays, a_success_ends_the_common_wait_and_its_own) {
    for (int time = 0; time < 5; ++time) {
        fail("admin");
    }
    fail("tanaka");
    delays.succeeded("tanaka");
    CHECK_EQUAL(0, delays.wait_seconds("tanaka", now));
    // who has an account does not guess another's any faster
    CHECK_EQUAL(0, delays.wait_seconds("suzuki", now));
    now -= 16 * kSecond;
    CHECK_EQUAL(16, delays.wait_seconds("admin", now));
    now += 16 * kSecond;
    CHECK_EQUAL(32, fail("admin"));
}

TEST(login_delays, names_are_bounded_and_the_one_whose_wait_is_over_goes_first) {
    for (int time = 0; time < 8; ++time) {
        fail("admin");
    }
    for (std::size_t name = 0; name < 3 * LoginDelays::kMostNames; ++name) {
        delays.failed("guess-" + text::to_text(name), now);
        CHECK(delays.names() <= LoginDelays::kMostNames);
    }
    delays.succeeded("guess-191");
    CHECK_EQUAL(60, delays.wait_seconds("admin", now));
}

TEST(login_delays, of_attempts_before_their_time_the_first_is_news) {
    fail("admin");
    CHECK_TRUE(delays.is_first_early());
    CHECK_FALSE(delays.is_first_early());
    fail("admin");
    CHECK_TRUE(delays.is_first_early());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/timekeeper.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {
constexpr Time kBuilt = Time::from_seconds(1'790'000'000);
constexpr std::int64_t kYear = 365 * 86'400;
} // namespace

TEST_GROUP(timekeeper) {
    fakes::FakeClock clock;
    fakes::FakeStore store;

    services::Timekeeper started() {
        services::Timekeeper keeper(clock, store, kBuilt);
        CHECK(keeper.load().has_value());
        return keeper;
    }
};

TEST(timekeeper, boot_in_1970_is_not_before_the_build) {
    clock.wall = Time::from_seconds(0);
    clock.is_synchronised = false;
    auto keeper = started();
    CHECK(keeper.reading().now == kBuilt);
    CHECK_FALSE(keeper.reading().synchronised);
}

TEST(timekeeper, time_goes_on_from_the_floor_while_the_clock_is_behind) {
    clock.wall = Time::from_seconds(0);
    auto keeper = started();
    clock.advance_seconds(100);
    CHECK(keeper.reading().now == Time::from_seconds(kBuilt.seconds() + 100));
}

TEST(timekeeper, a_step_back_after_synchronised_time_does_not_take_time_back) {
    auto keeper = started();
    const Time before = keeper.reading().now;
    clock.wall.microseconds -= kYear * 1'000'000;
    CHECK(keeper.reading().now >= before);
}

TEST(timekeeper, recorded_time_holds_after_a_reboot_with_the_clock_at_1970) {
    {
        auto keeper = started();
        CHECK(keeper.record().has_value());
    }
    const Time recorded = clock.wall;
    clock.wall = Time::from_seconds(0);
    clock.monotonic = 1;
    clock.is_synchronised = false;
    auto keeper = started();
    CHECK(keeper.reading().now >= recorded);
}

TEST(timekeeper, an_unsynchronised_step_forward_is_neither_recorded_nor_kept) {
    auto keeper = started();
    const Time before = keeper.reading().now;
    clock.is_synchronised = false;
    clock.wall.microseconds += kYear * 1'000'000;
    CHECK(keeper.reading().now > before);
    CHECK(keeper.record().has_value());
    CHECK_FALSE(store.exists("state/last-time"));
    clock.wall.microseconds -= kYear * 1'000'000;
    CHECK(keeper.reading().now.seconds() == before.seconds());
}

TEST(timekeeper, a_synchronised_step_forward_is_kept_when_the_clock_goes_back) {
    auto keeper = started();
    clock.wall.microseconds += kYear * 1'000'000;
    const Time forward = keeper.reading().now;
    CHECK(keeper.record().has_value());
    clock.wall.microseconds -= kYear * 1'000'000;
    auto restarted = started();
    CHECK(restarted.reading().now >= forward);
}

TEST(timekeeper, a_synchronised_clock_behind_the_believed_time_is_told_apart) {
    auto keeper = started();
    const Time believed = keeper.reading().now;
    CHECK_FALSE(keeper.clock_is_behind());
    clock.wall.microseconds -= 5'000'000;
    CHECK_FALSE(keeper.clock_is_behind()); // what a time source corrects
    clock.wall.microseconds -= 1;
    CHECK(keeper.clock_is_behind());
    CHECK(keeper.reading().now == believed);
    CHECK(keeper.clock_is_behind()); // asking for the time does not make it right
    clock.wall = believed;
    CHECK_FALSE(keeper.clock_is_behind());
}

TEST(timekeeper, a_synchronised_clock_behind_the_build_is_behind) {
    clock.wall = Time::from_seconds(kBuilt.seconds() - kYear);
    CHECK(started().clock_is_behind());
}

TEST(timekeeper, an_unsynchronised_clock_is_not_told_to_be_behind) {
    clock.wall = Time::from_seconds(0);
    clock.is_synchronised = false;
    CHECK_FALSE(started().clock_is_behind()); // the reading says already that nobody vouches for it
}

TEST(timekeeper, a_damaged_record_is_an_error_and_the_build_time_holds) {
    store.files["state/last-time"] = "yesterday\n";
    clock.wall = Time::from_seconds(0);
    services::Timekeeper keeper(clock, store, kBuilt);
    CHECK_FALSE(keeper.load().has_value());
    CHECK(keeper.reading().now == kBuilt);
}

TEST(timekeeper, a_full_data_partition_is_reported) {
    auto keeper = started();
    store.full = true;
    CHECK_FALSE(keeper.record().has_value());
}

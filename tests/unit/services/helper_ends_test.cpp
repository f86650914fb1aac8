// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/helper_ends.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

TEST_GROUP(helper_ends) {
    fakes::FakeClock clock;
    fakes::FakeStore store;
    fakes::FakeLogFiles files;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    services::HelperEnds ends{log, clock};

    std::size_t told() {
        return files.count("helper-ended");
    }
};

TEST(helper_ends, the_first_end_of_each_program_is_told) {
    ends.on_end("udhcpc wan0", "ended with status 1");
    ends.on_end("chronyd", "was killed by signal 11");
    LONGS_EQUAL(2, told());
    LONGS_EQUAL(1, files.count("udhcpc wan0 ended with status 1\""));
    LONGS_EQUAL(1, files.count("chronyd was killed by signal 11\""));
    LONGS_EQUAL(2, files.count("\"count\":1"));
    CHECK_FALSE(files.last_durable);
}

TEST(helper_ends, a_program_that_keeps_ending_is_told_once_an_hour_with_the_count) {
    for (int minute = 0; minute < 181; ++minute) {
        ends.on_end("udhcpc wan0", "ended with status 1");
        clock.advance_seconds(60);
    }
    LONGS_EQUAL(4, told());
    LONGS_EQUAL(3, files.count("\"count\":60"));
    LONGS_EQUAL(3, files.count("the last of 60 times"));
}

TEST(helper_ends, an_end_after_a_quiet_hour_is_told_at_once) {
    ends.on_end("chronyd", "ended with status 1");
    clock.advance_seconds(3'599);
    ends.on_end("chronyd", "ended with status 2");
    LONGS_EQUAL(1, told());
    clock.advance_seconds(3'600);
    ends.on_end("chronyd", "ended with status 3");
    LONGS_EQUAL(2, told());
    LONGS_EQUAL(1, files.count("ended with status 3; that was the last of 2 times"));
}

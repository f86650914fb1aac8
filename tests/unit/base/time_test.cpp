// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/time.hpp"

#include <cstdint>

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

std::string read_back(std::string_view text) {
    const Result<Time> time = parse_rfc3339(text);
    return time ? rfc3339_utc(*time) : time.error().cause();
}

constexpr int kTokyo = 9 * 60;

} // namespace

TEST_GROUP(time){};

TEST(time, is_written_in_utc_with_microseconds) {
    CHECK_EQUAL(std::string("1970-01-01T00:00:00.000000Z"), rfc3339_utc({}));
    CHECK_EQUAL(std::string("2001-09-09T01:46:40.000007Z"), rfc3339_utc({1'000'000'000'000'007}));
    CHECK_EQUAL(std::string("1969-12-31T23:59:59.999999Z"), rfc3339_utc({-1}));
    CHECK_EQUAL(std::string("2000-02-29T12:00:00.000000Z"), rfc3339_utc(Time::from_seconds(951'825'600)));
}

TEST(time, is_written_with_an_offset) {
    CHECK_EQUAL(std::string("2001-09-09T10:46:40.000000+09:00"),
                rfc3339_offset(Time::from_seconds(1'000'000'000), kTokyo));
    CHECK_EQUAL(std::string("2001-09-08T22:16:40.000000-03:30"),
                rfc3339_offset(Time::from_seconds(1'000'000'000), -210));
}

TEST(time, is_written_for_every_number) {
    CHECK_EQUAL(std::string("294247-01-10T04:00:54.775807Z"), rfc3339_utc({INT64_MAX}));
    CHECK_EQUAL(std::string("-290308-12-21T19:59:05.224192Z"), rfc3339_utc({INT64_MIN}));
}

TEST(time, is_read_in_utc_and_with_an_offset) {
    CHECK_EQUAL(std::string("2026-11-23T04:05:06.000000Z"), read_back("2026-11-23T04:05:06Z"));
    CHECK_EQUAL(std::string("2026-11-23T04:05:06.000007Z"), read_back("2026-11-23T13:05:06.000007+09:00"));
    CHECK_EQUAL(std::string("2026-11-24T02:05:06.500000Z"), read_back("2026-11-23t23:05:06.5-03:00"));
    CHECK_EQUAL(std::string("2026-11-23T04:05:06.123456Z"), read_back("2026-11-23T04:05:06.123456789z"));
}

TEST(time, of_every_day_reads_as_it_was_written) {
    // one day and some more apart, over four centuries and all their leap rules
    for (std::int64_t seconds = 0; seconds < 430LL * 366 * 86'400; seconds += 86'413) {
        const Time time = Time::from_seconds(seconds);
        CHECK_TRUE(parse_rfc3339(rfc3339_utc(time)).value() == time);
    }
}

TEST(time, that_does_not_exist_is_refused) {
    for (const char* text :
         {"2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
          "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
          "1969-12-31T00:00:00Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+00:60"}) {
        CHECK_EQUAL(std::string("names a day or time that does not exist"), read_back(text));
    }
}

TEST(time, that_is_malformed_is_refused) {
    for (const char* text : {"", "2026-11-23", "2026-11-23T04:05:06", "2026-11-23 04:05:06Z", "2026-11-23T04:05Z",
                             "2026-11-23T04:05:06.Z", "2026-11-23T4:05:06Z", "2026-11-23T04:05:06Z ",
                             "2026-11-23T04:05:06+9:00", "+026-11-23T04:05:06Z", "2026-11-23T04:05:06+0900"}) {
        CHECK_EQUAL(std::string("is not a time like 2027-03-31T09:00:00+09:00"), read_back(text));
    }
}

TEST_GROUP(date){};

TEST(date, is_read_and_written) {
    const Date date = Date::parse("2027-03-31").value();
    CHECK_EQUAL(2027, date.year);
    CHECK_EQUAL(3, date.month);
    CHECK_EQUAL(31, date.day);
    CHECK_EQUAL(std::string("2027-03-31"), date.text());
    CHECK_TRUE(Date::parse("2028-02-29").has_value());
    CHECK_TRUE(Date::parse("2000-02-29").has_value());
}

TEST(date, begins_and_ends_at_midnight_of_its_place) {
    const Date date = Date::parse("2027-03-31").value();
    CHECK_EQUAL(std::string("2027-03-31T00:00:00.000000Z"), rfc3339_utc(date.begin(0)));
    CHECK_EQUAL(std::string("2027-03-30T15:00:00.000000Z"), rfc3339_utc(date.begin(kTokyo)));
    CHECK_EQUAL(std::string("2027-03-31T15:00:00.000000Z"), rfc3339_utc(date.end(kTokyo)));
    CHECK_EQUAL(std::string("2028-01-01T00:00:00.000000Z"), rfc3339_utc(Date{2027, 12, 31}.end(0)));
}

TEST(date, that_is_not_in_the_calendar_is_refused) {
    for (const char* text : {"2027-02-29", "2100-02-29", "2027-04-31", "2027-13-01", "2027-01-00", "1969-12-31"}) {
        CHECK_EQUAL(std::string("is not a day of the calendar between 1970 and 9999"),
                    Date::parse(text).error().cause());
    }
}

TEST(date, that_is_malformed_is_refused) {
    for (const char* text : {"", "2027-3-31", "27-03-31", "2027/03/31", "2027-03-31 ", "20270331", "2027-03-3x"}) {
        CHECK_EQUAL(std::string("is not a date like 2027-03-31"), Date::parse(text).error().cause());
    }
}

TEST_GROUP(clock_reading){};

TEST(clock_reading, that_is_synchronised_passes_a_moment_when_it_comes) {
    const ClockReading clock{Time::from_seconds(100), true};
    CHECK_TRUE(clock.has_passed(Time::from_seconds(99)));
    CHECK_TRUE(clock.has_passed(Time::from_seconds(100)));
    CHECK_FALSE(clock.has_passed(Time::from_seconds(101)));
}

TEST(clock_reading, that_is_not_synchronised_has_passed_every_moment) {
    CHECK_TRUE(ClockReading{Time::from_seconds(0)}.has_passed(Time::from_seconds(1'000'000'000)));
}

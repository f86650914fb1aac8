// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/lifecycle/status.hpp"
#include "tests/unit/lifecycle/records.hpp"

#include <vector>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::lifecycle;
using test::at;
using test::good_clock;
using test::good_record;
using test::moment;

namespace {

constexpr std::int64_t kDay = 86'400ll * 1'000'000;

Status judged(const RecordOrCause& record, Time now) {
    return judge(record, test::kProduct, good_clock(now));
}

Time before(Time time, std::int64_t microseconds = 1) {
    return {time.microseconds - microseconds};
}

void expect(SupportStatus status, Reason reason, const Status& found) {
    STRCMP_EQUAL(std::string(name_of(status)).c_str(), std::string(name_of(found.status)).c_str());
    STRCMP_EQUAL(std::string(name_of(reason)).c_str(), std::string(name_of(found.reason)).c_str());
    CHECK_FALSE(found.why.english.empty());
    CHECK_FALSE(found.why.japanese.empty());
}

void expect_unknown(Reason reason, const Status& found) {
    expect(SupportStatus::unknown, reason, found);
    CHECK(found.warning == Warning::unknown);
    CHECK_FALSE(found.days_left.has_value());
}

const Time kFullEnd = at("2031-03-31T15:00:00Z");
const Time kSecurityEnd = at("2033-03-31T15:00:00Z");
const Time kLifeEnd = at("2034-03-31T15:00:00Z");
const Time kMiddle = at("2028-01-01T00:00:00Z");

} // namespace

TEST_GROUP(support_status){};

TEST(support_status, nothing_is_supported_by_default) {
    CHECK(Status{}.status == SupportStatus::unknown);
    CHECK(Status{}.warning == Warning::unknown);
}

TEST(support_status, without_a_record_is_unknown) {
    expect_unknown(Reason::no_record, judged(std::optional<SupportRecord>(), kMiddle));
}

TEST(support_status, with_a_record_that_can_not_be_read_is_unknown_and_names_the_cause) {
    const auto status = judged(std::unexpected(Error(Domain::lifecycle, "core.end_of_life", "is no text")), kMiddle);
    expect_unknown(Reason::record_unusable, status);
    CHECK(status.why.english.contains("core.end_of_life: is no text"));
    CHECK(status.why.japanese.contains("core.end_of_life: is no text"));
}

TEST(support_status, changes_at_the_end_of_full_support_to_the_microsecond) {
    const Status last = judged(good_record(), before(kFullEnd));
    expect(SupportStatus::supported, Reason::full_support, last);
    CHECK(last.changes_at == kFullEnd);
    const Status first = judged(good_record(), kFullEnd);
    expect(SupportStatus::security_only, Reason::security_fixes_only, first);
    CHECK(first.changes_at == kSecurityEnd);
    CHECK(first.warning == Warning::none);
}

TEST(support_status, changes_at_the_end_of_security_support_to_the_microsecond) {
    const Status last = judged(good_record(), before(kSecurityEnd));
    expect(SupportStatus::security_only, Reason::security_fixes_only, last);
    LONGS_EQUAL(0, *last.days_left);
    const Status first = judged(good_record(), kSecurityEnd);
    expect(SupportStatus::ended, Reason::security_support_ended, first);
    CHECK(first.warning == Warning::ended);
    LONGS_EQUAL(0, *first.days_left);
    CHECK_FALSE(first.changes_at.has_value());
}

TEST(support_status, stays_ended_until_and_after_the_end_of_life) {
    for (const Time now : {before(kLifeEnd), kLifeEnd, at("2099-01-01T00:00:00Z")}) {
        expect(SupportStatus::ended, Reason::security_support_ended, judged(good_record(), now));
    }
}

TEST(support_status, without_an_end_of_full_support_is_supported_to_the_end_of_security_support) {
    SupportRecord record = good_record();
    record.end_of_full_support.reset();
    const Status last = judged(record, before(kSecurityEnd));
    expect(SupportStatus::supported, Reason::full_support, last);
    CHECK(last.changes_at == kSecurityEnd);
    expect(SupportStatus::ended, Reason::security_support_ended, judged(record, kSecurityEnd));
}

TEST(support_status, begins_with_the_last_update_and_with_the_availability_to_the_microsecond) {
    SupportRecord record = good_record();
    const Time updated = *record.core.last_updated.time;
    expect_unknown(Reason::before_last_update, judged(record, before(updated)));
    CHECK(judged(record, before(updated)).changes_at == updated);
    expect(SupportStatus::supported, Reason::full_support, judged(record, updated));

    record.core.general_availability = moment("2027-01-01T00:00:00Z");
    const Time available = at("2027-01-01T00:00:00Z");
    CHECK(judged(record, before(updated)).changes_at == available);
    expect_unknown(Reason::not_available_yet, judged(record, updated));
    expect_unknown(Reason::not_available_yet, judged(record, before(available)));
    CHECK(judged(record, before(available)).changes_at == available);
    expect(SupportStatus::supported, Reason::full_support, judged(record, available));

    record.core.general_availability.reset();
    record.core.end_of_sales.reset();
    expect(SupportStatus::supported, Reason::full_support, judged(record, updated));
}

TEST(support_status, warns_from_each_level_to_the_microsecond) {
    struct Row {
        std::int64_t days;
        Warning outside;
        Warning inside;
    };

    for (const Row& row :
         {Row{365, Warning::none, Warning::within_365_days},
          Row{180, Warning::within_365_days, Warning::within_180_days},
          Row{90, Warning::within_180_days, Warning::within_90_days},
          Row{30, Warning::within_90_days, Warning::within_30_days}, Row{0, Warning::within_30_days, Warning::ended}}) {
        const Time from = before(kSecurityEnd, row.days * kDay);
        const Status outside = judged(good_record(), before(from));
        const Status inside = judged(good_record(), from);
        CHECK(outside.warning == row.outside);
        CHECK(inside.warning == row.inside);
        LONGS_EQUAL(row.days, *outside.days_left);
        LONGS_EQUAL(row.days, *inside.days_left);
        if (row.days > 0) {
            LONGS_EQUAL(row.days - 1, *judged(good_record(), Time{from.microseconds + 1}).days_left);
        }
    }
}

TEST(support_status, of_a_clock_that_can_not_be_relied_on_is_unknown_at_any_time) {
    for (const char* now : {"2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z", "2032-01-01T00:00:00Z",
                            "2033-06-01T00:00:00Z", "2040-01-01T00:00:00Z"}) {
        Circumstances circumstances = good_clock(at(now));
        circumstances.clock_is_behind = true;
        expect_unknown(Reason::clock_behind, judge(good_record(), test::kProduct, circumstances));
        circumstances.clock.synchronised = false;
        expect_unknown(Reason::clock_unsynchronised, judge(good_record(), test::kProduct, circumstances));
        circumstances.clock_is_behind = false;
        expect_unknown(Reason::clock_unsynchronised, judge(good_record(), test::kProduct, circumstances));
    }
}

TEST(support_status, of_an_end_that_is_to_be_announced_is_never_supported) {
    SupportRecord record = good_record();
    record.core.end_of_security_support = moment("tba");
    expect_unknown(Reason::security_end_not_stated, judged(record, kMiddle));
    expect_unknown(Reason::security_end_not_stated, judged(record, before(kLifeEnd)));
    CHECK(judged(record, kMiddle).changes_at == kLifeEnd);
    expect(SupportStatus::ended, Reason::life_ended, judged(record, kLifeEnd));

    record.core.end_of_life = moment("tba");
    expect_unknown(Reason::security_end_not_stated, judged(record, at("2099-01-01T00:00:00Z")));
    CHECK_FALSE(judged(record, kMiddle).changes_at.has_value());

    record = good_record();
    record.core.end_of_life = moment("tba");
    expect_unknown(Reason::life_end_not_stated, judged(record, kMiddle));
    expect_unknown(Reason::life_end_not_stated, judged(record, before(kSecurityEnd)));
    CHECK(judged(record, kMiddle).changes_at == kSecurityEnd);
    expect(SupportStatus::ended, Reason::security_support_ended, judged(record, kSecurityEnd));
}

TEST(support_status, of_an_availability_that_is_to_be_announced_is_never_supported) {
    SupportRecord record = good_record();
    record.core.general_availability = moment("tba");
    expect_unknown(Reason::availability_not_stated, judged(record, kMiddle));
    expect(SupportStatus::ended, Reason::security_support_ended, judged(record, kSecurityEnd));
}

TEST(support_status, of_sales_does_not_count) {
    SupportRecord record = good_record();
    record.core.end_of_sales = moment("tba");
    expect(SupportStatus::supported, Reason::full_support, judged(record, kMiddle));
}

TEST(support_status, of_a_record_that_nobody_stands_for_is_unknown) {
    for (const char* nobody : {"", " ", "\t\n", "\u3000 \u00a0", "\u200b"}) {
        SupportRecord record = good_record();
        record.promised_by = nobody;
        expect_unknown(Reason::nobody_promises, judged(record, kMiddle));
        expect_unknown(Reason::nobody_promises, judged(record, kSecurityEnd));
    }
}

TEST(support_status, of_a_record_for_something_else_is_unknown) {
    SupportRecord record = good_record();
    record.product = "Kekkai";
    expect_unknown(Reason::other_product, judged(record, kMiddle));
    for (const char* version : {"0.2", "0.10", "0.1.1", "0.1.20", "1.1", "0.1.2.0", "0.01", "0", "0.1."}) {
        record = good_record();
        record.version = version;
        CHECK(judged(record, kMiddle).status == SupportStatus::unknown);
    }
    for (const char* version : {"0.1", "0.1.2"}) {
        record = good_record();
        record.version = version;
        expect(SupportStatus::supported, Reason::full_support, judged(record, kMiddle));
    }
}

TEST(support_status, of_an_image_without_a_version_is_unknown) {
    for (const char* version : {"", "0.1", "0.1.2-dirty", "0.1.2 ", "0.1.x"}) {
        const Status status = judge(good_record(), {"Sekisho", version}, good_clock(kMiddle));
        expect_unknown(Reason::other_version, status);
    }
}

TEST(support_status, of_a_record_at_odds_with_itself_is_unknown) {
    SupportRecord record = good_record();
    record.core.end_of_life = moment("2033-03-31T14:59:59Z");
    expect_unknown(Reason::record_unusable, judged(record, kMiddle));
    record = good_record();
    record.core.last_updated = moment("tba");
    expect_unknown(Reason::record_unusable, judged(record, kMiddle));
    record = good_record();
    record.end_of_full_support = moment("tba");
    expect_unknown(Reason::record_unusable, judged(record, kMiddle));
}

/// Whatever a record says and whatever the clock: supported only where everything speaks for it.
TEST(support_status, is_supported_only_where_everything_speaks_for_it) {
    const std::vector<std::string> moments{"tba", "2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z",
                                           "2033-01-01T00:00:00Z", "2034-01-01T00:00:00Z"};
    const std::vector<Time> times{at("2025-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"), at("2030-01-01T00:00:00Z"),
                                  at("2033-06-01T00:00:00Z"), at("2035-01-01T00:00:00Z")};
    int supported = 0;
    for (const std::string& available : moments) {
        for (const std::string& full : moments) {
            for (const std::string& fixes : moments) {
                for (const std::string& life : moments) {
                    SupportRecord record = good_record();
                    record.core.general_availability = moment(available);
                    record.core.end_of_sales.reset();
                    record.end_of_full_support = moment(full);
                    record.core.end_of_security_support = moment(fixes);
                    record.core.end_of_life = moment(life);
                    record.core.last_updated = moment("2026-06-01T00:00:00Z");
                    for (const Time now : times) {
                        const Status status = judged(record, now);
                        const auto reached = [now](const std::string& end) { return end != "tba" && now >= at(end); };
                        const bool all = check(record) && now >= at("2026-06-01T00:00:00Z") && reached(available) &&
                                         full != "tba" && !reached(full) && fixes != "tba" && !reached(fixes) &&
                                         life != "tba" && !reached(life);
                        CHECK_EQUAL(all, status.status == SupportStatus::supported);
                        supported += all ? 1 : 0;
                        if (check(record) && now >= at("2026-06-01T00:00:00Z") &&
                            (available == "tba" || reached(available))) {
                            CHECK_EQUAL(reached(fixes) || reached(life), status.status == SupportStatus::ended);
                        }
                        if (status.changes_at) {
                            CHECK(*status.changes_at > now);
                            CHECK(judged(record, *status.changes_at).status != status.status);
                            CHECK(judged(record, before(*status.changes_at)).status == status.status);
                        }
                    }
                }
            }
        }
    }
    CHECK(supported > 10);
}

TEST(support_status, has_an_exit_status_of_its_own) {
    LONGS_EQUAL(0, exit_status_of(SupportStatus::supported));
    LONGS_EQUAL(3, exit_status_of(SupportStatus::security_only));
    LONGS_EQUAL(4, exit_status_of(SupportStatus::ended));
    LONGS_EQUAL(5, exit_status_of(SupportStatus::unknown));
}

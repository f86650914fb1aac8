// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/lifecycle/support_record.hpp"
#include "tests/unit/lifecycle/records.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::lifecycle;
using test::good_record;
using test::moment;

namespace {

void refuse(const SupportRecord& record, const char* message) {
    const auto checked = check(record);
    CHECK_FALSE(checked.has_value());
    STRCMP_EQUAL(message, checked.error().message().c_str());
}

} // namespace

TEST_GROUP(support_record){};

TEST(support_record, moments_are_rfc_3339_or_to_be_announced) {
    CHECK(Moment::parse("tba").value() == (Moment{"tba", std::nullopt}));
    CHECK(Moment::parse("2033-03-31T23:59:59.5+09:00").value().time == test::at("2033-03-31T14:59:59.5Z"));
    STRCMP_EQUAL("2033-03-31T23:59:59+09:00", Moment::parse("2033-03-31T23:59:59+09:00").value().text.c_str());
}

TEST(support_record, moments_in_another_form_are_refused) {
    for (const char* text :
         {"", "TBA", "tba ", "2033-03-31", "2033-03-31T14:59:59", "2033-03-31t14:59:59Z", "2033-03-31T14:59:59z",
          "2033-03-31 14:59:59Z", "2016-12-31T23:59:60Z", "2033-02-29T00:00:00Z", "2033-03-31T24:00:00Z",
          "2033-03-31T14:59:59,5Z", "2033-03-31T14:59Z", "20330331T145959Z", "2033-03-31T14:59:59+0900"}) {
        CHECK_FALSE(Moment::parse(text).has_value());
    }
}

TEST(support_record, a_good_one_is_accepted) {
    CHECK(check(good_record()).has_value());
    SupportRecord same = good_record();
    const Moment one = moment("2033-03-31T15:00:00Z");
    same.end_of_full_support = same.core.end_of_sales = same.core.general_availability = one;
    same.core.end_of_security_support = same.core.end_of_life = one;
    CHECK(check(same).has_value());
    same.core.schema = kCoreSchemas[1];
    CHECK(check(same).has_value());
}

TEST(support_record, blank_members_are_named) {
    SupportRecord record = good_record();
    record.promised_by = "\u3000";
    refuse(record, "lifecycle: promised_by: is blank");
    record = good_record();
    record.source.clear();
    refuse(record, "lifecycle: source: is blank");
    record = good_record();
    record.product = " ";
    refuse(record, "lifecycle: product: is blank");
    record = good_record();
    record.version = "0.1-rc";
    refuse(record, "lifecycle: version: '0.1-rc' is no version like 1.2 or 1.2.3");
}

TEST(support_record, no_date_is_later_than_the_end_of_life) {
    const char* const late = "2034-03-31T15:00:00.000001Z";
    SupportRecord record = good_record();
    record.core.end_of_security_support = moment(late);
    refuse(record, "lifecycle: core.end_of_security_support: is later than core.end_of_life");
    record = good_record();
    record.core.end_of_sales = moment(late);
    refuse(record, "lifecycle: core.end_of_sales: is later than core.end_of_life");
    record = good_record();
    record.core.general_availability = moment(late);
    refuse(record, "lifecycle: core.general_availability: is later than core.end_of_life");
    record = good_record();
    record.core.end_of_security_support = moment("tba");
    record.end_of_full_support = moment(late);
    refuse(record, "lifecycle: end_of_full_support: is later than core.end_of_life");
    // the zone counts, not the digits
    record = good_record();
    record.core.end_of_sales = moment("2034-04-01T00:00:00+09:00");
    CHECK(check(record).has_value());
}

TEST(support_record, no_date_is_before_the_general_availability) {
    SupportRecord record = good_record();
    record.core.end_of_sales = moment("2026-03-31T14:59:59.999999Z");
    refuse(record, "lifecycle: core.end_of_sales: is earlier than core.general_availability");
    record.core.general_availability = moment("tba");
    CHECK(check(record).has_value());
}

TEST(support_record, the_last_update_takes_no_part_in_the_order) {
    SupportRecord record = good_record();
    record.core.last_updated = moment("2050-01-01T00:00:00Z");
    CHECK(check(record).has_value());
    record.core.last_updated = moment("2020-01-01T00:00:00Z");
    CHECK(check(record).has_value());
    record.core.last_updated = moment("tba");
    refuse(record, "lifecycle: core.last_updated: is a date, never tba");
}

TEST(support_record, full_support_ends_no_later_than_the_fixes) {
    SupportRecord record = good_record();
    record.end_of_full_support = moment("2033-03-31T15:00:00.000001Z");
    refuse(record, "lifecycle: end_of_full_support: is later than core.end_of_security_support");
    record.end_of_full_support = moment("tba");
    refuse(record, "lifecycle: end_of_full_support: is a date or left out, never tba");
}

TEST(support_record, another_schema_is_refused) {
    SupportRecord record = good_record();
    record.core.schema = "https://docs.oasis-open.org/openeox/v2.0/schema/core.json";
    CHECK_FALSE(check(record).has_value());
}

TEST(support_record, lines_hold_for_whole_parts) {
    CHECK(is_of_line("0.1.0", "0.1"));
    CHECK(is_of_line("0.1.12", "0.1"));
    CHECK(is_of_line("10.20.30", "10.20.30"));
    CHECK_FALSE(is_of_line("0.10.0", "0.1"));
    CHECK_FALSE(is_of_line("0.1.12", "0.1.1"));
    CHECK_FALSE(is_of_line("0.1", "0.1"));
    CHECK_FALSE(is_of_line("0.1.0", ""));
    CHECK_FALSE(is_of_line("00.1.0", "00.1"));
    CHECK_FALSE(is_of_line("0.1.+1", "0.1"));
}

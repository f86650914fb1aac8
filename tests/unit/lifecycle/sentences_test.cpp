// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/lifecycle/sentences.hpp"
#include "tests/unit/lifecycle/records.hpp"

#include <algorithm>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::lifecycle;
using test::at;
using test::good_record;

namespace {

std::string greeted(const RecordOrCause& record, const char* now, bool synchronised = true) {
    Circumstances circumstances = test::good_clock(at(now));
    circumstances.clock.synchronised = synchronised;
    return greeting(judge(record, test::kProduct, circumstances), record, test::kProduct, circumstances.offset_minutes);
}

} // namespace

TEST_GROUP(lifecycle_sentences){};

TEST(lifecycle_sentences, times_bear_their_offset) {
    STRCMP_EQUAL("2033-03-31 23:59:59 +09:00", shown_time(at("2033-03-31T14:59:59.999Z"), 540).c_str());
    STRCMP_EQUAL("2033-03-31 14:59:59 +00:00", shown_time(at("2033-03-31T14:59:59Z"), 0).c_str());
    STRCMP_EQUAL("2033-03-31 11:29:59 -03:30", shown_time(at("2033-03-31T14:59:59Z"), -210).c_str());
}

TEST(lifecycle_sentences, a_supported_router_greets_with_one_line) {
    STRCMP_EQUAL("Sekisho 0.1.2, support: supported until 2031-04-01 00:00:00 +09:00\n",
                 greeted(good_record(), "2028-01-01T00:00:00Z").c_str());
    STRCMP_EQUAL("Sekisho 0.1.2, support: security-only until 2033-04-01 00:00:00 +09:00\n",
                 greeted(good_record(), "2032-01-01T00:00:00Z").c_str());
}

TEST(lifecycle_sentences, a_router_near_its_end_says_whom_to_ask) {
    STRCMP_EQUAL("Sekisho 0.1.2, support: security-only until 2033-04-01 00:00:00 +09:00\n"
                 "Warning: Security support ends in 30 days, at 2033-04-01 00:00:00 +09:00. Ask Example K.K. about a "
                 "newer version or a replacement.\n"
                 "注意: セキュリティサポートは残り30日、2033-04-01 00:00:00 +09:00 "
                 "に終了します。新しいバージョンまたは後継機について Example K.K. にお問い合わせください。\n",
                 greeted(good_record(), "2033-03-01T15:00:00Z").c_str());
    CHECK(greeted(good_record(), "2033-03-30T15:00:00Z").contains("ends in 1 day, at"));
    CHECK(greeted(good_record(), "2033-03-31T14:00:00Z").contains("ends in less than a day, at"));
    CHECK(greeted(good_record(), "2033-03-31T14:00:00Z").contains("残り1日未満、"));
}

TEST(lifecycle_sentences, a_router_past_its_end_says_so_in_both_languages) {
    const std::string text = greeted(good_record(), "2033-06-01T00:00:00Z");
    CHECK(text.starts_with("Sekisho 0.1.2, support: ended\nWarning: Security support ended at "));
    CHECK(text.contains("no security fixes are promised"));
    CHECK(text.contains("\n注意: セキュリティサポートは "));
    LONGS_EQUAL(3, std::ranges::count(text, '\n'));
}

TEST(lifecycle_sentences, an_unknown_status_comes_with_what_to_do) {
    CHECK(greeted(std::optional<SupportRecord>(), "2028-01-01T00:00:00Z").contains("Ask whoever built"));
    CHECK(greeted(good_record(), "2028-01-01T00:00:00Z", false).contains("time servers"));
    SupportRecord record = good_record();
    record.core.end_of_life = test::moment("tba");
    CHECK(greeted(record, "2028-01-01T00:00:00Z").contains("Ask Example K.K. for the dates."));
}

TEST(lifecycle_sentences, every_warning_is_one_line_in_each_language) {
    SupportRecord other = good_record();
    other.version = "9.9";
    SupportRecord late = good_record();
    late.core.general_availability = test::moment("2027-01-01T00:00:00Z");
    const RecordOrCause unreadable = std::unexpected(Error(Domain::lifecycle, "core", "is no object"));
    for (const RecordOrCause& record : {RecordOrCause(std::nullopt), unreadable, RecordOrCause(other),
                                        RecordOrCause(late), RecordOrCause(good_record())}) {
        for (const char* now :
             {"2026-11-22T00:00:00Z", "2026-12-01T00:00:00Z", "2033-01-01T00:00:00Z", "2034-01-01T00:00:00Z"}) {
            const std::string text = greeted(record, now);
            const auto lines = std::ranges::count(text, '\n');
            CHECK(lines == 1 || (lines == 3 && text.contains("\nWarning: ") && text.contains("\n注意: ")));
        }
    }
}

TEST(lifecycle_sentences, texts_of_a_record_are_escaped) {
    SupportRecord record = good_record();
    record.promised_by = "Example\x1b[2J\nSekisho 9.9.9, support: supported";
    const std::string text = greeted(record, "2033-03-01T15:00:00Z");
    CHECK_FALSE(text.contains('\x1b'));
    LONGS_EQUAL(3, std::ranges::count(text, '\n'));
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/lifecycle.hpp"
#include "tests/unit/fakes/fakes.hpp"
#include "tests/unit/lifecycle/records.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using test::at;
using test::good_record;

namespace {

constexpr std::uint64_t kHour = 3'600'000;
constexpr std::uint64_t kDay = 24 * kHour;
constexpr std::string_view kHash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

services::ImageFacts image_with(lifecycle::RecordOrCause record) {
    return {.identity = {.product = "Sekisho",
                         .board = "test",
                         .version = "0.1.2",
                         .build = "abc",
                         .image_hash = std::string(kHash),
                         .build_time = at("2026-11-01T00:00:00Z")},
            .support = std::move(record),
            .components = std::vector<lifecycle::Component>{
                {"libc6", "2.41-12", "glibc", "2.41-12", ""},
                {"busybox-static", "1:1.37.0-6", "busybox", "1:1.37.0-6", "glibc 2.41-12"}}};
}

} // namespace

TEST_GROUP(lifecycle_service) {
    fakes::FakeClock clock;
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeLogFiles files;
    fakes::FakeSystem machine;
    services::Timekeeper keeper{clock, store, at("2026-11-01T00:00:00Z")};
    services::EventLog log{files, store, keeper, "boot"};
    std::unique_ptr<services::Lifecycle> service;

    void make(lifecycle::RecordOrCause record) {
        service = std::make_unique<services::Lifecycle>(services::Lifecycle::Ports{machine, clock, loop},
                                                        image_with(std::move(record)), keeper, log, [] { return 540; });
    }

    void start(const char* now, lifecycle::RecordOrCause record = good_record(), bool synchronised = true) {
        clock.wall = at(now);
        clock.is_synchronised = synchronised;
        make(std::move(record));
        service->start();
    }

    std::size_t told() {
        return files.count("\"action\":\"lifecycle\"");
    }

    std::string last() {
        return files.lines.front().back();
    }

    static services::Invocation asking(std::vector<std::string> words) {
        return services::parse_command(words).value();
    }

    std::string lifecycle_json() {
        return service->show_lifecycle(asking({"show", "lifecycle", "--json"})).output;
    }
};

TEST(lifecycle_service, a_start_is_told_once) {
    start("2028-01-01T00:00:00Z");
    LONGS_EQUAL(1, told());
    CHECK(last().contains(R"("kind":"event")"));
    CHECK(last().contains(R"("lifecycle":{"status":"supported","days_left":1916})"));
    CHECK(last().contains("Example K.K. promises full support until "));
    CHECK(last().contains("約束しています"));
    service->check();
    service->check();
    LONGS_EQUAL(1, told());
    CHECK(files.last_durable);
}

TEST(lifecycle_service, every_day_of_the_clinic_is_told_once) {
    start("2028-01-01T00:00:00Z"); // 09:00 in Japan
    loop.advance(14 * kHour, clock);
    LONGS_EQUAL(1, told());
    loop.advance(kHour, clock); // 00:00 of 2 January
    LONGS_EQUAL(2, told());
    loop.advance(23 * kHour, clock);
    LONGS_EQUAL(2, told());
    loop.advance(29 * kDay + kHour, clock);
    LONGS_EQUAL(32, told());
}

TEST(lifecycle_service, each_warning_is_told_within_the_hour_and_then_daily) {
    const std::int64_t end = at("2033-03-31T15:00:00Z").microseconds;
    start("2032-03-30T12:00:00Z"); // 366 days and three hours before the end
    CHECK(last().contains(R"("kind":"event")"));
    std::size_t before = told();
    for (const int days : {365, 180, 90, 30, 0}) {
        clock.wall.microseconds = end - days * 86'400ll * 1'000'000 - 30ll * 60 * 1'000'000;
        service->check(); // the clock stepped, to half an hour before: another day, the former level
        LONGS_EQUAL(++before, told());
        loop.advance(kHour, clock);
        LONGS_EQUAL(++before, told());
        CHECK(last().contains(R"("kind":"alert")"));
        const std::string expected = days > 0 ? "残り" + std::to_string(days - 1) + "日" : "終了しました";
        CHECK(last().contains(expected));
        CHECK(last().contains(days > 0 ? "Ask Example K.K. about" : "Ask Example K.K. for"));
        loop.advance(kDay, clock);
        LONGS_EQUAL(++before, told());
    }
    CHECK(last().contains(R"("lifecycle":{"status":"ended","days_left":0})"));
}

TEST(lifecycle_service, the_end_is_told_when_it_comes) {
    start("2033-03-31T14:59:00Z");
    LONGS_EQUAL(1, told());
    loop.advance(59'999, clock);
    LONGS_EQUAL(1, told());
    loop.advance(2, clock);
    LONGS_EQUAL(2, told());
    CHECK(last().contains(R"("status":"ended")"));
}

TEST(lifecycle_service, a_stepped_clock_that_changes_the_status_is_told) {
    start("2028-01-01T00:00:00Z");
    clock.wall = at("2031-06-01T00:00:00Z");
    service->check();
    LONGS_EQUAL(2, told());
    CHECK(last().contains(R"("status":"security-only")"));
}

TEST(lifecycle_service, without_a_record_every_start_is_an_alert) {
    start("2028-01-01T00:00:00Z", std::nullopt);
    LONGS_EQUAL(1, told());
    CHECK(last().contains(R"("kind":"alert")"));
    CHECK(last().contains(R"("reason":"no-record")"));
    CHECK(last().contains(R"("lifecycle":{"status":"unknown"})"));
    CHECK(last().contains("サポート記録がなく"));
    loop.advance(kDay, clock);
    LONGS_EQUAL(2, told());
}

TEST(lifecycle_service, a_clock_that_has_just_been_switched_on_is_no_alert_yet) {
    start("2028-01-01T00:00:00Z", good_record(), false);
    LONGS_EQUAL(1, told());
    CHECK(last().contains(R"("kind":"event")"));
    CHECK(last().contains(R"("status":"unknown")"));
    loop.advance(14 * 60'000, clock);
    LONGS_EQUAL(1, told());
    loop.advance(60'000, clock);
    LONGS_EQUAL(2, told());
    CHECK(last().contains(R"("kind":"alert")"));
    clock.is_synchronised = true;
    loop.advance(60'000, clock);
    LONGS_EQUAL(3, told());
    CHECK(last().contains(R"("status":"supported")"));
}

TEST(lifecycle_service, with_an_unsynchronised_clock_a_day_is_24_hours_since_the_last_event) {
    start("2028-01-01T00:00:00Z", std::nullopt, false);
    loop.advance(kDay - 60'000, clock);
    LONGS_EQUAL(1, told());
    loop.advance(60'000, clock);
    LONGS_EQUAL(2, told());
    clock.wall = at("2028-02-20T00:00:00Z"); // whatever it says, it is not believed
    service->check();
    LONGS_EQUAL(2, told());
}

TEST(lifecycle_service, a_clock_that_comes_and_goes_makes_no_storm) {
    start("2028-01-01T00:00:00Z", std::nullopt, false);
    for (int turn = 0; turn < 100; ++turn) {
        clock.is_synchronised = turn % 2 == 0;
        service->check();
        loop.advance(60'000, clock);
    }
    LONGS_EQUAL(1, told());
}

TEST(lifecycle_service, a_clock_behind_the_recorded_time_is_unknown) {
    start("2028-01-01T00:00:00Z");
    clock.wall = at("2027-01-01T00:00:00Z");
    service->check();
    LONGS_EQUAL(2, told());
    CHECK(last().contains(R"("reason":"clock-behind")"));
    LONGS_EQUAL(5, service->show_lifecycle(asking({"show", "lifecycle"})).exit_status);
}

TEST(lifecycle_service, the_version_names_image_and_promise) {
    start("2028-01-01T00:00:00Z");
    const auto json = service->show_version(asking({"show", "version", "--json"}));
    LONGS_EQUAL(0, json.exit_status);
    STRCMP_EQUAL((R"({"product":"Sekisho","version":"0.1.2","board":"test","build":"abc","image_hash":")" +
                  std::string(kHash) +
                  R"(","build_time":"2026-11-01T00:00:00.000000Z","kernel":"6.12.0","support_status":"supported",)"
                  R"("support_until":"2033-03-31T15:00:00.000000Z","promised_by":"Example K.K."})"
                  "\n")
                     .c_str(),
                 json.output.c_str());
    const std::string text = service->show_version(asking({"show", "version"})).output;
    CHECK(text.contains("Promised until  2033-04-01 00:00:00 +09:00\n"));
}

TEST(lifecycle_service, the_version_claims_no_promise_for_something_else) {
    lifecycle::SupportRecord record = good_record();
    record.version = "0.2";
    start("2028-01-01T00:00:00Z", record);
    const std::string json = service->show_version(asking({"show", "version", "--json"})).output;
    CHECK(json.contains(R"("support_status":"unknown","support_until":null,"promised_by":null)"));
    make(std::nullopt);
    CHECK(service->show_version(asking({"show", "version", "--json"})).output.contains(R"("support_until":null)"));
}

TEST(lifecycle_service, the_report_has_the_core_object_as_given) {
    start("2028-01-01T00:00:00Z");
    const auto answer = service->show_lifecycle(asking({"show", "lifecycle", "--json"}));
    LONGS_EQUAL(0, answer.exit_status);
    CHECK(answer.output.contains(
        R"("core":{"$schema":"https://docs.oasis-open.org/openeox/v1.0/schema/core.json",)"
        R"("general_availability":"2026-04-01T00:00:00+09:00","end_of_sales":"2030-01-01T00:00:00Z",)"
        R"("end_of_security_support":"2033-03-31T15:00:00Z","end_of_life":"2034-03-31T15:00:00Z",)"
        R"("last_updated":"2026-11-23T00:00:00Z"}})"));
    CHECK(
        answer.output.contains(R"("status":"supported","days_left":1916,"changes_at":"2031-03-31T15:00:00.000000Z")"));
    CHECK(answer.output.contains(R"("exit_status":0)"));
}

TEST(lifecycle_service, the_report_s_exit_status_is_the_status) {
    start("2032-01-01T00:00:00Z");
    LONGS_EQUAL(3, service->show_lifecycle(asking({"show", "lifecycle"})).exit_status);
    CHECK(lifecycle_json().contains(R"("exit_status":3)"));
    clock.wall = at("2033-03-31T15:00:00Z");
    LONGS_EQUAL(4, service->show_lifecycle(asking({"show", "lifecycle"})).exit_status);
    CHECK(lifecycle_json().contains(R"("exit_status":4)"));
    clock.is_synchronised = false;
    LONGS_EQUAL(5, service->show_lifecycle(asking({"show", "lifecycle"})).exit_status);
    CHECK(lifecycle_json().contains(R"("exit_status":5)"));
}

TEST(lifecycle_service, the_report_without_a_record_says_why) {
    start("2028-01-01T00:00:00Z", std::nullopt);
    CHECK(lifecycle_json().contains(R"("status":"unknown","days_left":null,"changes_at":null)"));
    CHECK(lifecycle_json().contains(R"("promised_by":null)"));
    CHECK(lifecycle_json().contains(R"("core":null})"));
    const std::string text = service->show_lifecycle(asking({"show", "lifecycle"})).output;
    CHECK(text.contains("This image has no support record"));
    CHECK(text.contains("サポート記録がなく"));
    make(std::unexpected(Error(Domain::lifecycle, "core.end_of_life", "is missing")));
    CHECK(lifecycle_json().contains("core.end_of_life: is missing"));
}

TEST(lifecycle_service, components_are_listed_or_the_reason_is_given) {
    start("2028-01-01T00:00:00Z");
    const auto list = service->show_components(asking({"show", "components", "--json"}));
    LONGS_EQUAL(0, list.exit_status);
    STRCMP_EQUAL(
        R"({"components":[)"
        R"({"name":"libc6","version":"2.41-12","source":"glibc","source_version":"2.41-12","built_using":null},)"
        R"({"name":"busybox-static","version":"1:1.37.0-6","source":"busybox","source_version":"1:1.37.0-6",)"
        R"("built_using":"glibc 2.41-12"}]})"
        "\n",
        list.output.c_str());
    CHECK(service->show_components(asking({"show", "components"})).output.contains("2 components"));
    services::ImageFacts image = image_with(std::nullopt);
    image.components = std::unexpected(Error(Domain::lifecycle, "components.json", "does not exist"));
    services::Lifecycle without({machine, clock, loop}, image, keeper, log, [] { return 0; });
    const auto answer = without.show_components(asking({"show", "components"}));
    LONGS_EQUAL(1, answer.exit_status);
    CHECK(answer.errors.contains("does not exist"));
}

TEST(lifecycle_service, a_session_is_greeted_with_the_status) {
    start("2033-03-20T00:00:00Z");
    const std::string text = service->greeting();
    CHECK(text.starts_with("Sekisho 0.1.2, support: security-only until 2033-04-01 00:00:00 +09:00\nWarning: "));
    CHECK(text.contains("\n注意: "));
    CHECK(text.ends_with('\n'));
}

TEST_GROUP(identity){};

TEST(identity, without_version_or_time_is_refused) {
    CHECK(services::Identity::parse("version 1.2.3\nbuild-time 2026-11-23T00:00:00Z\nnovelty x\n").has_value());
    CHECK_FALSE(services::Identity::parse("version 1.2.3\n").has_value());
    CHECK_FALSE(services::Identity::parse("build-time 2026-11-23T00:00:00Z\n").has_value());
    CHECK_FALSE(services::Identity::parse("version 1\nbuild-time yesterday\n").has_value());
}

TEST(identity, takes_an_image_hash_in_its_form_only) {
    const auto parse = [](std::string_view hash) {
        return services::Identity::parse("version 1.2.3\nbuild-time 2026-11-23T00:00:00Z\nimage-hash " +
                                         std::string(hash) + "\n");
    };
    STRCMP_EQUAL(std::string(kHash).c_str(), parse(kHash).value().image_hash.c_str());
    CHECK_FALSE(parse(kHash.substr(1)).has_value());
    CHECK_FALSE(parse(std::string(kHash) + "0").has_value());
    CHECK_FALSE(parse("A" + std::string(kHash.substr(1))).has_value());
    CHECK_FALSE(parse(" " + std::string(kHash.substr(1))).has_value());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/log_export.hpp"
#include "policy/base/text.hpp"
#include "policy/events/csv.hpp"
#include "tests/unit/fakes/fakes.hpp"
#include "tests/unit/services/stamp_reader.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using events::Event;
using events::Field;
using services::LogPage;

TEST_GROUP(log_page){};

TEST(log_page, survives_its_text) {
    const LogPage page{1, 22, 333, 4, 5, "{\"a\":1}\n{}\n"};
    CHECK(services::read_page(services::to_output(page)).value() == page);
    const LogPage empty{~std::uint64_t{0}, 0, 0, 0, 0, ""};
    CHECK(services::read_page(services::to_output(empty)).value() == empty);
}

TEST(log_page, what_is_none_is_refused) {
    for (const char* text :
         {"", "\n", "1 2 3 4 5", "1 2 3 4\n", "1 2 3 4 5 6\n", "1 2 3 4 x\n", "1 2  4 5\n", "-1 2 3 4 5\n"}) {
        CHECK_FALSE(services::read_page(text).has_value());
    }
}

TEST(log_page, a_selection_is_from_its_begin_to_before_its_end) {
    const auto selection = services::read_selection("csv", "2026-11-23T00:00:00+09:00", "2026-11-22T16:00:00Z").value();
    CHECK(selection.format == services::LogFormat::csv);
    CHECK_FALSE(selection.has(parse_rfc3339("2026-11-22T14:59:59.999999Z").value()));
    CHECK(selection.has(parse_rfc3339("2026-11-22T15:00:00Z").value()));
    CHECK(selection.has(parse_rfc3339("2026-11-22T15:59:59.999999Z").value()));
    CHECK_FALSE(selection.has(parse_rfc3339("2026-11-22T16:00:00Z").value()));
    CHECK(services::read_selection("jsonl", "-", "-").value().has(Time{}));
}

TEST(log_page, what_is_no_selection_is_refused) {
    CHECK_FALSE(services::read_selection("xml", "-", "-").has_value());
    CHECK_FALSE(services::read_selection("csv", "yesterday", "-").has_value());
    CHECK_FALSE(services::read_selection("csv", "-", "2026-11-23").has_value());
    CHECK_FALSE(services::read_selection("csv", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z").has_value());
}

TEST_GROUP(log_export) {
    fakes::FakeClock clock;
    fakes::FakeStore store;
    fakes::FakeLogFiles files;
    tests::StampReader reader;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot-1"};
    services::LogExport exporter{log, reader};
    std::uint32_t user_id = 1000;

    void record(std::string message) {
        Event event;
        event.set(Field::event_action, "test");
        event.set(Field::message, std::move(message));
        log.record(std::move(event));
    }
    ports::ControlResponse ask(std::vector<std::string> words) {
        words.insert(words.begin(), "log-page");
        const auto invocation = services::parse_command(words).value();
        ports::ControlRequest request;
        request.peer = {user_id, 1, "hanako"};
        request.origin = "ssh 10.0.1.5";
        request.words = words;
        return exporter.page(invocation, request);
    }
    LogPage page(std::vector<std::string> words) {
        const auto response = ask(std::move(words));
        CHECK_TEXT(response.exit_status == 0, response.errors.c_str());
        return services::read_page(response.output).value();
    }
    LogPage next(const LogPage& former) {
        return page({"next", text::to_text(former.id), text::to_text(former.next)});
    }
    /// The whole export.
    LogPage all(const std::string& format, const std::string& from = "-", const std::string& to = "-") {
        LogPage sum = page({"begin", format, from, to});
        while (sum.next < sum.end) {
            LogPage piece = next(sum);
            CHECK(piece.next > sum.next);
            piece.records.insert(0, sum.records);
            piece.not_events += sum.not_events;
            piece.gone += sum.gone;
            sum = std::move(piece);
        }
        return sum;
    }
};

TEST(log_export, json_lines_are_the_lines_of_the_log) {
    record("one");
    record("two");
    const std::vector<std::string> lines = files.all_lines();
    const LogPage exported = all("jsonl");
    CHECK(exported.records == lines[0] + "\n" + lines[1] + "\n");
    LONGS_EQUAL(0, exported.not_events);
    LONGS_EQUAL(0, exported.gone);
}

TEST(log_export, csv_has_a_header_and_a_row_per_event) {
    record("one");
    record("=two");
    const LogPage exported = all("csv");
    CHECK(exported.records.starts_with(events::to_csv_header()));
    CHECK(exported.records.contains(",\"one\"\r\n"));
    CHECK(exported.records.ends_with(",\"'=two\"\r\n"));
    LONGS_EQUAL(3, std::count(exported.records.begin(), exported.records.end(), '\n'));
}

TEST(log_export, an_empty_log) {
    CHECK(all("csv").records == events::to_csv_header());
    files.lines = {{}};
    files.first = 0;
    CHECK(all("jsonl").records.empty());
}

TEST(log_export, the_export_is_recorded_once_and_ends_before_its_record) {
    record("one");
    const LogPage exported = all("jsonl", "2026-11-01T00:00:00+09:00");
    LONGS_EQUAL(0, exported.records.find("log-export") == std::string::npos ? 0 : 1);
    LONGS_EQUAL(1, files.count("\"log-export\""));
    const std::string& line = files.lines.front().back();
    CHECK(files.last_durable);
    CHECK(line.contains("\"name\":\"hanako\""));
    CHECK(line.contains("\"origin\":\"ssh 10.0.1.5\""));
    CHECK(
        line.contains("export as jsonl began: events from 2026-10-31T15:00:00.000000Z, out of 1 lines from number 0"));
}

TEST(log_export, what_came_after_the_beginning_is_not_exported) {
    record("before");
    const LogPage begun = page({"begin", "jsonl", "-", "-"});
    record("after");
    const LogPage piece = next(begun);
    CHECK(piece.next == piece.end);
    CHECK(piece.records.contains("before"));
    CHECK_FALSE(piece.records.contains("after"));
}

TEST(log_export, a_piece_is_bounded) {
    for (int i = 0; i < 30; ++i) {
        record(std::string(100'000, 'x'));
    }
    LogPage piece = page({"begin", "jsonl", "-", "-"});
    std::size_t pieces = 0;
    std::size_t lines = 0;
    while (piece.next < piece.end) {
        piece = next(piece);
        CHECK(piece.records.size() <= services::LogExport::kMostPiece);
        lines += static_cast<std::size_t>(std::count(piece.records.begin(), piece.records.end(), '\n'));
        ++pieces;
    }
    LONGS_EQUAL(6, pieces);
    LONGS_EQUAL(30, lines);
}

TEST(log_export, events_outside_of_the_range_are_left_out) {
    std::vector<std::string> times;
    for (int i = 0; i < 5; ++i) {
        times.push_back(rfc3339_utc(clock.wall));
        record("event " + std::to_string(i));
        clock.advance_seconds(60);
    }
    for (const char* format : {"jsonl", "csv"}) {
        const std::string records = all(format, times[1], times[3]).records;
        CHECK_FALSE(records.contains("event 0"));
        CHECK(records.contains("event 1"));
        CHECK(records.contains("event 2"));
        CHECK_FALSE(records.contains("event 3"));
    }
    CHECK(all("jsonl", times[4]).records.contains("event 4"));
    CHECK_FALSE(all("jsonl", "-", times[4]).records.contains("event 4"));
}

TEST(log_export, lines_that_are_no_events_are_counted_and_kept_in_json_lines) {
    record("one");
    files.lines.front().emplace_back("half an ev");
    files.lines.front().emplace_back(R"({"message":"without a time"})");
    record("two");
    const LogPage jsonl = all("jsonl", rfc3339_utc(clock.wall));
    LONGS_EQUAL(2, jsonl.not_events);
    CHECK(jsonl.records.contains("\nhalf an ev\n{\"message\":\"without a time\"}\n"));
    const LogPage csv = all("csv");
    LONGS_EQUAL(2, csv.not_events);
    CHECK_FALSE(csv.records.contains("half"));
    CHECK_FALSE(csv.records.contains("without"));
}

TEST(log_export, what_rotation_took_before_is_told) {
    log.configure(2'000, 1);
    for (int i = 0; i < 60; ++i) {
        record("padding padding padding padding padding padding");
    }
    const std::uint64_t first = log.first_line();
    CHECK(first > 0);
    auto response = ask({"begin", "jsonl", "-", "-"});
    STRCMP_EQUAL(("gap: rotation had removed the oldest " + std::to_string(first) + " lines of the log, " +
                  std::to_string(first) + " of them before anyone read them\n")
                     .c_str(),
                 response.errors.c_str());
    LogPage piece = services::read_page(response.output).value();
    LONGS_EQUAL(first, piece.next);
    while (piece.next < piece.end) {
        piece = next(piece);
    }
    LONGS_EQUAL(0, log.unread_gap()); // read now, and told
    LONGS_EQUAL(0, log.read(1)->gap);
    response = ask({"begin", "jsonl", "-", "-"});
    CHECK(response.errors.starts_with("gap: rotation had removed the oldest "));
    CHECK_FALSE(response.errors.contains("before anyone"));
}

TEST(log_export, what_rotation_takes_meanwhile_is_counted) {
    for (int i = 0; i < 10; ++i) {
        record("early");
    }
    LogPage piece = page({"begin", "jsonl", "-", "-"});
    CHECK(files.rotate(1).has_value());
    for (int i = 0; i < 5; ++i) {
        record("late");
    }
    CHECK(files.rotate(1).has_value()); // takes the ten, and the record of the export
    piece = next(piece);
    LONGS_EQUAL(10, piece.gone);
    CHECK(piece.records.empty());
    CHECK(piece.next == piece.end);
}

TEST(log_export, a_part_that_rotation_takes_meanwhile_is_counted) {
    for (int i = 0; i < 3; ++i) {
        record("taken");
    }
    CHECK(files.rotate(9).has_value());
    record("left");
    const LogPage begun = page({"begin", "jsonl", "-", "-"});
    CHECK(files.rotate(1).has_value());
    const LogPage piece = next(begun);
    LONGS_EQUAL(3, piece.gone);
    LONGS_EQUAL(1, std::count(piece.records.begin(), piece.records.end(), '\n'));
    CHECK(piece.records.contains("left"));
}

TEST(log_export, a_range_does_not_count_as_reading) {
    record("one");
    all("jsonl", "2026-01-01T00:00:00Z");
    log.configure(100, 0);
    record("two");
    LONGS_EQUAL(1, files.count("2 of them before anyone read them"));
}

TEST(log_export, nobody_reads_what_no_record_tells_of) {
    record("one");
    const LogPage begun = page({"begin", "jsonl", "-", "-"});
    const std::string id = text::to_text(begun.id);
    LONGS_EQUAL(1, ask({"next", id, "1"}).exit_status);
    LONGS_EQUAL(1, ask({"next", text::to_text(begun.id + 1), "0"}).exit_status);
    LONGS_EQUAL(1, ask({"next", id, "x"}).exit_status);
    user_id = 1001;
    LONGS_EQUAL(1, ask({"next", id, "0"}).exit_status);
    user_id = 1000;
    CHECK(next(begun).records.contains("one"));
    LONGS_EQUAL(1, ask({"next", id, "0"}).exit_status); // not twice
    LONGS_EQUAL(1, files.count("\"log-export\""));
}

TEST(log_export, words_that_make_no_sense_are_refused_and_not_recorded) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                  {"begin"},
                                                  {"begin", "jsonl", "-"},
                                                  {"begin", "xml", "-", "-"},
                                                  {"begin", "csv", "tomorrow", "-"},
                                                  {"next", "1"},
                                                  {"next", "1", "2", "3"},
                                                  {"end", "1", "2"}}) {
        LONGS_EQUAL(2, ask(words).exit_status);
    }
    LONGS_EQUAL(0, files.count("\"log-export\""));
}

TEST(log_export, the_oldest_of_too_many_is_given_up) {
    record("one");
    const LogPage first = page({"begin", "jsonl", "-", "-"});
    const LogPage second = page({"begin", "jsonl", "-", "-"});
    CHECK(first.id != second.id);
    for (std::size_t i = 0; i < services::LogExport::kMostExports - 1; ++i) {
        page({"begin", "csv", "-", "-"});
    }
    LONGS_EQUAL(1, ask({"next", text::to_text(first.id), "0"}).exit_status);
    CHECK(next(second).records.contains("one"));
}

TEST(log_export, a_log_that_cannot_be_read_is_an_error_and_the_export_can_go_on) {
    record("one");
    const LogPage begun = page({"begin", "jsonl", "-", "-"});
    files.refuse_reading = true;
    const auto response = ask({"next", text::to_text(begun.id), "0"});
    LONGS_EQUAL(1, response.exit_status);
    CHECK(response.errors.contains("input/output error"));
    files.refuse_reading = false;
    CHECK(next(begun).records.contains("one"));
}

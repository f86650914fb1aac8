// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/event_log.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using events::Event;
using events::Field;

namespace {

/// Reads every line as the same event.
class FixedReader final : public ports::EventReader {
public:
    Result<Event> read(std::string_view) override { return event; }

    Event event;
};

} // namespace

TEST_GROUP(event_log) {
    fakes::FakeClock clock;
    fakes::FakeStore store;
    fakes::FakeLogFiles files;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot-1"};

    void record(std::string message, services::Durability durability = services::Durability::eventual) {
        Event event;
        event.set(Field::event_action, "test");
        event.set(Field::message, std::move(message));
        log.record(std::move(event), durability);
    }
};

TEST(event_log, an_event_gets_boot_sequence_time_and_clock_state) {
    clock.is_synchronised = false;
    record("first");
    record("second");
    LONGS_EQUAL(2, files.lines.front().size());
    CHECK(files.lines.front()[1].contains("\"sequence\":2"));
    CHECK(files.lines.front()[1].contains("boot-1"));
    CHECK(files.lines.front()[1].contains("\"synchronised\":false"));
    CHECK(files.lines.front()[0].contains("\"@timestamp\":\"2026-11-"));
}

TEST(event_log, what_people_did_is_written_durably) {
    record("somebody applied", services::Durability::immediate);
    CHECK(files.last_durable);
    record("a connection");
    CHECK_FALSE(files.last_durable);
}

TEST(event_log, events_on_a_full_disk_are_counted_and_told_when_writing_works_again) {
    record("before");
    files.full = true;
    record("lost 1");
    record("lost 2");
    LONGS_EQUAL(2, log.lost());
    files.full = false;
    record("after");
    LONGS_EQUAL(0, log.lost());
    LONGS_EQUAL(1, files.count("\"log-lost\""));
    CHECK(files.count("2 events could not be written: storage: log/access.jsonl: no space left on device") == 1);
    CHECK(files.lines.front().back().contains("after"));
}

TEST(event_log, rotation_that_takes_unread_events_is_an_event_and_a_gap) {
    log.configure(2'000, 1);
    for (int i = 0; i < 60; ++i) {
        record("padding padding padding padding padding padding");
    }
    CHECK(files.count("log-rotated-unread") > 0);
    const auto reading = log.read(1000);
    CHECK(reading.has_value());
    CHECK(reading->gap > 0);
    const auto again = log.read(1000);
    LONGS_EQUAL(0, again->gap);
}

TEST(event_log, rotation_of_what_was_read_is_no_gap) {
    log.configure(100'000, 1);
    for (int i = 0; i < 10; ++i) {
        record("early");
    }
    CHECK(log.read(1000).has_value());
    log.configure(500, 0);
    record("one more");
    CHECK_EQUAL(0, files.count("log-rotated-unread"));
    CHECK_EQUAL(1, files.count("\"log-rotated\""));
}

TEST(event_log, marks_survive_a_restart) {
    log.configure(2'000, 1);
    for (int i = 0; i < 60; ++i) {
        record("padding padding padding padding padding padding");
    }
    services::EventLog restarted{files, store, keeper, "boot-2"};
    CHECK(restarted.load().has_value());
    CHECK(restarted.read(10)->gap > 0);
}

TEST(event_log, the_sequence_goes_on_after_a_restart_within_a_boot) {
    record("first");
    record("second");
    FixedReader reader;
    reader.event.set(Field::boot_id, "boot-1");
    reader.event.set_number(Field::event_sequence, 2);
    services::EventLog restarted{files, store, keeper, "boot-1"};
    CHECK(restarted.resume(reader).has_value());
    restarted.record(Event{});
    CHECK(files.lines.front().back().contains("\"sequence\":3"));

    services::EventLog rebooted{files, store, keeper, "boot-2"};
    CHECK(rebooted.resume(reader).has_value());
    rebooted.record(Event{});
    CHECK(files.lines.front().back().contains("\"sequence\":1"));
}

TEST(event_log, an_empty_log_begins_the_sequence) {
    FixedReader reader;
    CHECK(log.resume(reader).has_value());
    record("first");
    CHECK(files.lines.front().back().contains("\"sequence\":1"));
}

TEST(event_log, numbers_stand_in_order_where_rotation_tells_something) {
    log.configure(2'000, 1);
    for (int i = 0; i < 60; ++i) {
        record("padding padding padding padding padding padding");
    }
    CHECK(files.count("log-rotated-unread") > 0);
    std::size_t former = 0;
    for (auto file = files.lines.rbegin(); file != files.lines.rend(); ++file) {
        for (const std::string& line : *file) {
            const std::size_t place = line.find("\"sequence\":") + 11;
            const std::size_t number = std::stoul(line.substr(place));
            CHECK_TEXT(former == 0 || number == former + 1, line.c_str());
            former = number;
        }
    }
}

TEST(event_log, damaged_marks_are_an_error) {
    store.files["state/log-marks"] = "12 x\n";
    CHECK_FALSE(log.load().has_value());
    store.files["state/log-marks"] = "12\n";
    CHECK_FALSE(log.load().has_value());
}

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
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeStore run_store;
    fakes::FakeLogFiles files;
    FixedReader reader;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot-1"};

    void start() {
        CHECK(log.start(reader, loop, run_store).has_value());
    }
    void last_is(std::string action, std::int64_t sequence) {
        reader.event.set(Field::event_action, std::move(action));
        reader.event.set(Field::boot_id, "boot-1");
        reader.event.set_number(Field::event_sequence, sequence);
    }
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
    last_is("stop", 2);
    services::EventLog restarted{files, store, keeper, "boot-1"};
    CHECK(restarted.start(reader, loop, run_store).has_value());
    restarted.record(Event{});
    CHECK(files.lines.front().back().contains("\"sequence\":3"));

    services::EventLog rebooted{files, store, keeper, "boot-2"};
    CHECK(rebooted.start(reader, loop, run_store).has_value());
    rebooted.record(Event{});
    CHECK(files.lines.front().back().contains("\"sequence\":1"));
    LONGS_EQUAL(0, files.count("log-unclean"));
}

TEST(event_log, an_empty_log_begins_the_sequence) {
    start();
    record("first");
    LONGS_EQUAL(1, files.next_line());
    CHECK(files.lines.front().back().contains("\"sequence\":1"));
}

TEST(event_log, a_log_that_does_not_end_in_stop_is_told) {
    record("before the power cut");
    last_is("connection-denied", 41);
    services::EventLog rebooted{files, store, keeper, "boot-2"};
    CHECK(rebooted.start(reader, loop, run_store).has_value());
    const std::string& told = files.lines.front().back();
    CHECK(told.contains("\"log-unclean\""));
    CHECK(told.contains("sequence 41 of boot boot-1; events of its last second may be missing"));
    CHECK(told.contains("\"sequence\":1"));
    CHECK(files.last_durable);

    services::EventLog restarted{files, store, keeper, "boot-1"};
    CHECK(restarted.start(reader, loop, run_store).has_value());
    CHECK(files.lines.front().back().contains("sequence 41 of boot boot-1, this one"));
    CHECK(files.lines.front().back().contains("\"sequence\":42"));
}

TEST(event_log, what_is_appended_is_synced_within_a_second) {
    start();
    record("a connection");
    LONGS_EQUAL(0, files.syncs);
    loop.advance(700, clock);
    record("another");
    loop.advance(300, clock);
    LONGS_EQUAL(1, files.syncs);
    loop.advance(10'000, clock);
    LONGS_EQUAL(1, files.syncs);
    record("a third");
    loop.advance(1'000, clock);
    LONGS_EQUAL(2, files.syncs);
}

TEST(event_log, a_durable_event_takes_the_earlier_ones_along) {
    start();
    record("a connection");
    record("somebody applied", services::Durability::immediate);
    loop.advance(10'000, clock);
    LONGS_EQUAL(0, files.syncs);
}

TEST(event_log, a_sync_that_fails_is_told_once_and_tried_again) {
    start();
    files.refuse_sync = true;
    record("a connection");
    loop.advance(5'000, clock);
    LONGS_EQUAL(5, files.syncs);
    LONGS_EQUAL(1, files.count("log-not-durable"));
    LONGS_EQUAL(1, files.count("input/output error"));
    files.refuse_sync = false;
    loop.advance(5'000, clock);
    LONGS_EQUAL(6, files.syncs);
    files.refuse_sync = true;
    record("a connection");
    loop.advance(1'000, clock);
    LONGS_EQUAL(2, files.count("log-not-durable"));
}

TEST(event_log, a_killed_process_leaves_its_losses_and_their_numbers_to_the_next) {
    start();
    record("written");
    files.full = true;
    record("lost 1");
    record("lost 2"); // the report of the first loss is tried before it, and takes a number too
    last_is("test", 1);
    files.full = false;
    services::EventLog next{files, store, keeper, "boot-1"};
    CHECK(next.start(reader, loop, run_store).has_value());
    LONGS_EQUAL(1, files.count("2 events could not be written: the daemon ended before they could be"));
    CHECK(files.lines.front()[1].contains("\"sequence\":5"));
    CHECK(files.lines.front()[2].contains("log-unclean"));

    services::EventLog third{files, store, keeper, "boot-1"};
    CHECK(third.start(reader, loop, run_store).has_value());
    LONGS_EQUAL(1, files.count("could not be written"));
}

TEST(event_log, a_damaged_record_of_losses_is_an_error_and_the_log_goes_on) {
    run_store.files["log-losses"] = "x";
    record("written");
    last_is("stop", 1);
    services::EventLog next{files, store, keeper, "boot-1"};
    CHECK_FALSE(next.start(reader, loop, run_store).has_value());
    next.record(Event{});
    CHECK(files.lines.front().back().contains("\"sequence\":2"));
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

TEST(event_log, a_damaged_mark_is_an_error) {
    store.files["state/log-read"] = "x\n";
    CHECK_FALSE(log.load().has_value());
    store.files["state/log-read"] = "12 13\n";
    CHECK_FALSE(log.load().has_value());
}

TEST(event_log, a_mark_beyond_the_end_is_what_a_power_cut_left) {
    store.files["state/log-read"] = "12\n";
    CHECK(log.load().has_value());
    log.configure(300, 0);
    record("one");
    record("two");
    LONGS_EQUAL(1, files.count("log-rotated-unread"));
}

TEST(event_log, lines_are_read_by_their_number_over_rotations) {
    log.configure(2'000, 1);
    for (int i = 0; i < 60; ++i) {
        record("padding padding padding padding padding padding");
    }
    CHECK(log.first_line() > 0);
    const auto piece = log.read_from(0, 1);
    CHECK(piece->first == log.first_line());
    LONGS_EQUAL(1, piece->lines.size());
    const auto last = log.read_from(log.next_line() - 1, 1'000);
    CHECK(last->lines.front() == files.lines.front().back());
    CHECK(log.read_from(log.next_line(), 1'000)->lines.empty());
}

TEST(event_log, who_follows_the_log_is_called_for_each_line) {
    int calls = 0;
    log.on_append([&] { ++calls; });
    record("first");
    files.full = true;
    record("lost");
    LONGS_EQUAL(1, calls);
    files.full = false;
    record("second"); // and the report of the loss
    LONGS_EQUAL(3, calls);
}

TEST(event_log, lines_are_durable_when_they_were_synced) {
    start();
    CHECK(log.load().has_value());
    record("a connection");
    LONGS_EQUAL(0, log.durable_line());
    loop.advance(1'000, clock);
    LONGS_EQUAL(1, log.durable_line());
    record("another");
    record("somebody applied", services::Durability::immediate);
    LONGS_EQUAL(3, log.durable_line());
    files.refuse_sync = true;
    record("a third");
    loop.advance(1'000, clock); // its report of the failure is durable, and so everything
    LONGS_EQUAL(3, log.durable_line());
}

TEST(event_log, an_export_of_all_lines_counts_as_reading) {
    log.configure(100'000, 1);
    for (int i = 0; i < 10; ++i) {
        record("early");
    }
    log.note_read(3, 10); // not all
    log.note_read(0, 6);
    log.note_read(6, 10);
    log.configure(500, 0);
    record("one more");
    LONGS_EQUAL(0, files.count("log-rotated-unread"));
}

TEST(event_log, nothing_is_rotated_before_the_bounds_are_known) {
    record("first");
    record(std::string(5u << 20, 'x'));
    record("last");
    LONGS_EQUAL(1, files.lines.size());
    log.configure(4u << 20, 8);
    record("in a new file");
    LONGS_EQUAL(2, files.lines.size());
}

TEST(event_log, a_reading_that_left_out_unread_events_leaves_them_unread) {
    log.configure(100'000, 1);
    for (int i = 0; i < 10; ++i) {
        record("early");
    }
    CHECK(log.read(1).has_value());
    log.configure(500, 0);
    record("one more");
    LONGS_EQUAL(1, files.count("log-rotated-unread"));
    LONGS_EQUAL(1, files.count("10 of them before anyone read them"));
    const auto reading = log.read(1);
    LONGS_EQUAL(10, reading->gap);
    LONGS_EQUAL(0, log.read(1)->gap); // told once
}

TEST(event_log, a_reading_up_to_the_mark_moves_it) {
    log.configure(100'000, 1);
    for (int i = 0; i < 10; ++i) {
        record("early");
    }
    CHECK(log.read(10).has_value());
    record("late");
    CHECK(log.read(1).has_value());
    log.configure(500, 0);
    record("one more");
    LONGS_EQUAL(0, files.count("log-rotated-unread"));
}

TEST(event_log, bounds_that_fit_hold_as_they_are) {
    const services::LogBounds wanted{4u << 20, 8};
    CHECK(services::bounded(wanted, 36u << 20) == wanted);
    CHECK(services::bounded(wanted, ~std::uint64_t{0}) == wanted);
}

TEST(event_log, bounds_that_do_not_fit_become_smaller_files_then_fewer) {
    const services::LogBounds smaller = services::bounded({4u << 20, 8}, 18u << 20);
    CHECK(smaller == (services::LogBounds{2u << 20, 8}));
    const services::LogBounds fewer = services::bounded({256u << 20, 1000}, 4u << 20);
    LONGS_EQUAL(63, fewer.files);
    LONGS_EQUAL(64u << 10, fewer.file_size);
    for (const std::uint64_t most :
         {std::uint64_t{0}, std::uint64_t{1000}, std::uint64_t{70'000}, std::uint64_t{5u << 20}}) {
        for (const unsigned count : {0u, 1u, 8u, 1000u}) {
            const services::LogBounds bounds = services::bounded({256u << 20, count}, most);
            CHECK(bounds.file_size * (bounds.files + 1) <= most);
            CHECK(bounds.files <= count);
        }
    }
}

TEST(event_log, bounds_that_the_limit_changes_are_told_once) {
    log.configure(4u << 20, 8);
    LONGS_EQUAL(0, files.count("log-bounded"));
    log.limit(18u << 20);
    log.configure(4u << 20, 8);
    log.configure(4u << 20, 8);
    LONGS_EQUAL(1, files.count("log-bounded"));
    LONGS_EQUAL(1,
                files.count("rotated at 2097152 bytes instead of 4194304, and 8 rotated files are kept instead of 8"));
}

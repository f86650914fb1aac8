// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/event_log.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <utility>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

constexpr std::string_view kMarksFile = "state/log-marks";
constexpr std::string_view kLossesFile = "log-losses"; ///< in the run directory: last sequence, events not written
constexpr std::uint64_t kLeastFileSize = 64u << 10;
constexpr std::uint64_t kSyncMilliseconds = 1'000;

Event host_alert(std::string_view action, std::string message) {
    Event event;
    event.set(Field::event_kind, "alert");
    event.set(Field::event_category, "host");
    event.set(Field::event_action, std::string(action));
    event.set(Field::message, std::move(message));
    return event;
}

/// The two numbers of a file that holds nothing else.
Result<std::pair<std::uint64_t, std::uint64_t>> read_two_numbers(ports::Store& store, std::string_view file) {
    const std::string text = TRY(store.read(file, 128));
    const auto parts = text::split(std::string_view(text).substr(0, text.find('\n')), ' ');
    const auto first = parts.size() == 2 ? text::parse_unsigned(parts[0]) : std::nullopt;
    const auto second = parts.size() == 2 ? text::parse_unsigned(parts[1]) : std::nullopt;
    if (!first || !second) {
        return std::unexpected(Error(Domain::storage, std::string(file), "does not hold two numbers"));
    }
    return std::pair(*first, *second);
}

std::string two_numbers(std::uint64_t first, std::uint64_t second) {
    return text::concat(text::to_text(first), " ", text::to_text(second), "\n");
}

} // namespace

LogBounds bounded(LogBounds wanted, std::uint64_t most) noexcept {
    const std::uint64_t count = std::uint64_t{wanted.files} + 1;
    if (wanted.file_size <= most / count) {
        return wanted;
    }
    const std::uint64_t least = std::min(kLeastFileSize, wanted.file_size);
    const std::uint64_t fitting = std::clamp<std::uint64_t>(most / least, 1, count);
    return {most / fitting, static_cast<unsigned>(fitting - 1)};
}

EventLog::EventLog(ports::LogFiles& files, ports::Store& store, Timekeeper& timekeeper, std::string boot_id)
    : m_files(files), m_store(store), m_timekeeper(timekeeper), m_boot_id(std::move(boot_id)) {}

Result<void> EventLog::load() {
    if (!m_store.exists(kMarksFile)) {
        return {};
    }
    const auto [dropped, read] = TRY(read_two_numbers(m_store, kMarksFile));
    m_dropped = dropped;
    m_read = read;
    return {};
}

Result<void> EventLog::start(ports::EventReader& reader, ports::EventLoop& loop, ports::Store& run_store) {
    m_run_store = &run_store;
    m_sync_timer = loop.make_timer([this] { sync(); });
    // First what was lost: the numbers of those events are taken, also where the last line can't be read.
    auto losses = resume_losses();
    TRY(resume(reader));
    return losses;
}

Result<void> EventLog::resume_losses() {
    if (!m_run_store->exists(kLossesFile)) {
        return {};
    }
    const auto [sequence, lost] = TRY(read_two_numbers(*m_run_store, kLossesFile));
    m_sequence = static_cast<std::int64_t>(sequence);
    m_lost = lost;
    m_lost_cause = "the daemon ended before they could be";
    return {};
}

Result<void> EventLog::resume(ports::EventReader& reader) {
    const auto lines = TRY(m_files.last_lines(1));
    if (lines.empty()) {
        return {};
    }
    const Event last = TRY(reader.read(lines.front()));
    const std::string_view boot = last.text(Field::boot_id);
    const std::int64_t sequence = last.number(Field::event_sequence);
    if (boot == m_boot_id) {
        m_sequence = std::max(m_sequence, sequence);
    }
    if (last.text(Field::event_action) != "stop") {
        record(
            host_alert("log-unclean",
                       text::concat("the daemon was not ended in order: the log ended at sequence ",
                                    text::to_text(static_cast<std::uint64_t>(sequence)), " of boot ", boot,
                                    boot == m_boot_id ? ", this one" : "; events of its last second may be missing")),
            Durability::immediate);
    }
    return {};
}

void EventLog::configure(std::uint64_t file_size, unsigned files) {
    const LogBounds wanted{file_size, files};
    const LogBounds holds = bounded(wanted, m_most);
    if (std::exchange(m_bounds, holds) == holds || holds == wanted) {
        return;
    }
    record(host_alert("log-bounded", text::concat("the log may take ", text::to_text(m_most),
                                                  " bytes, which is less than is configured: a file is rotated at ",
                                                  text::to_text(holds.file_size), " bytes instead of ",
                                                  text::to_text(wanted.file_size), ", and ", text::to_text(holds.files),
                                                  " rotated files are kept instead of ", text::to_text(wanted.files))),
           Durability::immediate);
}

void EventLog::stamp(Event& event) {
    const ClockReading clock = m_timekeeper.reading();
    event.set(Field::timestamp, rfc3339_utc(clock.now));
    if (!event.has(Field::event_kind)) {
        event.set(Field::event_kind, "event");
    }
    // A clock that is behind what was believed before is wrong now or was wrong then: nobody vouches for the time.
    event.set_boolean(Field::clock_synchronised, clock.synchronised && !m_timekeeper.clock_is_behind());
    event.set(Field::boot_id, m_boot_id);
    event.set_number(Field::event_sequence, ++m_sequence);
}

void EventLog::record(Event event, Durability durability) {
    if (m_lost > 0) {
        // Written first, so that the reader finds the gap where it is.
        Event loss =
            host_alert("log-lost", text::concat(text::to_text(m_lost), " events could not be written: ", m_lost_cause));
        loss.set_number(Field::event_count, static_cast<std::int64_t>(m_lost));
        const std::uint64_t lost_before = m_lost;
        m_lost = 0;
        append(std::move(loss), Durability::immediate);
        if (m_lost > 0) {
            m_lost = lost_before; // still failing; the report itself is not one of the lost events
        }
        save_losses();
    }
    append(std::move(event), durability);
}

void EventLog::append(Event event, Durability durability) {
    stamp(event);
    std::string line = to_json_line(event);
    if (m_files.current_size() > 0 && m_files.current_size() + line.size() > m_bounds.file_size) {
        // Rotation may have something to tell first; its number comes before this event's, as in the file.
        --m_sequence;
        rotate();
        event.set_number(Field::event_sequence, ++m_sequence);
        line = to_json_line(event);
    }
    write(line, durability);
}

void EventLog::write(const std::string& line, Durability durability) {
    if (auto written = m_files.append(line, durability == Durability::immediate); !written) {
        ++m_lost;
        m_lost_cause = written.error().message();
        save_losses();
        return;
    }
    if (durability == Durability::immediate) {
        m_unsynced = false; // the file is synced as a whole
    } else if (!m_unsynced) {
        m_unsynced = true;
        if (m_sync_timer != nullptr) {
            m_sync_timer->start_once(kSyncMilliseconds);
        }
    }
}

void EventLog::sync() {
    if (!m_unsynced) {
        return;
    }
    m_unsynced = false;
    const auto synced = m_files.sync();
    const bool failed_before = std::exchange(m_sync_failed, !synced);
    if (synced) {
        return;
    }
    m_unsynced = true;
    m_sync_timer->start_once(kSyncMilliseconds);
    if (!failed_before) {
        record(host_alert("log-not-durable",
                          text::concat("a power cut may take the last events: ", synced.error().message())));
    }
}

/// A process that follows in this boot must neither forget what was lost nor give its numbers again.
void EventLog::save_losses() {
    if (m_run_store == nullptr) {
        return;
    }
    ignore_error(m_lost > 0
                     ? m_run_store->write(kLossesFile, two_numbers(static_cast<std::uint64_t>(m_sequence), m_lost))
                     : m_run_store->remove(kLossesFile),
                 "this process knows the count, and the run directory being full too is seen by others");
}

void EventLog::rotate() {
    const auto dropped = m_files.rotate(m_bounds.files);
    if (!dropped) {
        m_lost_cause = dropped.error().message(); // appending goes on in the old file
        return;
    }
    if (*dropped == 0) {
        return;
    }
    m_dropped += *dropped;
    const std::uint64_t unread = m_dropped > m_read ? m_dropped - m_read : 0;
    Event event = host_alert("log-rotated-unread", text::concat("rotation removed ", text::to_text(*dropped),
                                                                " events, ", text::to_text(std::min(unread, *dropped)),
                                                                " of them before anyone read them"));
    event.set_number(Field::event_count, static_cast<std::int64_t>(std::min(unread, *dropped)));
    if (unread == 0) {
        event.set(Field::event_action, "log-rotated");
        event.set(Field::event_kind, "event");
    }
    if (auto saved = save_marks(); !saved) {
        event.set(Field::event_reason, saved.error().message());
    }
    stamp(event);
    // Straight into the fresh file: it can't need another rotation.
    write(to_json_line(event), Durability::immediate);
}

Result<void> EventLog::save_marks() {
    return m_store.write(kMarksFile, two_numbers(m_dropped, m_read));
}

Result<EventLog::Reading> EventLog::read(std::size_t most) {
    Reading reading;
    reading.lines = TRY(m_files.last_lines(most));
    reading.gap = m_dropped > m_read ? m_dropped - m_read : 0;
    m_read = std::max(m_read, m_dropped);
    const std::uint64_t end = m_dropped + m_files.total_lines();
    if (m_read + reading.lines.size() >= end) {
        m_read = end;
    }
    // A mark that can't be saved makes the next gap report too large, never too small.
    ignore_error(save_marks(), "reading the log must work on a full data partition");
    return reading;
}

} // namespace sekisho::services

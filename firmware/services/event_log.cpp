// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/event_log.hpp"

#include "policy/base/text.hpp"

#include <algorithm>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

constexpr std::string_view kMarksFile = "state/log-marks";

Event host_event(std::string_view action, std::uint64_t count, std::string message) {
    Event event;
    event.set(Field::event_kind, "alert");
    event.set(Field::event_category, "host");
    event.set(Field::event_action, std::string(action));
    event.set_number(Field::event_count, static_cast<std::int64_t>(count));
    event.set(Field::message, std::move(message));
    return event;
}

} // namespace

EventLog::EventLog(ports::LogFiles& files, ports::Store& store, Timekeeper& timekeeper, std::string boot_id)
    : m_files(files), m_store(store), m_timekeeper(timekeeper), m_boot_id(std::move(boot_id)) {}

Result<void> EventLog::load() {
    if (!m_store.exists(kMarksFile)) {
        return {};
    }
    const std::string text = TRY(m_store.read(kMarksFile, 128));
    const auto parts = text::split(std::string_view(text).substr(0, text.find('\n')), ' ');
    if (parts.size() != 2) {
        return std::unexpected(Error(Domain::storage, std::string(kMarksFile), "does not hold two numbers"));
    }
    const auto dropped = text::parse_unsigned(parts[0]);
    const auto read = text::parse_unsigned(parts[1]);
    if (!dropped || !read) {
        return std::unexpected(Error(Domain::storage, std::string(kMarksFile), "does not hold two numbers"));
    }
    m_dropped = *dropped;
    m_read = *read;
    return {};
}

Result<void> EventLog::resume(ports::EventReader& reader) {
    const auto lines = TRY(m_files.last_lines(1));
    if (lines.empty()) {
        return {};
    }
    const Event last = TRY(reader.read(lines.front()));
    if (last.text(Field::boot_id) == m_boot_id) {
        m_sequence = last.number(Field::event_sequence);
    }
    return {};
}

void EventLog::configure(std::uint64_t file_size, unsigned files) noexcept {
    m_file_size = file_size;
    m_keep = files;
}

void EventLog::stamp(Event& event) {
    const ClockReading clock = m_timekeeper.reading();
    event.set(Field::timestamp, rfc3339_utc(clock.now));
    if (!event.has(Field::event_kind)) {
        event.set(Field::event_kind, "event");
    }
    event.set_boolean(Field::clock_synchronised, clock.synchronised);
    event.set(Field::boot_id, m_boot_id);
    event.set_number(Field::event_sequence, ++m_sequence);
}

void EventLog::record(Event event, Durability durability) {
    if (m_lost > 0) {
        // Written first, so that the reader finds the gap where it is.
        Event loss = host_event("log-lost", m_lost,
                                text::concat(text::to_text(m_lost), " events could not be written: ", m_lost_cause));
        const std::uint64_t lost_before = m_lost;
        m_lost = 0;
        append(std::move(loss), Durability::immediate);
        if (m_lost > 0) {
            m_lost = lost_before; // still failing; the report itself is not one of the lost events
        }
    }
    append(std::move(event), durability);
}

void EventLog::append(Event event, Durability durability) {
    stamp(event);
    std::string line = to_json_line(event);
    if (m_files.current_size() > 0 && m_files.current_size() + line.size() > m_file_size) {
        // Rotation may have something to tell first; its number comes before this event's, as in the file.
        --m_sequence;
        rotate();
        event.set_number(Field::event_sequence, ++m_sequence);
        line = to_json_line(event);
    }
    if (auto written = m_files.append(line, durability == Durability::immediate); !written) {
        ++m_lost;
        m_lost_cause = written.error().message();
    }
}

void EventLog::rotate() {
    const auto dropped = m_files.rotate(m_keep);
    if (!dropped) {
        m_lost_cause = dropped.error().message(); // appending goes on in the old file
        return;
    }
    if (*dropped == 0) {
        return;
    }
    m_dropped += *dropped;
    const std::uint64_t unread = m_dropped > m_read ? m_dropped - m_read : 0;
    Event event =
        host_event("log-rotated-unread", std::min(unread, *dropped),
                   text::concat("rotation removed ", text::to_text(*dropped), " events, ",
                                text::to_text(std::min(unread, *dropped)), " of them before anyone read them"));
    if (unread == 0) {
        event.set(Field::event_action, "log-rotated");
        event.set(Field::event_kind, "event");
    }
    if (auto saved = save_marks(); !saved) {
        event.set(Field::event_reason, saved.error().message());
    }
    stamp(event);
    // Straight into the fresh file: it can't need another rotation.
    if (auto written = m_files.append(to_json_line(event), true); !written) {
        ++m_lost;
        m_lost_cause = written.error().message();
    }
}

Result<void> EventLog::save_marks() {
    return m_store.write(kMarksFile, text::concat(text::to_text(m_dropped), " ", text::to_text(m_read), "\n"));
}

Result<EventLog::Reading> EventLog::read(std::size_t most) {
    Reading reading;
    reading.lines = TRY(m_files.last_lines(most));
    reading.gap = m_dropped > m_read ? m_dropped - m_read : 0;
    m_read = m_dropped + m_files.total_lines();
    // A mark that can't be saved makes the next gap report too large, never too small.
    ignore_error(save_marks(), "reading the log must work on a full data partition");
    return reading;
}

} // namespace sekisho::services

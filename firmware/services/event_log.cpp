// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/event_log.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

constexpr std::string_view kMarkFile = "state/log-read"; ///< number of the first line that nobody has read
constexpr std::string_view kLossesFile = "log-losses";   ///< in the run directory: last sequence, events not written
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

/// The numbers of a file that holds so many and nothing else.
template <std::size_t Count>
Result<std::array<std::uint64_t, Count>> read_numbers(ports::Store& store, std::string_view file) {
    const std::string text = TRY(store.read(file, 128));
    const auto parts = text::split(std::string_view(text).substr(0, text.find('\n')), ' ');
    std::array<std::uint64_t, Count> numbers{};
    bool good = parts.size() == Count;
    for (std::size_t i = 0; good && i < Count; ++i) {
        const auto number = text::parse_unsigned(parts[i]);
        numbers[i] = number.value_or(0);
        good = number.has_value();
    }
    if (!good) {
        return std::unexpected(Error(Domain::storage, std::string(file), "does not hold what was written there"));
    }
    return numbers;
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
    // A process that was killed may have left lines that are in memory only.
    if (m_files.sync()) {
        m_durable = m_files.next_line();
    }
    if (m_store.exists(kMarkFile)) {
        // Lines that a power cut took are to be read when they come again.
        m_read = std::min(TRY(read_numbers<1>(m_store, kMarkFile)).front(), m_files.next_line());
    }
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
    const auto [sequence, lost] = TRY(read_numbers<2>(*m_run_store, kLossesFile));
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
        m_durable = m_files.next_line();
    } else if (!m_unsynced) {
        m_unsynced = true;
        if (m_sync_timer != nullptr) {
            m_sync_timer->start_once(kSyncMilliseconds);
        }
    }
    if (m_on_append) {
        m_on_append();
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
        m_durable = m_files.next_line();
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
    const std::uint64_t first = m_files.first_line();
    const std::uint64_t unread = std::min(first > m_read ? first - m_read : 0, *dropped);
    Event event =
        host_alert("log-rotated-unread", text::concat("rotation removed ", text::to_text(*dropped), " events, ",
                                                      text::to_text(unread), " of them before anyone read them"));
    event.set_number(Field::event_count, static_cast<std::int64_t>(unread));
    if (unread == 0) {
        event.set(Field::event_action, "log-rotated");
        event.set(Field::event_kind, "event");
    }
    stamp(event);
    // Straight into the fresh file: it can't need another rotation.
    write(to_json_line(event), Durability::immediate);
}

Result<void> EventLog::save_mark() {
    return m_store.write(kMarkFile, text::to_text(m_read) + "\n");
}

Result<EventLog::Reading> EventLog::read(std::size_t most) {
    Reading reading;
    reading.lines = TRY(m_files.last_lines(most));
    const std::uint64_t first = m_files.first_line();
    reading.gap = unread_gap();
    const std::uint64_t next = m_files.next_line();
    note_read(next - std::min<std::uint64_t>(reading.lines.size(), next - first), next);
    return reading;
}

void EventLog::note_read(std::uint64_t first, std::uint64_t next) {
    const std::uint64_t before = m_read;
    m_read = std::max(m_read, m_files.first_line()); // what rotation took has been told
    if (first <= m_read) {
        m_read = std::max(m_read, next);
    }
    if (m_read == before) {
        return;
    }
    // A mark that can't be saved makes the next gap report too large, never too small.
    ignore_error(save_mark(), "reading the log must work on a full data partition");
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// The access log: stamps events, appends them to the log files, rotates by size, and says what was lost.
#pragma once

#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/event_reader.hpp"
#include "firmware/ports/store.hpp"
#include "firmware/services/timekeeper.hpp"
#include "policy/events/event.hpp"

#include <functional>
#include <limits>
#include <memory>
#include <string>

namespace sekisho::services {

/// Whether an event must be on the medium before record() returns. What people did must; single connections need not.
enum class Durability { eventual, immediate };

/// How large the log may become: the current file and the rotated ones that are kept.
struct LogBounds {
    std::uint64_t file_size = 0; ///< bytes; a file is rotated before it becomes larger
    unsigned files = 0;          ///< rotated files kept
    friend bool operator==(const LogBounds&, const LogBounds&) = default;
};

/// The wanted bounds where all files together stay within `most` bytes; else smaller files, and fewer of them where
/// they would become smaller than 64 KiB.
[[nodiscard]] LogBounds bounded(LogBounds wanted, std::uint64_t most) noexcept;

class EventLog {
public:
    EventLog(ports::LogFiles& files, ports::Store& store, Timekeeper& timekeeper, std::string boot_id);

    /// Reads how far readers came. Call once before the first record().
    Result<void> load();

    /// Goes on with the sequence where an earlier process of this boot ended, and records `log-unclean` where the log
    /// does not end in that process' event `stop`: it may have had more to write. From here on what is appended is on
    /// the medium within a second. A line that can't be read is an error, and the sequence begins anew. Call once
    /// before the first record(). `run_store` is gone with the next boot; it and the loop must outlive the log.
    Result<void> start(ports::EventReader& reader, ports::EventLoop& loop, ports::Store& run_store);

    /// What all files together may take, whatever is configured; unlimited before. Takes effect with configure().
    void limit(std::uint64_t most_bytes) noexcept { m_most = most_bytes; }

    /// Rotates by these bounds from here on, or by smaller ones where the limit demands it, which is told by an event
    /// whenever it changes. Nothing is rotated before.
    void configure(std::uint64_t file_size, unsigned files);

    /// Completes the event with time, clock state, boot id and sequence, and appends it. What can't be written is
    /// counted, and an event `log-lost` with the count is written as soon as writing works again, also by the next
    /// process of this boot. The sequence counts lost events too, so the gap shows.
    void record(events::Event event, Durability durability = Durability::eventual);

    /// Reads the last lines, oldest first. `gap` is the number of events that rotation took before any reader came;
    /// telling of them is done with that. The readers' mark moves over lines only where no unread one was left out.
    struct Reading {
        std::vector<std::string> lines;
        std::uint64_t gap = 0;
    };

    Result<Reading> read(std::size_t most);

    /// Lines by their number, for readers that follow the log; see ports::LogFiles. The readers' mark stays.
    [[nodiscard]] std::uint64_t first_line() const { return m_files.first_line(); }

    [[nodiscard]] std::uint64_t next_line() const { return m_files.next_line(); }

    /// Lines that rotation took before anyone read them, and that nobody has been told of.
    [[nodiscard]] std::uint64_t unread_gap() const { return first_line() > m_read ? first_line() - m_read : 0; }

    /// Lines before this one are on the medium and keep their number after a power cut.
    [[nodiscard]] std::uint64_t durable_line() const noexcept { return m_durable; }

    Result<ports::LogPiece> read_from(std::uint64_t line, std::size_t most_bytes) {
        return m_files.read_from(line, most_bytes);
    }

    /// Somebody has read the lines from `first` up to `next`, without it: moves the readers' mark where it is not
    /// before `first`.
    void note_read(std::uint64_t first, std::uint64_t next);

    /// Called after each line that was appended. Must be cheap and must not record anything: it is called from within
    /// record().
    void on_append(std::function<void()> callback) { m_on_append = std::move(callback); }

    [[nodiscard]] std::uint64_t lost() const noexcept { return m_lost; }

private:
    Result<void> resume(ports::EventReader& reader);
    Result<void> resume_losses();
    void stamp(events::Event& event);
    void append(events::Event event, Durability durability);
    void write(const std::string& line, Durability durability);
    void rotate();
    void sync();
    Result<void> save_mark();
    void save_losses();

    static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

    ports::LogFiles& m_files;
    ports::Store& m_store;
    ports::Store* m_run_store = nullptr;        ///< none before start()
    std::unique_ptr<ports::Timer> m_sync_timer; ///< none before start()
    bool m_unsynced = false;                    ///< something was appended that may not be on the medium
    bool m_sync_failed = false;                 ///< the last time, and it was told
    Timekeeper& m_timekeeper;
    std::string m_boot_id;
    std::uint64_t m_most = kUnlimited;
    LogBounds m_bounds{kUnlimited, 0}; ///< what holds
    std::int64_t m_sequence = 0;
    std::uint64_t m_lost = 0; ///< not written since the last successful write
    std::string m_lost_cause;
    std::uint64_t m_read = 0;    ///< number of the first line that no reader had come to
    std::uint64_t m_durable = 0; ///< number of the first line that a power cut may take
    std::function<void()> m_on_append;
};

} // namespace sekisho::services

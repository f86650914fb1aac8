// SPDX-License-Identifier: GPL-2.0-or-later
// What a syslog server may not have although it was sent. Syslog has no acknowledgement of its own: a server that dies
// loses what its kernel had acknowledged and its program had not yet written. So after every reconnect the lines of the
// last 30 s, at most 768 KiB of them, are sent again, and always those that were not acknowledged; boot id and sequence
// tell the server which ones it has.
#pragma once

#include <cstdint>
#include <deque>

namespace sekisho::services {

/// How long a line is sent again after a reconnect.
inline constexpr std::int64_t kResendMicroseconds = 30'000'000;
/// How much is sent again at most. With kMostUnsavedBytes, which a crash adds, it is one MiB.
inline constexpr std::uint64_t kMostResendBytes = 768u << 10;

class ResendWindow {
public:
    /// `line`: number of the first line that is sent.
    explicit ResendWindow(std::uint64_t line) : m_first(line), m_next(line) {}

    /// The line next() was sent, as `bytes` bytes of the connection, at the (monotonic) time `now`.
    void sent(std::uint64_t bytes, std::int64_t now);

    /// So many bytes of the connection have been acknowledged. Lines leave the window that are acknowledged, and are
    /// old or too many.
    void acknowledge(std::uint64_t bytes, std::int64_t now);

    /// The connection ended: the window is sent again on the next one.
    void restart() noexcept;

    /// The lines before this one are gone from the log: it is the next to be sent, and the first to be sent again.
    void skip_to(std::uint64_t line);

    /// The first line that would be sent again.
    [[nodiscard]] std::uint64_t first() const noexcept { return m_first; }

    /// The line to be sent next.
    [[nodiscard]] std::uint64_t next() const noexcept { return m_next; }

    /// The first line that is not known to be acknowledged.
    [[nodiscard]] std::uint64_t first_unacknowledged() const noexcept { return m_unacknowledged; }

    /// Whether something is under way on this connection.
    [[nodiscard]] bool is_waiting() const noexcept { return m_acknowledged < m_sent; }

    /// Bytes of this connection that have been acknowledged.
    [[nodiscard]] std::uint64_t acknowledged() const noexcept { return m_acknowledged; }

    /// Bytes of this connection whose lines left the window.
    [[nodiscard]] std::uint64_t passed() const noexcept { return m_passed; }

private:
    /// Lines that were sent within a second, up to 8 KiB or one line.
    struct Piece {
        std::uint64_t begin = 0;    ///< bytes of the connection before it
        std::uint64_t end = 0;      ///< and with it
        std::uint64_t next = 0;     ///< line behind its last one
        std::int64_t begun = 0;     ///< when its first line was sent
        std::int64_t completed = 0; ///< when its last one was
    };

    std::uint64_t m_first;
    std::uint64_t m_next;
    std::uint64_t m_unacknowledged = m_first;
    std::uint64_t m_sent = 0;         ///< bytes of this connection
    std::uint64_t m_acknowledged = 0; ///< of these
    std::uint64_t m_passed = 0;
    std::deque<Piece> m_pieces;
};

} // namespace sekisho::services

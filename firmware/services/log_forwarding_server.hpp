// SPDX-License-Identifier: GPL-2.0-or-later
// Sends the access log to one syslog server: RFC 5424 messages over TLS (RFC 5425), TCP (RFC 6587, octet counting) or
// UDP (RFC 5426), each line of the log in its order, from a given line on.
#pragma once

#include "firmware/ports/clock.hpp"
#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/event_reader.hpp"
#include "firmware/ports/stream.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/log_forwarding_window.hpp"
#include "firmware/services/timekeeper.hpp"
#include "policy/events/rfc5424.hpp"
#include "policy/model/model.hpp"

#include <memory>
#include <optional>
#include <string>

namespace sekisho::services {

/// What a crash or a power cut may add to what is sent again.
inline constexpr std::uint64_t kMostUnsavedBytes = 256u << 10;

struct ForwardingStatus {
    enum class State { waiting, connecting, connected };
    State state = State::waiting;
    std::optional<Time> since;      ///< connected: since when; else since when it is lost
    std::string connection;         ///< connected: to what, and how it is protected
    std::string trouble;            ///< why the last attempt failed, or why nothing is sent
    std::uint64_t lines_behind = 0; ///< of the log that the server's kernel has not acknowledged
    std::optional<Time> last_sent;  ///< since the daemon started
    std::uint64_t missed = 0;       ///< lines that rotation took before they were sent, ever
};

class ServerForwarding {
public:
    struct Ports {
        EventLog& log;
        Timekeeper& timekeeper;
        ports::EventReader& reader;
        ports::StreamConnector& connector;
        ports::EventLoop& loop;
        ports::Clock& clock;
    };

    /// Where a server has come to.
    struct Cursor {
        std::uint64_t line = 0;   ///< number of the first line to be sent
        std::uint64_t missed = 0; ///< lines that rotation took before they were sent, ever
        friend bool operator==(const Cursor&, const Cursor&) = default;
    };

    /// Begins to connect at once. `on_progress` is called when the cursor is worth keeping.
    ServerForwarding(Ports ports, model::SyslogServer server, events::SyslogContext context, Cursor cursor,
                     std::function<void()> on_progress);

    /// Takes over changed settings; the connection is opened anew where they say something else of it.
    void change(const model::SyslogServer& server, const events::SyslogContext& context);

    /// A line was appended to the log.
    void on_append();

    /// The beginning of what is sent again, which is on the medium.
    [[nodiscard]] Cursor cursor() const;

    /// The cursor was kept.
    void cursor_saved() noexcept { m_saved_bytes = m_window.passed(); }

    [[nodiscard]] ForwardingStatus status() const;

    [[nodiscard]] const model::SyslogServer& server() const noexcept { return m_server; }

private:
    void connect();
    void on_open();
    void on_close(const Error& cause);
    void fail(std::string cause);
    void tell_lost();
    void tell_back();
    void tell_gap(std::uint64_t lines);
    void record(std::string_view action, bool success, std::string message, std::optional<std::uint64_t> count);
    void tick();
    void note_acknowledged();
    void arm_pump();
    void pump();
    [[nodiscard]] std::string frame(const std::string& line) const;
    [[nodiscard]] std::uint64_t lines_behind() const;
    [[nodiscard]] std::uint64_t delay_milliseconds();

    using State = ForwardingStatus::State;

    Ports m_ports;
    model::SyslogServer m_server;
    events::SyslogContext m_context;
    std::function<void()> m_on_progress;
    ResendWindow m_window;
    std::uint64_t m_missed;
    State m_state = State::waiting;
    std::unique_ptr<ports::Timer> m_retry;
    std::unique_ptr<ports::Timer> m_pump;
    std::unique_ptr<ports::Timer> m_tick;
    bool m_pump_armed = false;
    bool m_blocked = false;   ///< the stream has no room
    unsigned m_attempts = 0;  ///< that failed since a connection held
    std::string m_trouble;    ///< why the last attempt failed
    std::string m_unreadable; ///< why the log can't be read now
    std::uint64_t m_saved_bytes = 0;
    std::optional<Time> m_connected_since;
    std::optional<Time> m_last_sent;
    // monotonic, microseconds
    std::int64_t m_connected_at = 0;
    std::int64_t m_progress_at = 0;          ///< when the last byte was acknowledged, or nothing was under way
    std::optional<std::int64_t> m_lost_at;   ///< until the server is told to be back
    std::optional<Time> m_lost_since;        ///< the same on the wall
    std::int64_t m_told_at = 0;              ///< that it is lost
    std::optional<std::int64_t> m_back_at;   ///< when it was told to be back
    std::int64_t m_settling = 0;             ///< how long a connection must hold before that is told
    std::unique_ptr<ports::Stream> m_stream; ///< last: its callbacks use the rest
};

} // namespace sekisho::services

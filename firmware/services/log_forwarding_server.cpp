// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/log_forwarding_server.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <utility>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

constexpr std::int64_t kSecond = 1'000'000;

/// At most this much is sent every so often: one MiB a second, whatever is left to send. So what is sent again always
/// holds what a server took in its last 0.75 seconds, and neither the loop nor the server is flooded.
constexpr std::uint64_t kPumpBytes = 52u << 10;
constexpr std::uint64_t kPumpMilliseconds = 50;
constexpr std::uint64_t kTickMilliseconds = 1'000;
constexpr std::int64_t kMostWithoutProgress = 25 * kSecond;

constexpr std::uint64_t kLeastDelay = 1'000; ///< milliseconds before the second attempt
constexpr std::uint64_t kMostDelay = 60'000;
constexpr std::int64_t kSettled = 10 * kSecond; ///< a connection that held so long works
constexpr std::int64_t kMostSettling = 3'600 * kSecond;
constexpr std::int64_t kRemindAfter = 3'600 * kSecond;

/// RFC 5426 section 3.2: what every receiver should take. Larger than a packet of Ethernet, and then fragmented.
constexpr std::size_t kMostDatagram = 2'048;

ports::Transport transport_of(model::SyslogTransport transport) {
    switch (transport) {
    case model::SyslogTransport::tls:
        return ports::Transport::tls;
    case model::SyslogTransport::tcp:
        return ports::Transport::tcp;
    case model::SyslogTransport::udp:
        return ports::Transport::udp;
    }
    std::unreachable();
}

bool is_same_connection(const model::SyslogServer& one, const model::SyslogServer& other) {
    return one.host == other.host && one.port == other.port && one.transport == other.transport &&
           one.server_name == other.server_name && one.certificates == other.certificates;
}

std::string lines_text(std::uint64_t count) {
    return text::concat(text::to_text(count), count == 1 ? " line" : " lines");
}

std::string seconds_text(std::int64_t microseconds) {
    return text::concat(text::to_text(static_cast<std::uint64_t>(microseconds / kSecond)), " s");
}

} // namespace

ServerForwarding::ServerForwarding(Ports ports, model::SyslogServer server, events::SyslogContext context,
                                   Cursor cursor, std::function<void()> on_progress)
    : m_ports(ports),
      m_server(std::move(server)),
      m_context(std::move(context)),
      m_on_progress(std::move(on_progress)),
      m_window(cursor.line),
      m_missed(cursor.missed),
      m_retry(ports.loop.make_timer([this] { connect(); })),
      m_pump(ports.loop.make_timer([this] {
          m_pump_armed = false;
          pump();
      })),
      m_tick(ports.loop.make_timer([this] { tick(); })),
      m_settling(kSettled) {
    connect();
}

void ServerForwarding::change(const model::SyslogServer& server, const events::SyslogContext& context) {
    m_context = context;
    const bool is_same = is_same_connection(m_server, server);
    m_server = server;
    if (is_same) {
        return;
    }
    m_stream.reset();
    m_attempts = 0;
    m_trouble.clear();
    connect();
}

void ServerForwarding::on_append() {
    if (m_state == State::connected) {
        arm_pump();
    }
}

ServerForwarding::Cursor ServerForwarding::cursor() const {
    // A number that a power cut gives again must not be passed over then.
    return {std::min(m_window.first(), m_ports.log.durable_line()), m_missed};
}

// ---- the connection ------------------------------------------------------------------------------------------------

void ServerForwarding::connect() {
    m_retry->stop();
    m_tick->stop();
    m_state = State::connecting;
    m_connected_since.reset();
    m_window.restart();
    m_saved_bytes = 0;
    const ports::StreamTarget target{.host = m_server.host,
                                     .port = m_server.port,
                                     .transport = transport_of(m_server.transport),
                                     .server_name = m_server.server_name,
                                     .authorities = m_server.certificates,
                                     .now = m_ports.timekeeper.reading().now};
    m_stream = m_ports.connector.open(target, {.on_open = [this] { on_open(); },
                                               .on_writable =
                                                   [this] {
                                                       m_blocked = false;
                                                       arm_pump();
                                                   },
                                               .on_close = [this](const Error& cause) { on_close(cause); }});
}

void ServerForwarding::on_open() {
    m_state = State::connected;
    m_blocked = false;
    m_trouble.clear();
    m_connected_at = m_progress_at = m_ports.clock.monotonic_microseconds();
    m_connected_since = m_ports.timekeeper.reading().now;
    m_tick->start_repeating(kTickMilliseconds);
    pump();
}

void ServerForwarding::on_close(const Error& cause) {
    std::string why = cause.message();
    if (cause.domain() == Domain::tls && !m_ports.timekeeper.reading().synchronised) {
        why += " (the router's clock is not synchronised)";
    }
    fail(std::move(why));
}

void ServerForwarding::fail(std::string cause) {
    m_stream.reset();
    m_tick->stop();
    m_state = State::waiting;
    m_connected_since.reset();
    m_trouble = std::move(cause);
    m_on_progress();
    m_window.restart();
    m_saved_bytes = 0;
    m_retry->start_once(delay_milliseconds());
    ++m_attempts;
    tell_lost();
}

/// 1 s, doubling to 60 s, less up to a quarter, so that many routers don't come back to a server at the same moment.
std::uint64_t ServerForwarding::delay_milliseconds() {
    const std::uint64_t delay = std::min(kLeastDelay << std::min(m_attempts, 10u), kMostDelay);
    const auto noise = static_cast<std::uint64_t>(m_ports.clock.monotonic_microseconds());
    return delay - noise % (delay / 4);
}

void ServerForwarding::tick() {
    const std::int64_t now = m_ports.clock.monotonic_microseconds();
    note_acknowledged();
    if (now - m_progress_at >= kMostWithoutProgress) {
        fail("the server has taken nothing for 25 s");
        return;
    }
    if (now - m_connected_at >= kSettled) {
        m_attempts = 0;
    }
    if (m_lost_at && now - m_connected_at >= m_settling) {
        tell_back();
    }
    if (m_window.next() < m_ports.log.next_line()) {
        arm_pump(); // also where the log could not be read
    }
}

void ServerForwarding::note_acknowledged() {
    const std::int64_t now = m_ports.clock.monotonic_microseconds();
    const std::uint64_t before = m_window.acknowledged();
    m_window.acknowledge(m_stream->acknowledged(), now);
    if (m_window.acknowledged() > before || !m_window.is_waiting()) {
        m_progress_at = now;
    }
    if (m_window.passed() - m_saved_bytes >= kMostUnsavedBytes) {
        m_on_progress();
    }
}

// ---- what is sent --------------------------------------------------------------------------------------------------

void ServerForwarding::arm_pump() {
    if (!m_pump_armed) {
        m_pump_armed = true;
        m_pump->start_once(kPumpMilliseconds);
    }
}

void ServerForwarding::pump() {
    if (m_state != State::connected || m_blocked) {
        return;
    }
    note_acknowledged();
    const auto piece = m_ports.log.read_from(m_window.next(), kPumpBytes);
    m_unreadable = piece ? std::string() : piece.error().message();
    if (!piece || piece->lines.empty()) {
        return;
    }
    const std::uint64_t gap = piece->first - std::min(piece->first, m_window.next());
    if (gap > 0) {
        m_window.skip_to(piece->first);
        tell_gap(gap);
    }
    std::uint64_t bytes = 0;
    for (const std::string& line : piece->lines) {
        const std::string message = frame(line);
        if (!m_stream->send(message)) {
            m_blocked = true;
            break;
        }
        m_window.sent(message.size(), m_ports.clock.monotonic_microseconds());
        bytes += message.size();
        if (bytes >= kPumpBytes) {
            break;
        }
    }
    if (bytes > 0) {
        m_last_sent = m_ports.timekeeper.reading().now;
    }
    if (!m_blocked && m_window.next() < m_ports.log.next_line()) {
        arm_pump();
    }
}

std::string ServerForwarding::frame(const std::string& line) const {
    auto event = m_ports.reader.read(line);
    if (!event) {
        // Whatever stands in the log is sent: a server must not have less than the router.
        event = Event();
        event->set(Field::event_kind, "alert");
        event->set(Field::event_category, "host");
        event->set(Field::event_action, "log-unreadable-line");
        event->set(Field::message, text::concat("a line of the log that is no event: ", line));
    }
    if (m_server.transport == model::SyslogTransport::udp) {
        return to_rfc5424(*event, m_context, kMostDatagram);
    }
    const std::string message = to_rfc5424(*event, m_context);
    return text::concat(text::to_text(message.size()), " ", message);
}

// ---- what is told --------------------------------------------------------------------------------------------------

void ServerForwarding::record(std::string_view action, bool success, std::string message,
                              std::optional<std::uint64_t> count) {
    Event event;
    event.set(Field::event_kind, success ? "event" : "alert");
    event.set(Field::event_category, "host");
    event.set(Field::event_action, std::string(action));
    event.set(Field::event_outcome, success ? "success" : "failure");
    event.set(Field::log_server, m_server.name);
    if (count) {
        event.set_number(Field::event_count, static_cast<std::int64_t>(*count));
    }
    event.set(Field::message, std::move(message));
    m_ports.log.record(std::move(event));
}

/// Once when the server is lost, and then every hour; never per attempt. A connection that never held long enough to be
/// told of is none.
void ServerForwarding::tell_lost() {
    const std::int64_t now = m_ports.clock.monotonic_microseconds();
    const bool is_first = !m_lost_at;
    if (is_first) {
        m_lost_at = now;
        m_lost_since = m_ports.timekeeper.reading().now;
        const bool is_soon = m_back_at && now - *m_back_at < kMostSettling;
        m_settling = is_soon ? std::min(2 * m_settling, kMostSettling) : kSettled;
    } else if (now - m_told_at < kRemindAfter) {
        return;
    }
    m_told_at = now;
    record("log-server-lost", false,
           text::concat("the log does not reach syslog server ", m_server.name,
                        is_first ? std::string() : text::concat(" for ", seconds_text(now - *m_lost_at)), ": ",
                        m_trouble),
           lines_behind());
}

void ServerForwarding::tell_back() {
    const std::int64_t now = m_ports.clock.monotonic_microseconds();
    const std::uint64_t behind = lines_behind();
    const std::string lost = seconds_text(m_connected_at - *m_lost_at);
    m_back_at = now;
    m_lost_at.reset();
    m_lost_since.reset();
    record("log-server-back", true,
           text::concat("the log reaches syslog server ", m_server.name, " again, which was lost for ", lost, " (",
                        m_stream->description(), "); ", lines_text(behind), " to be sent"),
           behind);
}

void ServerForwarding::tell_gap(std::uint64_t lines) {
    m_missed += lines;
    m_on_progress(); // before the event: a restart must not tell it again
    record("log-forward-gap", false,
           text::concat("rotation removed ", lines_text(lines), " of the log before syslog server ", m_server.name,
                        " had them"),
           lines);
}

std::uint64_t ServerForwarding::lines_behind() const {
    const std::uint64_t next = m_ports.log.next_line();
    return next - std::min(next, m_window.first_unacknowledged());
}

ForwardingStatus ServerForwarding::status() const {
    ForwardingStatus status;
    status.state = m_state;
    status.since = m_state == State::connected ? m_connected_since : m_lost_since;
    status.connection = m_stream != nullptr ? m_stream->description() : std::string();
    status.trouble = m_unreadable.empty() ? m_trouble : m_unreadable;
    status.lines_behind = lines_behind();
    status.last_sent = m_last_sent;
    // what is lost already, though it is told when the server is there
    const std::uint64_t kept = m_ports.log.first_line();
    status.missed = m_missed + (kept > m_window.next() ? kept - m_window.next() : 0);
    return status;
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/log_forwarding.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <utility>

namespace sekisho::services {

namespace {

constexpr std::string_view kCursorsFile = "state/log-servers"; ///< a server per line: name, line, missed
constexpr std::size_t kMostCursors = 64u << 10;
constexpr std::uint64_t kSaveMilliseconds = 5'000;
constexpr std::int64_t kNoteReadMicroseconds = 60'000'000; ///< spares the flash: the mark is a file of its own

} // namespace

LogForwarding::LogForwarding(Ports ports, std::string software, std::string version)
    : m_ports(ports),
      m_software(std::move(software)),
      m_version(std::move(version)),
      m_end_before(ports.log.next_line()),
      m_save_timer(ports.loop.make_timer([this] { save(); })) {
    m_ports.log.on_append([this] {
        for (auto& [name, server] : m_servers) {
            server->on_append();
        }
    });
}

LogForwarding::~LogForwarding() {
    m_ports.log.on_append({});
    save();
}

Result<void> LogForwarding::load() {
    auto read = read_cursors();
    if (!read) {
        m_cursors.clear();
    }
    return read;
}

Result<void> LogForwarding::read_cursors() {
    if (!m_ports.store.exists(kCursorsFile)) {
        return {};
    }
    m_saved = TRY(m_ports.store.read(kCursorsFile, kMostCursors));
    for (const std::string_view line : text::split(m_saved, '\n')) {
        if (line.empty()) {
            continue;
        }
        const auto parts = text::split(line, ' ');
        const auto number = parts.size() == 3 ? text::parse_unsigned(parts[1]) : std::nullopt;
        const auto missed = parts.size() == 3 ? text::parse_unsigned(parts[2]) : std::nullopt;
        if (!number || !missed) {
            return std::unexpected(Error(Domain::storage, std::string(kCursorsFile),
                                         "is damaged: syslog servers are sent the whole log that is kept"));
        }
        if (*number > m_end_before) {
            return std::unexpected(Error(Domain::storage, std::string(kCursorsFile),
                                         "is of another log: syslog servers are sent the whole log that is kept"));
        }
        m_cursors.emplace(parts[0], Cursor{*number, *missed});
    }
    return {};
}

void LogForwarding::follow(const model::Model& model) {
    m_follows = true;
    std::erase_if(m_servers, [&](const auto& entry) {
        return std::ranges::find(model.syslog_servers, entry.first, &model::SyslogServer::name) ==
               model.syslog_servers.end();
    });
    const events::SyslogContext context{model.system.host_name, m_software, m_version};
    for (const model::SyslogServer& server : model.syslog_servers) {
        if (const auto known = m_servers.find(server.name); known != m_servers.end()) {
            known->second->change(server, context);
            continue;
        }
        const auto stored = m_cursors.find(server.name);
        const Cursor cursor = stored != m_cursors.end() ? stored->second : Cursor{m_ports.log.first_line(), 0};
        m_servers.emplace(server.name, std::make_unique<ServerForwarding>(
                                           ServerForwarding::Ports{m_ports.log, m_ports.timekeeper, m_ports.reader,
                                                                   m_ports.connector, m_ports.loop, m_ports.clock},
                                           server, context, cursor, [this] { save(); }));
    }
    m_cursors.clear(); // a server that comes again later is a new one
    save();
    m_save_timer->start_repeating(kSaveMilliseconds);
}

void LogForwarding::save() {
    if (!m_follows) {
        return; // no configuration came into force: what was stored stays true
    }
    std::string text;
    for (const auto& [name, server] : m_servers) {
        const Cursor cursor = server->cursor();
        text += text::concat(name, " ", text::to_text(cursor.line), " ", text::to_text(cursor.missed), "\n");
        server->cursor_saved();
    }
    note_read();
    if (text == m_saved) {
        return;
    }
    // Where it can't be written, more is sent twice later on, and nothing is left out.
    if (m_ports.store.write(kCursorsFile, text)) {
        m_saved = std::move(text);
    }
}

/// What a server acknowledged has been read by somebody, up to what its window would send again. A gap that a person
/// has not been told of stays for the person.
void LogForwarding::note_read() {
    const std::int64_t now = m_ports.clock.monotonic_microseconds();
    if (now - m_read_noted_at < kNoteReadMicroseconds || m_ports.log.unread_gap() > 0) {
        return;
    }
    std::uint64_t line = 0;
    for (const auto& [name, server] : m_servers) {
        if (server->server().transport != model::SyslogTransport::udp) {
            line = std::max(line, server->cursor().line);
        }
    }
    m_read_noted_at = now;
    m_ports.log.note_read(m_ports.log.first_line(), line);
}

std::vector<LogForwarding::Entry> LogForwarding::servers() const {
    std::vector<Entry> entries;
    for (const auto& [name, server] : m_servers) {
        entries.push_back({server->server(), server->status()});
    }
    return entries;
}

} // namespace sekisho::services

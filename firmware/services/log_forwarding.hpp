// SPDX-License-Identifier: GPL-2.0-or-later
// Sends the access log to the syslog servers of the configuration, and remembers how far each of them has it.
#pragma once

#include "firmware/ports/store.hpp"
#include "firmware/services/log_forwarding_server.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::services {

class LogForwarding {
public:
    struct Ports {
        EventLog& log;
        Timekeeper& timekeeper;
        ports::EventReader& reader;
        ports::StreamConnector& connector;
        ports::EventLoop& loop;
        ports::Clock& clock;
        ports::Store& store; ///< the data partition
    };

    /// `software` and `version` are the product's, for the messages. To be made before the first event of this process
    /// is recorded: what the log has by then tells whether a cursor is of this log. Nothing is sent before follow().
    LogForwarding(Ports ports, std::string software, std::string version);
    ~LogForwarding();
    LogForwarding(const LogForwarding&) = delete;
    LogForwarding& operator=(const LogForwarding&) = delete;

    /// Reads the cursors. Where they can't be read, or are of another log, every server is sent the whole log that is
    /// kept: rather twice than never.
    Result<void> load();

    /// Sends to the servers of this configuration from now on. A server that is new gets the whole log that is kept;
    /// one that is gone is forgotten with its cursor.
    void follow(const model::Model& model);

    struct Entry {
        const model::SyslogServer& server;
        ForwardingStatus status;
    };

    /// In the order of their names. References hold until the next follow().
    [[nodiscard]] std::vector<Entry> servers() const;

private:
    using Cursor = ServerForwarding::Cursor;

    Result<void> read_cursors();
    void save();
    void note_read();

    Ports m_ports;
    std::string m_software;
    std::string m_version;
    std::uint64_t m_end_before;                           ///< the log's end when the process began
    bool m_follows = false;                               ///< a configuration
    std::map<std::string, Cursor, std::less<>> m_cursors; ///< of servers that are not followed yet
    std::map<std::string, std::unique_ptr<ServerForwarding>, std::less<>> m_servers;
    std::unique_ptr<ports::Timer> m_save_timer;
    std::string m_saved; ///< what the file holds
    std::int64_t m_read_noted_at = 0;
};

} // namespace sekisho::services

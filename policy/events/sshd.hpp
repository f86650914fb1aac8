// SPDX-License-Identifier: GPL-2.0-or-later
// Reads what OpenSSH's sshd 10 tells on its standard error stream (LogLevel VERBOSE, and LogVerbose for the requests of
// a session) and makes events of it.
//
// Much of such a line is a stranger's text: user names with spaces, " from 192.0.2.1 port 5" and the like. So what an
// event says of a connection comes from the process that wrote the line, which the kernel attests: sshd has processes
// of its own per connection, and their first line, "Connection from …", is written before the client said anything.
// Only where that line was not seen, the address is read from the text, and then only where no stranger's text can
// follow.
#pragma once

#include "policy/events/event.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::events {

/// A line with the process that wrote it and that process' user. sshd's listener and the monitor of a connection are
/// the superuser's (0); after the login a child with the account's user id speaks with the client.
struct SshdLine {
    std::uint32_t process_id = 0;
    std::uint32_t user_id = 0;
    std::string_view text; ///< one write of sshd's without the end of the line. sshd escapes control characters except
                           ///< line feeds, carriage returns, backspaces and bells, which come from a stranger
};

/// Keeps what is known of the latest connections, of at most kMostProcesses processes.
class SshdReader {
public:
    static constexpr std::size_t kMostProcesses = 256;

    /// The event of a line: `login` (a failure), `key-accepted`, `ssh-refused` (forwarding, subsystem, second session),
    /// `ssh-ended` (before a login, or because nothing came), `ssh-penalty`, `ssh-server` (the start script), or
    /// `ssh-message` for a line that is unknown. Nothing for lines that tell nothing new. Texts in it are bounded.
    std::optional<Event> read(const SshdLine& line);

    /// Whether the connection of the process that wrote the line is known.
    [[nodiscard]] bool knows(const SshdLine& line) { return find(line) != nullptr; }

    [[nodiscard]] std::size_t known_processes() const noexcept { return m_connections.size(); }

private:
    /// The other end of a connection; an empty address: unknown.
    struct Peer {
        std::string address;
        std::int64_t port = 0; ///< 0: unknown
    };

    struct Connection {
        Peer peer;
        std::string user;         ///< as typed; the account's once it is authenticated
        std::string key;          ///< fingerprint, once it is authenticated
        bool is_child = false;    ///< of the process with the account's user id
        bool was_refused = false; ///< a failure of this connection was told
        std::uint64_t number = 0; ///< order in which they became known
    };

    [[nodiscard]] Connection* find(const SshdLine& line);
    void add(std::uint32_t process_id, Connection connection);
    /// What the kernel vouches for, else what the text says.
    [[nodiscard]] Peer peer_of(const SshdLine& line, const Peer& told);
    Event failure(const SshdLine& line, const Peer& told, std::string_view user, std::string_view reason,
                  std::string_view message);
    Event refusal(const SshdLine& line, std::string_view reason, std::string_view message);

    std::optional<Event> read_monitor(const SshdLine& line, std::string_view text);
    std::optional<Event> read_attempt(const SshdLine& line, std::string_view text);
    std::optional<Event> read_accepted(const SshdLine& line, std::string_view text);
    std::optional<Event> read_listener(const SshdLine& line, std::string_view text);
    std::optional<Event> read_timeout(const SshdLine& line, std::string_view text);
    std::optional<Event> read_end(const SshdLine& line, std::string_view text, bool before_login);
    std::optional<Event> read_session(const SshdLine& line, std::string_view text);
    std::optional<Event> read_request(const SshdLine& line, std::string_view text);

    std::map<std::uint32_t, Connection> m_connections; ///< by process
    std::uint64_t m_last_number = 0;
};

} // namespace sekisho::events

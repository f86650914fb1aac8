// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/event_loop.hpp"
#include "drivers/system/files.hpp"
#include "firmware/ports/control.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace sekisho::drivers {

struct ControlLimits {
    std::size_t clients = 16; ///< at the same time; a further one is closed at once
    /// For a request to arrive whole, and for a reader of an answer to take some of it.
    std::uint64_t timeout_ms = 10'000;
};

/// The control socket: a UNIX stream socket of mode 0660 and of a group, one request per connection, never blocking the
/// loop. A client that sends what is no request, or half of one, or too much, is closed without an answer.
class UnixControlServer final : public ports::ControlServer {
public:
    /// `path` is the socket's; its folder is made (0755) if need be. `group` is the number of the group whose members
    /// may connect beside the daemon's user; without it, the daemon's own group. The loop outlives the server.
    UnixControlServer(UvEventLoop& loop, std::string path, ControlLimits limits = {},
                      std::optional<std::uint32_t> group = {});
    /// Closes every connection and removes the socket.
    ~UnixControlServer() override;
    UnixControlServer(const UnixControlServer&) = delete;
    UnixControlServer& operator=(const UnixControlServer&) = delete;

    /// Replaces the socket of a process that is gone; refuses where another process answers on it or the path is no
    /// socket.
    Result<void> start(std::function<ports::ControlResponse(const ports::ControlRequest&)> on_request) override;

    [[nodiscard]] std::size_t connected_clients() const noexcept { return m_clients.size(); }

private:
    struct Client {
        Descriptor socket;
        ports::Peer peer;
        std::string incoming; ///< header and body as far as they have come
        std::string outgoing; ///< the answer; empty as long as the request is read
        std::size_t sent = 0;
        std::unique_ptr<Watch> watch;
        std::unique_ptr<ports::Timer> timeout;
    };
    enum class Next { wait, drop };

    void on_connection();
    void on_readable(std::uint64_t id);
    void on_writable(std::uint64_t id);
    Next read_some(Client& client, std::uint64_t id);
    Next answer(Client& client, std::uint64_t id);
    static Next write_some(Client& client);

    UvEventLoop& m_loop;
    std::string m_path;
    ControlLimits m_limits;
    std::optional<std::uint32_t> m_group;
    std::function<ports::ControlResponse(const ports::ControlRequest&)> m_on_request;
    Descriptor m_listener;
    std::unique_ptr<Watch> m_watch;
    std::map<std::uint64_t, Client> m_clients;
    std::uint64_t m_last_id = 0;
};

} // namespace sekisho::drivers

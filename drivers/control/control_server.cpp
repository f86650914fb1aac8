// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/control/control_server.hpp"

#include "drivers/control/frame.hpp"
#include "drivers/control/unix_socket.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr int kBacklog = 8;
constexpr std::size_t kBlock = 64u << 10;

Error control_error(const std::string& path, std::string_view what) {
    return Error::from_errno(Domain::control, path, what, errno);
}

/// Removes the socket file of a server that is gone.
Result<void> remove_stale(const std::string& path) {
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0) {
        return errno == ENOENT ? Result<void>{} : std::unexpected(control_error(path, "can't be looked at"));
    }
    if (!S_ISSOCK(status.st_mode)) {
        return std::unexpected(Error(Domain::control, path, "is there and is no socket"));
    }
    if (auto other = control::connect_to(path, 1000); other || other.error().number() != ECONNREFUSED) {
        return std::unexpected(Error(Domain::control, path, "is served by another process"));
    }
    if (unlink(path.c_str()) != 0) {
        return std::unexpected(control_error(path, "can't be removed"));
    }
    return {};
}

std::string account_of(uid_t user) {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> buffer{};
    if (getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
        return found->pw_name;
    }
    return text::to_text(user);
}

Result<ports::Peer> peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return std::unexpected(control_error("control socket", "the caller is unknown"));
    }
    return ports::Peer{credentials.uid, static_cast<std::uint32_t>(credentials.pid), account_of(credentials.uid)};
}

/// How many bytes a request has, as far as is known from its beginning; an error where that is too many.
Result<std::size_t> size_wanted(std::string_view incoming) {
    if (incoming.size() < control::kHeaderSize) {
        return control::kHeaderSize;
    }
    return control::kHeaderSize + TRY(control::decode_header(incoming, control::kMostRequest));
}

bool must_wait(int number) {
    return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

} // namespace

UnixControlServer::UnixControlServer(UvEventLoop& loop, std::string path, ControlLimits limits,
                                     std::optional<std::uint32_t> group)
    : m_loop(loop), m_path(std::move(path)), m_limits(limits), m_group(group) {}

UnixControlServer::~UnixControlServer() {
    if (m_listener.is_open()) {
        unlink(m_path.c_str());
    }
}

Result<void> UnixControlServer::start(std::function<ports::ControlResponse(const ports::ControlRequest&)> on_request) {
    const sockaddr_un address = TRY(control::address_of(m_path));
    const std::string folder = m_path.substr(0, m_path.rfind('/'));
    if (!folder.empty() && folder != m_path && mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
        return std::unexpected(control_error(folder, "can't be made"));
    }
    TRY(remove_stale(m_path));
    Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!listener.is_open()) {
        return std::unexpected(control_error(m_path, "no socket can be made"));
    }
    const mode_t mask = umask(0117); // 0660 from its first moment
    const int bound = bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int number = errno;
    umask(mask);
    if (bound != 0) {
        return std::unexpected(Error::from_errno(Domain::control, m_path, "can't be made", number));
    }
    m_listener = std::move(listener); // from here on the file is ours to remove
    if (m_group && lchown(m_path.c_str(), static_cast<uid_t>(-1), *m_group) != 0) {
        return std::unexpected(control_error(m_path, "can't be given to its group"));
    }
    if (listen(m_listener.get(), kBacklog) != 0) {
        return std::unexpected(control_error(m_path, "can't be listened on"));
    }
    m_on_request = std::move(on_request);
    m_watch = m_loop.watch_readable(m_listener.get(), [this] { on_connection(); });
    if (m_watch == nullptr) {
        return std::unexpected(Error(Domain::control, m_path, "can't be watched"));
    }
    return {};
}

void UnixControlServer::on_connection() {
    Descriptor socket(accept4(m_listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open() || m_clients.size() >= m_limits.clients) {
        return;
    }
    auto peer = peer_of(socket.get());
    if (!peer) {
        return; // nobody is served without a name
    }
    const std::uint64_t id = ++m_last_id;
    Client client;
    client.peer = *std::move(peer);
    client.watch = m_loop.watch_readable(socket.get(), [this, id] { on_readable(id); });
    client.timeout = m_loop.make_timer([this, id] { m_clients.erase(id); });
    client.timeout->start_once(m_limits.timeout_ms);
    client.socket = std::move(socket);
    if (client.watch != nullptr) {
        m_clients.emplace(id, std::move(client));
    }
}

void UnixControlServer::on_readable(std::uint64_t id) {
    const auto found = m_clients.find(id);
    if (found != m_clients.end() && read_some(found->second, id) == Next::drop) {
        m_clients.erase(found);
    }
}

void UnixControlServer::on_writable(std::uint64_t id) {
    const auto found = m_clients.find(id);
    if (found == m_clients.end()) {
        return;
    }
    const std::size_t before = found->second.sent;
    if (write_some(found->second) == Next::drop) {
        m_clients.erase(found);
    } else if (found->second.sent > before) {
        found->second.timeout->start_once(m_limits.timeout_ms);
    }
}

UnixControlServer::Next UnixControlServer::read_some(Client& client, std::uint64_t id) {
    auto wanted = size_wanted(client.incoming);
    if (wanted && client.incoming.size() < *wanted) {
        std::array<char, kBlock> block; // NOLINT(*-member-init): filled by recv
        const std::size_t room = std::min(*wanted - client.incoming.size(), block.size());
        const ssize_t count = recv(client.socket.get(), block.data(), room, 0);
        if (count < 0) {
            return must_wait(errno) ? Next::wait : Next::drop;
        }
        if (count == 0) {
            return Next::drop; // half a request
        }
        client.incoming.append(block.data(), static_cast<std::size_t>(count));
        wanted = size_wanted(client.incoming);
    }
    if (!wanted) {
        return Next::drop;
    }
    if (client.incoming.size() < *wanted) {
        return Next::wait; // the rest makes the socket readable again
    }
    return answer(client, id);
}

UnixControlServer::Next UnixControlServer::answer(Client& client, std::uint64_t id) {
    auto decoded = control::decode_request(std::string_view(client.incoming).substr(control::kHeaderSize));
    client.incoming = {};
    if (!decoded) {
        return Next::drop;
    }
    const ports::ControlRequest request{client.peer, std::move(decoded->origin), std::move(decoded->words),
                                        std::move(decoded->payload)};
    auto encoded = control::encode_response(m_on_request(request));
    if (!encoded) {
        encoded = control::encode_response({1, {}, encoded.error().message() + "\n"});
    }
    client.outgoing = *std::move(encoded);
    if (write_some(client) == Next::drop) {
        return Next::drop;
    }
    client.watch.reset(); // one watch per descriptor
    client.watch = m_loop.watch_writable(client.socket.get(), [this, id] { on_writable(id); });
    client.timeout->start_once(m_limits.timeout_ms);
    return client.watch != nullptr ? Next::wait : Next::drop;
}

/// Drops the client when it has everything.
UnixControlServer::Next UnixControlServer::write_some(Client& client) {
    const std::string_view rest = std::string_view(client.outgoing).substr(client.sent);
    const ssize_t count = send(client.socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0) {
        return must_wait(errno) ? Next::wait : Next::drop;
    }
    client.sent += static_cast<std::size_t>(count);
    return client.sent == client.outgoing.size() ? Next::drop : Next::wait;
}

} // namespace sekisho::drivers

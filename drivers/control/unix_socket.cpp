// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/control/unix_socket.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>

namespace sekisho::drivers::control {

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return std::unexpected(Error(Domain::control, path, "is no path for a socket: too long, or empty"));
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

Result<Descriptor> connect_to(const std::string& path, std::uint64_t timeout_ms) {
    const sockaddr_un address = TRY(address_of(path));
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    timeval timeout{};
    timeout.tv_sec = static_cast<time_t>(timeout_ms / 1000);
    timeout.tv_usec = static_cast<suseconds_t>(timeout_ms % 1000 * 1000);
    if (!socket.is_open() || setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0 ||
        setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) {
        return std::unexpected(Error::from_errno(Domain::control, path, "no socket can be made", errno));
    }
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return std::unexpected(Error::from_errno(Domain::control, path, "can't connect", errno));
    }
    return socket;
}

} // namespace sekisho::drivers::control

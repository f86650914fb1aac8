// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/radius/udp_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace sekisho::drivers::radius_sockets {

namespace {

constexpr int kKind = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

Error socket_error(std::string_view what) {
    return Error::from_errno(Domain::network, "RADIUS", what, errno);
}

} // namespace

Result<LocalSocket> open_local() {
    LocalSocket local{.socket = Descriptor(::socket(AF_INET, kKind, 0)), .port = 0};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (!local.socket.is_open() ||
        bind(local.socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        getsockname(local.socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return std::unexpected(socket_error("no socket can be opened"));
    }
    local.port = ntohs(address.sin_port);
    return local;
}

Result<Descriptor> connect_to(const IpAddress& address, std::uint16_t port) {
    sockaddr_storage target{};
    socklen_t size = 0;
    if (address.family() == Family::ipv4) {
        auto* v4 = reinterpret_cast<sockaddr_in*>(&target);
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        std::memcpy(&v4->sin_addr, address.bytes().data(), sizeof v4->sin_addr);
        size = sizeof *v4;
    } else {
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&target);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        std::memcpy(&v6->sin6_addr, address.bytes().data(), sizeof v6->sin6_addr);
        size = sizeof *v6;
    }
    Descriptor socket(::socket(target.ss_family, kKind, 0));
    if (!socket.is_open()) {
        return std::unexpected(socket_error("no socket can be opened"));
    }
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&target), size) != 0) {
        return std::unexpected(socket_error(address.text() + " can't be reached"));
    }
    return socket;
}

} // namespace sekisho::drivers::radius_sockets

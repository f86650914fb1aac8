// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/tls/socket.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace sekisho::drivers::tls {

namespace {

constexpr int kSendBuffer = 256 << 10; // the kernel doubles it for its own needs
constexpr unsigned kUserTimeoutMilliseconds = 20'000;
constexpr int kKeepAliveIdleSeconds = 15;
constexpr int kKeepAliveSeconds = 5;
constexpr int kKeepAliveProbes = 4;

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

Address address_of(const IpAddress& ip, std::uint16_t port) {
    Address address;
    if (ip.family() == Family::ipv4) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&v4.sin_addr, ip.bytes().data(), sizeof v4.sin_addr);
        std::memcpy(&address.storage, &v4, sizeof v4);
        address.size = sizeof v4;
    } else {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        std::memcpy(&v6.sin6_addr, ip.bytes().data(), sizeof v6.sin6_addr);
        std::memcpy(&address.storage, &v6, sizeof v6);
        address.size = sizeof v6;
    }
    return address;
}

Error connection_error(const std::string& place, int number) {
    return Error::from_errno(Domain::network, place, "no connection", number);
}

bool set(int socket, int level, int name, int value) {
    return setsockopt(socket, level, name, &value, sizeof value) == 0;
}

bool set_tcp_options(int socket) {
    return set(socket, IPPROTO_TCP, TCP_NODELAY, 1) && set(socket, SOL_SOCKET, SO_SNDBUF, kSendBuffer) &&
           set(socket, SOL_SOCKET, SO_KEEPALIVE, 1) && set(socket, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds) &&
           set(socket, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveSeconds) &&
           set(socket, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes) &&
           set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(kUserTimeoutMilliseconds));
}

bool set_udp_options(int socket, Family family) {
    return family == Family::ipv4 ? set(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
                                  : set(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
}

Result<Descriptor> open_socket(const IpAddress& ip, std::uint16_t port, int kind) {
    const std::string place = place_of(ip, port);
    Descriptor descriptor(
        socket(ip.family() == Family::ipv4 ? AF_INET : AF_INET6, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!descriptor.is_open() ||
        !(kind == SOCK_STREAM ? set_tcp_options(descriptor.get()) : set_udp_options(descriptor.get(), ip.family()))) {
        return std::unexpected(Error::from_errno(Domain::network, place, "no socket can be made", errno));
    }
    const Address address = address_of(ip, port);
    if (connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 &&
        errno != EINPROGRESS) {
        return std::unexpected(connection_error(place, errno));
    }
    return descriptor;
}

} // namespace

std::string place_of(const IpAddress& address, std::uint16_t port) {
    return text::concat(address.text(), " port ", text::to_text(port));
}

Result<Descriptor> open_tcp(const IpAddress& address, std::uint16_t port) {
    return open_socket(address, port, SOCK_STREAM);
}

Result<void> connection_result(int socket, const std::string& place) {
    int number = 0;
    socklen_t size = sizeof number;
    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &number, &size) != 0) {
        number = errno;
    }
    return number == 0 ? Result<void>{} : std::unexpected(connection_error(place, number));
}

Result<Descriptor> open_udp(const IpAddress& address, std::uint16_t port) {
    return open_socket(address, port, SOCK_DGRAM);
}

std::optional<std::uint64_t> unacknowledged(int socket) {
    int waiting = 0;
    if (ioctl(socket, SIOCOUTQ, &waiting) != 0) {
        return std::nullopt;
    }
    // Asked second: a connection that is whole now was so when the number was taken.
    tcp_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        (info.tcpi_state != TCP_ESTABLISHED && info.tcpi_state != TCP_CLOSE_WAIT)) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(std::max(waiting, 0));
}

bool must_wait(int number) noexcept {
    return number == EAGAIN || number == EWOULDBLOCK || number == EINTR || number == ENOBUFS;
}

} // namespace sekisho::drivers::tls

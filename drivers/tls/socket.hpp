// SPDX-License-Identifier: GPL-2.0-or-later
// Sockets of connections that the router opens.
#pragma once

#include "drivers/system/files.hpp"
#include "policy/base/address.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sekisho::drivers::tls {

/// "10.0.1.20 port 6514": as errors and people name it.
[[nodiscard]] std::string place_of(const IpAddress& address, std::uint16_t port);

/// A non-blocking TCP socket that connects; the socket becomes writable when that is decided. Its peer is found dead in
/// 20 s (TCP_USER_TIMEOUT while something is under way, keep-alive otherwise), its buffer for sending is bounded.
Result<Descriptor> open_tcp(const IpAddress& address, std::uint16_t port);
/// What became of connecting; an error where it failed.
Result<void> connection_result(int socket, const std::string& place);

/// A non-blocking UDP socket with one peer. Datagrams are fragmented where they must be, never refused for it.
Result<Descriptor> open_udp(const IpAddress& address, std::uint16_t port);

/// Bytes that were handed to the kernel and that the peer's kernel has not acknowledged; nothing where that can't be
/// known any more (the connection is over).
[[nodiscard]] std::optional<std::uint64_t> unacknowledged(int socket);

/// Whether a call failed only because it had to wait.
[[nodiscard]] bool must_wait(int number) noexcept;

} // namespace sekisho::drivers::tls

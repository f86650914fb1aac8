// SPDX-License-Identifier: GPL-2.0-or-later
// A router in a network namespace of its own, with hosts in others:
//
//   outside (198.51.100.2 to .4, 2001:db8::2) ── wan0 router lan0 ── inside (10.0.1.20)
//
// The test's thread is in the router's namespace; they all end with the process.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace sekisho::test {

inline constexpr std::string_view kRouter = "198.51.100.1";
inline constexpr std::string_view kRouterV6 = "2001:db8::1";
inline constexpr std::string_view kOutside = "198.51.100.2";
inline constexpr std::string_view kOutsideOther = "198.51.100.3";
inline constexpr std::string_view kOutsideMarker = "198.51.100.4";
inline constexpr std::string_view kOutsideV6 = "2001:db8::2";
inline constexpr std::string_view kInside = "10.0.1.20";

enum class Host { router, outside, inside };

class Sandbox {
public:
    Sandbox();
    ~Sandbox();
    Sandbox(const Sandbox&) = delete;
    Sandbox& operator=(const Sandbox&) = delete;

    /// Does something in a host's namespace and comes back.
    void at(Host host, const std::function<void()>& action) const;
    /// Runs a shell command; the test fails when the command does.
    void run(Host host, const std::string& command) const;
    /// The same, returning what it printed.
    [[nodiscard]] std::string output(Host host, const std::string& command) const;

    /// Makes wan0 and its other end, with their addresses: they are not there, or no longer.
    void connect_outside() const;

private:
    int m_router = -1;
    int m_outside = -1;
    int m_inside = -1;
};

/// A UDP socket; `address` may be empty for any.
class UdpSocket {
public:
    UdpSocket(const Sandbox& sandbox, Host host, std::string_view address, std::uint16_t port);
    ~UdpSocket();
    UdpSocket(const UdpSocket&) = delete;
    UdpSocket& operator=(const UdpSocket&) = delete;

    void send(std::string_view to, std::uint16_t port, std::string_view text) const;
    /// The next datagram, "TEXT from ADDRESS"; nothing when none comes for as long as a test waits at most.
    [[nodiscard]] std::optional<std::string> receive() const;
    /// Datagrams that are there now, all taken.
    [[nodiscard]] std::size_t drain() const;

private:
    int m_descriptor;
    int m_family;
};

/// Calls `body` in a child process; returns its id. The child ends with the test program at the latest.
[[nodiscard]] pid_t start_process(const std::function<void()>& body);
/// Waits for the end of a child; its wait status.
[[nodiscard]] int wait_for_end(pid_t id);

} // namespace sekisho::test

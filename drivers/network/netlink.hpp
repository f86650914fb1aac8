// SPDX-License-Identifier: GPL-2.0-or-later
// rtnetlink messages over libnl. Messages are written and read as the kernel defines them (linux/rtnetlink.h):
// libnl-route's objects don't know the protocol of an address (IFA_PROTO), by which our addresses are told from others.
#pragma once

#include "policy/base/error.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

struct nl_msg;
struct nl_sock;
struct nlattr;
struct nlmsghdr;

namespace sekisho::drivers::network {

/// A request that is being built. Every request is small: one that outgrows libnl's page is a programming mistake and
/// is refused when it is sent.
class Message {
public:
    /// `type` is RTM_…, `flags` NLM_F_… beyond those that every request has.
    Message(int type, int flags);

    /// The fixed part that follows the netlink header (ifinfomsg, ifaddrmsg, rtmsg).
    template <typename Header>
        requires std::is_trivially_copyable_v<Header>
    Message& header(const Header& value) {
        return raw(&value, sizeof value);
    }

    /// Everything behind the netlink header at once, as a message of the kernel had it.
    Message& payload(std::span<const std::uint8_t> bytes) { return raw(bytes.data(), bytes.size()); }

    Message& put_number(int attribute, std::uint32_t value);
    Message& put_byte(int attribute, std::uint8_t value);
    Message& put_bytes(int attribute, std::span<const std::uint8_t> bytes);
    Message& put_text(int attribute, const std::string& text); ///< with the terminating zero
    nlattr* begin(int attribute);                              ///< a nested attribute; null where it had no room
    void end(nlattr* nested);

    [[nodiscard]] nl_msg* get() const noexcept { return m_message.get(); }

    [[nodiscard]] bool is_complete() const noexcept { return m_complete; }

private:
    Message& raw(const void* bytes, std::size_t size);

    struct Free {
        void operator()(nl_msg* message) const noexcept;
    };

    std::unique_ptr<nl_msg, Free> m_message;
    bool m_complete = true;
};

/// A connection to the kernel's routing subsystem in the network namespace in which it was opened.
class Connection {
public:
    static Result<Connection> open();

    /// Sends and waits for the kernel's acknowledgement; its refusal is an error with the kernel's own words where it
    /// gives any. `place` names the interface.
    Result<void> request(Message& message, const std::string& place);

    /// Calls `on_entry` for each message of a dump. A dump that changed while it was read is read again, after
    /// `on_restart`.
    Result<void> dump(int type, int family, const std::function<void()>& on_restart,
                      const std::function<void(nlmsghdr*)>& on_entry);

    /// Joins the groups (RTNLGRP_…) and makes the socket non-blocking.
    Result<void> subscribe(std::span<const int> groups);
    /// Throws away what has come; whether anything had (a full buffer counts).
    bool drain();
    [[nodiscard]] int descriptor() const noexcept;

private:
    struct Free {
        void operator()(nl_sock* socket) const noexcept;
    };

    using Socket = std::unique_ptr<nl_sock, Free>;

    explicit Connection(Socket socket) : m_socket(std::move(socket)) {}

    Result<bool> read_dump(std::uint32_t sequence, const std::function<void(nlmsghdr*)>& on_entry);

    Socket m_socket;
};

/// Attributes of a message behind a fixed part of `header_size` bytes; absent ones are null.
class Attributes {
public:
    Attributes(nlmsghdr* message, int header_size) : m_message(message), m_header_size(header_size) {}

    [[nodiscard]] std::span<const std::uint8_t> bytes(int attribute) const; ///< empty where absent
    [[nodiscard]] std::uint32_t number(int attribute) const;                ///< 0 where absent
    [[nodiscard]] std::string text(int attribute) const;                    ///< empty where absent
    /// An attribute within an attribute; empty where absent.
    [[nodiscard]] std::span<const std::uint8_t> nested_bytes(int attribute, int inner) const;
    /// An attribute within an attribute within an attribute; empty where absent.
    [[nodiscard]] std::span<const std::uint8_t> nested_bytes(int attribute, int middle, int inner) const;
    /// A text within a nested attribute.
    [[nodiscard]] std::string nested_text(int attribute, int inner) const;

private:
    nlmsghdr* m_message;
    int m_header_size;
};

} // namespace sekisho::drivers::network

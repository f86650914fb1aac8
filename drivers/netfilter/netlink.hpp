// SPDX-License-Identifier: GPL-2.0-or-later
// A netlink socket to netfilter (nf_tables, the connection table) and the batches that go through it (libmnl). Nothing
// here waits for the kernel without end: a commit happens inside send(), and its acknowledgements are in the receive
// buffer when it returns.
#pragma once

#include "policy/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

struct mnl_socket;
struct nlmsghdr;

namespace sekisho::drivers {

/// Whether a message asks for a change or for a listing.
enum class RequestKind { change, look_up, dump };

/// Messages that the kernel takes or refuses as a whole. Every message has a place, which an error about it names.
class NetlinkBatch {
public:
    NetlinkBatch();

    /// Appends a message of an NFT_MSG type; `flags` beside NLM_F_REQUEST and NLM_F_ACK; `write_payload` adds its
    /// attributes, 64 KiB at most.
    void add(std::uint16_t type, std::uint16_t flags, std::string place,
             const std::function<void(nlmsghdr*)>& write_payload);

    [[nodiscard]] std::size_t messages() const noexcept { return m_places.size(); }

private:
    friend class Netlink;
    void finish();

    std::vector<char> m_bytes;
    std::vector<std::string> m_places; ///< of message n, whose sequence number is n + 1
};

class Netlink {
public:
    static Result<Netlink> open();
    Netlink(Netlink&& other) noexcept = default;
    Netlink& operator=(Netlink&& other) noexcept = default;
    ~Netlink() = default;

    /// One transaction. On an error nothing of the batch is in force, except with ENOBUFS, where acknowledgements were
    /// lost and the outcome is not known. The error has the place of the first message refused and the errno.
    Result<void> commit(NetlinkBatch batch);

    /// Sends a look-up or a dump (a bare NFT_MSG_GET… message) and hands every message of the reply over. `on_message`
    /// may be called anew from the first message when the kernel says that a dump was interrupted by a change;
    /// `on_restart` comes first.
    Result<void> request(std::uint16_t type, RequestKind kind, const std::string& place,
                         const std::function<void(nlmsghdr*)>& write_payload,
                         const std::function<void(const nlmsghdr*)>& on_message,
                         const std::function<void()>& on_restart);

    /// The same for a whole message of any of netfilter's subsystems, built by the caller with the sequence number 1.
    Result<void> exchange(const std::vector<char>& message, const std::string& place,
                          const std::function<void(const nlmsghdr*)>& on_message,
                          const std::function<void()>& on_restart);

    /// Joins a group of notifications (NFNLGRP_…). A socket that has joined one is for nothing else.
    Result<void> subscribe(int group);
    /// Throws away what has come.
    void drain();
    [[nodiscard]] int descriptor() const noexcept;

    /// Number of the rule set's generation: grows with every commit, by whomever.
    Result<std::uint32_t> generation();

private:
    struct Close {
        void operator()(mnl_socket* socket) const noexcept;
    };

    explicit Netlink(mnl_socket* socket) : m_socket(socket) {}

    Result<void> send(const std::vector<char>& bytes, const std::string& place);
    Result<std::size_t> receive(const std::string& place);

    std::unique_ptr<mnl_socket, Close> m_socket;
    std::vector<char> m_buffer; ///< for one datagram of a reply
};

} // namespace sekisho::drivers

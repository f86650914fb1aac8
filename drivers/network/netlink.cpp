// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/network/netlink.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

namespace sekisho::drivers::network {

namespace {

constexpr int kMostDumpAttempts = 10;

Error library_error(const std::string& place, std::string_view what, int status) {
    return Error(Domain::network, place, text::concat(what, ": ", nl_geterror(status)));
}

std::string_view fixed_text(const nlattr* attribute) {
    const auto* begin = static_cast<const char*>(nla_data(attribute));
    return {begin, strnlen(begin, static_cast<std::size_t>(nla_len(attribute)))};
}

/// What the kernel says of a refusal beyond its number (NETLINK_EXT_ACK).
std::string extended_text(nlmsghdr* message, const nlmsgerr& refusal) {
    if ((message->nlmsg_flags & NLM_F_ACK_TLVS) == 0) {
        return {};
    }
    // the request comes back in between, whole unless it is capped
    std::size_t skipped = sizeof refusal;
    if ((message->nlmsg_flags & NLM_F_CAPPED) == 0) {
        skipped += refusal.msg.nlmsg_len - sizeof(nlmsghdr);
    }
    if (skipped > static_cast<std::size_t>(nlmsg_datalen(message))) {
        return {};
    }
    const nlattr* words = nlmsg_find_attr(message, static_cast<int>(skipped), NLMSGERR_ATTR_MSG);
    return words != nullptr ? std::string(fixed_text(words)) : std::string();
}

Result<void> acknowledged(nlmsghdr* message, const std::string& place) {
    nlmsgerr refusal{};
    if (static_cast<std::size_t>(nlmsg_datalen(message)) < sizeof refusal) {
        return std::unexpected(Error(Domain::network, place, "the kernel's answer is cut short"));
    }
    std::memcpy(&refusal, nlmsg_data(message), sizeof refusal);
    if (refusal.error == 0) {
        return {};
    }
    return std::unexpected(Error::from_errno(Domain::network, place, extended_text(message, refusal), -refusal.error));
}

/// What one read from the socket brought.
struct Received {
    std::unique_ptr<unsigned char, void (*)(void*)> bytes{nullptr, std::free};
    int size = 0;
};

Result<Received> receive(nl_sock* socket) {
    for (;;) {
        sockaddr_nl sender{};
        unsigned char* bytes = nullptr;
        const int size = nl_recv(socket, &sender, &bytes, nullptr);
        Received received{{bytes, std::free}, size};
        if (size < 0) {
            return std::unexpected(library_error("netlink", "no answer", size));
        }
        if (sender.nl_pid == 0 && size > 0) { // from the kernel, not from another process
            return received;
        }
    }
}

} // namespace

void Message::Free::operator()(nl_msg* message) const noexcept {
    nlmsg_free(message);
}

Message::Message(int type, int flags) : m_message(nlmsg_alloc_simple(type, flags)) {
    m_complete = m_message != nullptr;
}

Message& Message::raw(const void* bytes, std::size_t size) {
    m_complete = m_complete && nlmsg_append(get(), const_cast<void*>(bytes), size, NLMSG_ALIGNTO) == 0;
    return *this;
}

Message& Message::put_number(int attribute, std::uint32_t value) {
    m_complete = m_complete && nla_put_u32(get(), attribute, value) == 0;
    return *this;
}

Message& Message::put_byte(int attribute, std::uint8_t value) {
    m_complete = m_complete && nla_put_u8(get(), attribute, value) == 0;
    return *this;
}

Message& Message::put_bytes(int attribute, std::span<const std::uint8_t> bytes) {
    m_complete = m_complete && nla_put(get(), attribute, static_cast<int>(bytes.size()), bytes.data()) == 0;
    return *this;
}

Message& Message::put_text(int attribute, const std::string& text) {
    m_complete = m_complete && nla_put_string(get(), attribute, text.c_str()) == 0;
    return *this;
}

nlattr* Message::begin(int attribute) {
    nlattr* nested = m_complete ? nla_nest_start(get(), attribute) : nullptr;
    m_complete = nested != nullptr;
    return nested;
}

void Message::end(nlattr* nested) {
    if (nested != nullptr) {
        nla_nest_end_keep_empty(get(), nested);
    }
}

void Connection::Free::operator()(nl_sock* socket) const noexcept {
    nl_socket_free(socket);
}

Result<Connection> Connection::open() {
    Socket socket(nl_socket_alloc());
    if (socket == nullptr) {
        return std::unexpected(Error::from_errno(Domain::network, "netlink", "no socket", ENOMEM));
    }
    if (const int status = nl_connect(socket.get(), NETLINK_ROUTE); status < 0) {
        return std::unexpected(library_error("netlink", "no socket", status));
    }
    const int on = 1; // older kernels lack it and give the number only
    setsockopt(nl_socket_get_fd(socket.get()), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    return Connection(std::move(socket));
}

int Connection::descriptor() const noexcept {
    return nl_socket_get_fd(m_socket.get());
}

Result<void> Connection::request(Message& message, const std::string& place) {
    if (!message.is_complete()) {
        return std::unexpected(Error(Domain::network, place, "a request to the kernel is too long"));
    }
    if (const int status = nl_send_auto(m_socket.get(), message.get()); status < 0) {
        return std::unexpected(library_error(place, "the kernel can't be asked", status));
    }
    const std::uint32_t sequence = nlmsg_hdr(message.get())->nlmsg_seq;
    for (;;) {
        const Received received = TRY(receive(m_socket.get()));
        int left = received.size;
        for (auto* part = reinterpret_cast<nlmsghdr*>(received.bytes.get()); nlmsg_ok(part, left);
             part = nlmsg_next(part, &left)) {
            if (part->nlmsg_seq == sequence && part->nlmsg_type == NLMSG_ERROR) {
                return acknowledged(part, place);
            }
        }
    }
}

Result<void> Connection::dump(int type, int family, const std::function<void()>& on_restart,
                              const std::function<void(nlmsghdr*)>& on_entry) {
    for (int attempt = 0; attempt < kMostDumpAttempts; ++attempt) {
        on_restart();
        Message message(type, NLM_F_DUMP);
        if (type == RTM_GETNEIGH) { // bridges want the whole of it
            ndmsg header{};
            header.ndm_family = static_cast<unsigned char>(family);
            message.header(header);
        } else if (type == RTM_GETQDISC) {
            tcmsg header{};
            header.tcm_family = static_cast<unsigned char>(family);
            message.header(header);
        } else {
            rtgenmsg header{};
            header.rtgen_family = static_cast<unsigned char>(family);
            message.header(header);
        }
        if (!message.is_complete()) {
            return std::unexpected(Error::from_errno(Domain::network, "netlink", "no dump", ENOMEM));
        }
        if (const int status = nl_send_auto(m_socket.get(), message.get()); status < 0) {
            return std::unexpected(library_error("netlink", "the kernel can't be asked", status));
        }
        if (TRY(read_dump(nlmsg_hdr(message.get())->nlmsg_seq, on_entry))) {
            return {};
        }
    }
    return std::unexpected(Error(Domain::network, "netlink", "interfaces change faster than they can be read"));
}

/// False where the kernel says that the dump isn't of one moment.
Result<bool> Connection::read_dump(std::uint32_t sequence, const std::function<void(nlmsghdr*)>& on_entry) {
    bool consistent = true;
    for (;;) {
        const Received received = TRY(receive(m_socket.get()));
        int left = received.size;
        for (auto* part = reinterpret_cast<nlmsghdr*>(received.bytes.get()); nlmsg_ok(part, left);
             part = nlmsg_next(part, &left)) {
            if (part->nlmsg_seq != sequence) {
                continue;
            }
            if ((part->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
                consistent = false;
            }
            if (part->nlmsg_type == NLMSG_DONE) {
                return consistent;
            }
            if (part->nlmsg_type == NLMSG_ERROR) {
                TRY(acknowledged(part, "netlink"));
                return consistent;
            }
            on_entry(part);
        }
    }
}

Result<void> Connection::subscribe(std::span<const int> groups) {
    for (const int group : groups) {
        if (const int status = nl_socket_add_membership(m_socket.get(), group); status < 0) {
            return std::unexpected(library_error("netlink", "changes can't be watched", status));
        }
    }
    if (const int status = nl_socket_set_nonblocking(m_socket.get()); status < 0) {
        return std::unexpected(library_error("netlink", "changes can't be watched", status));
    }
    return {};
}

bool Connection::drain() {
    bool any = false;
    for (;;) {
        std::array<char, 32768> block; // NOLINT(*-member-init): its contents are of no interest
        const ssize_t size = recv(descriptor(), block.data(), block.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (size < 0 && errno != ENOBUFS && errno != EINTR) {
            return any;
        }
        any = any || size > 0 || errno == ENOBUFS;
    }
}

std::span<const std::uint8_t> Attributes::bytes(int attribute) const {
    const nlattr* found = nlmsg_find_attr(m_message, m_header_size, attribute);
    if (found == nullptr) {
        return {};
    }
    return {static_cast<const std::uint8_t*>(nla_data(found)), static_cast<std::size_t>(nla_len(found))};
}

std::uint32_t Attributes::number(int attribute) const {
    const auto value = bytes(attribute);
    std::uint32_t number = 0;
    if (value.size() == 1) {
        return value[0];
    }
    if (value.size() >= sizeof number) {
        std::memcpy(&number, value.data(), sizeof number);
    }
    return number;
}

std::string Attributes::text(int attribute) const {
    const nlattr* found = nlmsg_find_attr(m_message, m_header_size, attribute);
    return found != nullptr ? std::string(fixed_text(found)) : std::string();
}

std::span<const std::uint8_t> Attributes::nested_bytes(int attribute, int inner) const {
    nlattr* outer = nlmsg_find_attr(m_message, m_header_size, attribute);
    nlattr* found = outer == nullptr ? nullptr : nla_find(static_cast<nlattr*>(nla_data(outer)), nla_len(outer), inner);
    if (found == nullptr) {
        return {};
    }
    return {static_cast<const std::uint8_t*>(nla_data(found)), static_cast<std::size_t>(nla_len(found))};
}

std::span<const std::uint8_t> Attributes::nested_bytes(int attribute, int middle, int inner) const {
    nlattr* outer = nlmsg_find_attr(m_message, m_header_size, attribute);
    nlattr* nested =
        outer == nullptr ? nullptr : nla_find(static_cast<nlattr*>(nla_data(outer)), nla_len(outer), middle);
    nlattr* found =
        nested == nullptr ? nullptr : nla_find(static_cast<nlattr*>(nla_data(nested)), nla_len(nested), inner);
    if (found == nullptr) {
        return {};
    }
    return {static_cast<const std::uint8_t*>(nla_data(found)), static_cast<std::size_t>(nla_len(found))};
}

std::string Attributes::nested_text(int attribute, int inner) const {
    nlattr* found = nlmsg_find_attr(m_message, m_header_size, attribute);
    if (found == nullptr) {
        return {};
    }
    const nlattr* text = nla_find(static_cast<nlattr*>(nla_data(found)), nla_len(found), inner);
    return text != nullptr ? std::string(fixed_text(text)) : std::string();
}

} // namespace sekisho::drivers::network

// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/netlink.hpp"

#include "policy/base/text.hpp"

#include <array>
#include <cerrno>

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/gen.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

namespace sekisho::drivers {

namespace {

constexpr std::size_t kLongestMessage = 96 * 1024; ///< a nest of 64 KiB and what is around it
constexpr int kSendBuffer = 4 << 20;               ///< one datagram holds a whole batch
constexpr int kReceiveBuffer = 4 << 20; ///< acknowledgements, and a refusal quotes the message that it is about
constexpr std::size_t kReplyBuffer = 128 * 1024;
constexpr int kDumpAttempts = 5;

nlmsghdr* begin_message(std::vector<char>& bytes, std::uint16_t type, std::uint16_t flags, std::uint32_t sequence,
                        std::size_t& offset) {
    offset = bytes.size();
    bytes.resize(offset + kLongestMessage);
    return nftnl_nlmsg_build_hdr(bytes.data() + offset, type, NFPROTO_INET, flags, sequence);
}

void end_message(std::vector<char>& bytes, std::size_t offset, const nlmsghdr* message) {
    bytes.resize(offset + MNL_ALIGN(message->nlmsg_len));
}

/// errno of an acknowledgement, 0 for success.
int status_of(const nlmsghdr* message) {
    const auto* status = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
    return status->error < 0 ? -status->error : status->error;
}

/// Walks the messages of one datagram; stops when `visit` returns false.
template <typename Visit>
void for_each_message(const std::vector<char>& buffer, std::size_t size, Visit visit) {
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
    int left = static_cast<int>(size);
    while (mnl_nlmsg_ok(message, left)) {
        if (!visit(message)) {
            return;
        }
        message = mnl_nlmsg_next(message, &left);
    }
}

} // namespace

// ---- batch ---------------------------------------------------------------------------------------------------------

NetlinkBatch::NetlinkBatch() {
    m_bytes.resize(MNL_SOCKET_BUFFER_SIZE);
    const nlmsghdr* message = nftnl_batch_begin(m_bytes.data(), 0);
    end_message(m_bytes, 0, message);
}

void NetlinkBatch::add(std::uint16_t type, std::uint16_t flags, std::string place,
                       const std::function<void(nlmsghdr*)>& write_payload) {
    m_places.push_back(std::move(place));
    std::size_t offset = 0;
    nlmsghdr* message = begin_message(m_bytes, type, static_cast<std::uint16_t>(flags | NLM_F_ACK),
                                      static_cast<std::uint32_t>(m_places.size()), offset);
    write_payload(message);
    end_message(m_bytes, offset, message);
}

void NetlinkBatch::finish() {
    const std::size_t offset = m_bytes.size();
    m_bytes.resize(offset + MNL_SOCKET_BUFFER_SIZE);
    const nlmsghdr* message = nftnl_batch_end(m_bytes.data() + offset, 0);
    end_message(m_bytes, offset, message);
}

// ---- socket --------------------------------------------------------------------------------------------------------

void Netlink::Close::operator()(mnl_socket* socket) const noexcept {
    mnl_socket_close(socket);
}

Result<Netlink> Netlink::open() {
    Netlink netlink(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
    if (netlink.m_socket == nullptr) {
        return std::unexpected(Error::from_errno(Domain::kernel, "nf_tables", "open a netlink socket", errno));
    }
    if (mnl_socket_bind(netlink.m_socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
        return std::unexpected(Error::from_errno(Domain::kernel, "nf_tables", "bind a netlink socket", errno));
    }
    const int descriptor = mnl_socket_get_fd(netlink.m_socket.get());
    for (const auto& [option, size] :
         {std::pair{SO_SNDBUFFORCE, kSendBuffer}, std::pair{SO_RCVBUFFORCE, kReceiveBuffer}}) {
        if (setsockopt(descriptor, SOL_SOCKET, option, &size, sizeof size) != 0) {
            return std::unexpected(Error::from_errno(Domain::kernel, "nf_tables", "enlarge a socket buffer", errno));
        }
    }
    // A refusal need not quote the whole message back: an acknowledgement of a batch must fit the receive buffer.
    const int on = 1;
    mnl_socket_setsockopt(netlink.m_socket.get(), NETLINK_CAP_ACK, const_cast<int*>(&on), sizeof on);
    netlink.m_buffer.resize(kReplyBuffer);
    return netlink;
}

Result<void> Netlink::subscribe(int group) {
    if (mnl_socket_setsockopt(m_socket.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
        return std::unexpected(Error::from_errno(Domain::kernel, "nf_tables", "watch changes", errno));
    }
    return {};
}

void Netlink::drain() {
    while (recv(descriptor(), m_buffer.data(), m_buffer.size(), MSG_DONTWAIT) >= 0 || errno == ENOBUFS) {
    }
}

int Netlink::descriptor() const noexcept {
    return mnl_socket_get_fd(m_socket.get());
}

Result<void> Netlink::send(const std::vector<char>& bytes, const std::string& place) {
    drain(); // what an earlier failure left unread would be taken for the answer to this one
    if (mnl_socket_sendto(m_socket.get(), bytes.data(), bytes.size()) < 0) {
        return std::unexpected(Error::from_errno(Domain::kernel, place, "send to the kernel", errno));
    }
    return {};
}

Result<std::size_t> Netlink::receive(const std::string& place) {
    while (true) {
        const ssize_t size =
            recv(mnl_socket_get_fd(m_socket.get()), m_buffer.data(), m_buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            const int number = errno;
            return std::unexpected(number == EAGAIN
                                       ? Error(Domain::kernel, place, "the kernel gave no answer", number)
                                       : Error::from_errno(Domain::kernel, place, "read from the kernel", number));
        }
        if (static_cast<std::size_t>(size) > m_buffer.size()) {
            return std::unexpected(Error(Domain::kernel, place, "an answer of the kernel was too long"));
        }
        return static_cast<std::size_t>(size);
    }
}

Result<void> Netlink::commit(NetlinkBatch batch) {
    if (batch.messages() == 0) {
        return {};
    }
    batch.finish();
    TRY(send(batch.m_bytes, batch.m_places.front()));
    std::size_t open = batch.messages();
    int number = 0;
    std::string refused;
    while (open > 0) {
        auto size = receive(batch.m_places.front());
        if (!size) {
            if (number != 0) {
                break; // a refused batch need not have every message answered
            }
            return std::unexpected(std::move(size).error());
        }
        for_each_message(m_buffer, *size, [&](const nlmsghdr* message) {
            if (message->nlmsg_type == NLMSG_ERROR) {
                const int status = status_of(message);
                if (status != 0 && number == 0) {
                    number = status;
                    refused = message->nlmsg_seq >= 1 && message->nlmsg_seq <= batch.m_places.size()
                                  ? batch.m_places[message->nlmsg_seq - 1]
                                  : batch.m_places.front();
                }
                // an error about the batch as a whole bears its number, and nothing more follows
                open = message->nlmsg_seq == 0 ? 0 : open - 1;
            }
            return open > 0;
        });
    }
    if (number != 0) {
        return std::unexpected(Error::from_errno(Domain::kernel, std::move(refused), "refused by nf_tables", number));
    }
    return {};
}

Result<void> Netlink::request(std::uint16_t type, RequestKind kind, const std::string& place,
                              const std::function<void(nlmsghdr*)>& write_payload,
                              const std::function<void(const nlmsghdr*)>& on_message,
                              const std::function<void()>& on_restart) {
    std::vector<char> bytes;
    std::size_t offset = 0;
    const auto flags = static_cast<std::uint16_t>(kind == RequestKind::dump ? NLM_F_DUMP : NLM_F_ACK);
    nlmsghdr* message = begin_message(bytes, type, flags, 1, offset);
    write_payload(message);
    end_message(bytes, offset, message);
    return exchange(bytes, place, on_message, on_restart);
}

Result<void> Netlink::exchange(const std::vector<char>& message, const std::string& place,
                               const std::function<void(const nlmsghdr*)>& on_message,
                               const std::function<void()>& on_restart) {
    for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
        on_restart();
        TRY(send(message, place));
        bool done = false;
        bool interrupted = false;
        int number = 0;
        while (!done) {
            const std::size_t size = TRY(receive(place));
            for_each_message(m_buffer, size, [&](const nlmsghdr* reply) {
                interrupted = interrupted || (reply->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
                if (reply->nlmsg_type == NLMSG_ERROR) {
                    number = status_of(reply);
                    done = true;
                } else if (reply->nlmsg_type == NLMSG_DONE) {
                    done = true;
                } else {
                    on_message(reply);
                }
                return !done;
            });
        }
        if (number != 0) {
            return std::unexpected(Error::from_errno(Domain::kernel, place, "refused by the kernel", number));
        }
        if (!interrupted) {
            return {};
        }
    }
    return std::unexpected(Error(Domain::kernel, place, "the list kept changing while it was read", EINTR));
}

Result<std::uint32_t> Netlink::generation() {
    std::uint32_t generation = 0;
    TRY(request(
        NFT_MSG_GETGEN, RequestKind::look_up, "nf_tables generation", [](nlmsghdr*) {},
        [&](const nlmsghdr* reply) {
            const std::unique_ptr<nftnl_gen, decltype(&nftnl_gen_free)> answer(nftnl_gen_alloc(), nftnl_gen_free);
            if (nftnl_gen_nlmsg_parse(reply, answer.get()) == 0) {
                generation = nftnl_gen_get_u32(answer.get(), NFTNL_GEN_ID);
            }
        },
        [] {}));
    return generation;
}

} // namespace sekisho::drivers

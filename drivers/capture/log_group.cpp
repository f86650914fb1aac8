// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/capture/log_group.hpp"

#include "drivers/capture/netlink_message.hpp"
#include "policy/base/text.hpp"

#include <array>
#include <cerrno>
#include <vector>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <pcap/pcap.h>
#include <sys/socket.h>

namespace sekisho::drivers {

namespace {

/// libpcap cuts a netlink batch, not a packet, to this; its read buffer is a little larger.
constexpr int kSnapLength = 65'535;
/// A batch must fit libpcap's buffer; about 60 records.
constexpr std::uint32_t kBatchBytes = 32'768;
constexpr std::uint32_t kBatchRecords = 50;
constexpr std::uint32_t kBatchCentiseconds = 5; ///< a batch that is not full waits no longer
constexpr int kSettingsAttempts = 3;

std::string place_of(std::uint16_t number) {
    return text::concat("nflog:", text::to_text(number));
}

void hand_over(u_char* user, const pcap_pkthdr* header, const u_char* message) {
    const auto& on_message = *reinterpret_cast<const std::function<void(std::span<const std::uint8_t>)>*>(user);
    on_message({message, header->caplen});
}

} // namespace

void LogGroup::Close::operator()(pcap* handle) const noexcept {
    pcap_close(handle);
}

int LogGroup::descriptor() const noexcept {
    return pcap_get_selectable_fd(m_handle.get());
}

Result<LogGroup> LogGroup::open(std::uint16_t number, int receive_buffer) {
    const std::string place = place_of(number);
    std::array<char, PCAP_ERRBUF_SIZE> message{};
    LogGroup group(pcap_create(place.c_str(), message.data()));
    pcap_t* handle = group.m_handle.get();
    if (handle == nullptr) {
        return std::unexpected(Error(Domain::capture, place, message.data()));
    }
    pcap_set_snaplen(handle, kSnapLength);
    pcap_set_immediate_mode(handle, 1);
    if (const int status = pcap_activate(handle); status < 0) {
        const char* detail = pcap_geterr(handle);
        return std::unexpected(Error(Domain::capture, place, detail[0] != '\0' ? detail : pcap_statustostr(status)));
    }
    if (pcap_datalink(handle) != DLT_NFLOG) {
        return std::unexpected(Error(Domain::capture, place, "libpcap gives another link type than NFLOG"));
    }
    if (setsockopt(group.descriptor(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) != 0) {
        return std::unexpected(Error::from_errno(Domain::capture, place, "enlarge the receive buffer", errno));
    }
    if (pcap_setnonblock(handle, 1, message.data()) != 0) {
        return std::unexpected(Error(Domain::capture, place, message.data()));
    }
    TRY(group.configure(number));
    return group;
}

/// The kernel keeps a group's settings with the socket that bound it, which is libpcap's: so the request goes through
/// that socket, and its answer is taken off it here, before libpcap reads for the first time.
Result<void> LogGroup::configure(std::uint16_t number) {
    std::uint16_t flags = NFULNL_CFG_F_SEQ | NFULNL_CFG_F_CONNTRACK;
    int status = 0;
    for (std::uint32_t attempt = 1; attempt <= kSettingsAttempts; ++attempt) {
        status = TRY(send_settings(number, flags, attempt));
        if (status == 0) {
            m_has_connections = (flags & NFULNL_CFG_F_CONNTRACK) != 0;
            return {};
        }
        if (status == EOPNOTSUPP) {
            flags = NFULNL_CFG_F_SEQ; // a kernel without the glue; EAGAIN says instead that a module has been loaded
        }
    }
    return std::unexpected(Error::from_errno(Domain::capture, place_of(number), "set up the log group", status));
}

/// The kernel's errno for the settings, 0 when they are in force.
Result<int> LogGroup::send_settings(std::uint16_t number, std::uint16_t flags, std::uint32_t sequence) {
    NetlinkMessage message(NFNL_SUBSYS_ULOG, NFULNL_MSG_CONFIG, NLM_F_ACK, sequence, AF_UNSPEC, number);
    message.put_u16(NFULA_CFG_FLAGS, flags);
    message.put_u32(NFULA_CFG_NLBUFSIZ, kBatchBytes);
    message.put_u32(NFULA_CFG_QTHRESH, kBatchRecords);
    message.put_u32(NFULA_CFG_TIMEOUT, kBatchCentiseconds);
    const auto request = message.bytes();
    if (send(descriptor(), request.data(), request.size(), 0) < 0) {
        return std::unexpected(Error::from_errno(Domain::capture, place_of(number), "set up the log group", errno));
    }
    std::vector<char> buffer(2 * kSnapLength);
    while (true) {
        const ssize_t size = recv(descriptor(), buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == ENOBUFS) {
            ++m_lost_at_start;
            continue;
        }
        if (size < 0) {
            return std::unexpected(Error::from_errno(Domain::capture, place_of(number),
                                                     "read the answer to the log group's settings", errno));
        }
        auto left = static_cast<unsigned>(size);
        for (const auto* one = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(one, left);
             one = NLMSG_NEXT(one, left)) {
            if (one->nlmsg_type == NLMSG_ERROR && one->nlmsg_seq == sequence) {
                return -static_cast<const nlmsgerr*>(NLMSG_DATA(one))->error;
            }
            ++m_lost_at_start;
        }
    }
}

bool LogGroup::read(const std::function<void(std::span<const std::uint8_t>)>& on_message) {
    errno = 0;
    auto* user =
        reinterpret_cast<u_char*>(const_cast<std::function<void(std::span<const std::uint8_t>)>*>(&on_message));
    if (pcap_dispatch(m_handle.get(), -1, hand_over, user) >= 0) {
        return true;
    }
    // libpcap reports an empty socket as a failure: it may be empty after an overrun, which libpcap has counted
    return errno == EAGAIN;
}

std::uint64_t LogGroup::overruns() const noexcept {
    pcap_stat statistics{};
    return pcap_stats(m_handle.get(), &statistics) == 0 ? statistics.ps_drop : 0;
}

} // namespace sekisho::drivers

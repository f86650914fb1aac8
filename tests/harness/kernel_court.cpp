// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/harness/kernel_court.hpp"

#include "policy/base/bytes.hpp"
#include "policy/packet/packet.hpp"
#include "policy/ruleset/renderer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <span>
#include <sstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sekisho::test {

namespace {

constexpr std::uint64_t kSentinels = 0xff'0000'0000; // numbers from here on are no frames of a test's
constexpr int kTraceBuffer = 256 << 20;
constexpr int kPatience = 5000; // milliseconds

[[noreturn]] void give_up(const std::string& what) {
    std::fprintf(stderr, "%s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(2);
}

void enter(const std::string& path) {
    const int there = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (there < 0 || setns(there, CLONE_NEWNET) != 0) {
        give_up(path);
    }
    close(there);
}

/// 02 and the number in five bytes: locally administered, one station's.
void put_number(std::span<std::uint8_t> source, std::uint64_t number) {
    source[0] = 0x02;
    for (std::size_t at = 0; at < 5; ++at) {
        source[5 - at] = static_cast<std::uint8_t>(number >> (8 * at));
    }
}

std::uint64_t number_in(std::span<const std::uint8_t> source) {
    std::uint64_t number = 0;
    for (std::size_t at = 1; at < 6; ++at) {
        number = number << 8 | source[at];
    }
    return number;
}

using Bytes = std::span<const std::uint8_t>;

/// Attributes by type, the last one of each.
std::map<unsigned, Bytes> attributes_of(Bytes bytes) {
    std::map<unsigned, Bytes> found;
    while (bytes.size() >= 4) {
        std::uint16_t length = 0;
        std::uint16_t type = 0;
        std::memcpy(&length, bytes.data(), 2);
        std::memcpy(&type, bytes.data() + 2, 2);
        if (length < 4 || length > bytes.size()) {
            break;
        }
        found[type & NLA_TYPE_MASK] = bytes.subspan(4, length - 4U);
        bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), (length + 3U) & ~3U));
    }
    return found;
}

std::string text_in(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()),
            strnlen(reinterpret_cast<const char*>(bytes.data()), bytes.size())};
}

std::uint64_t number64(Bytes bytes) {
    return static_cast<std::uint64_t>(bytes::read_be32(bytes, 0)) << 32 | bytes::read_be32(bytes, 4);
}

std::optional<judge::Tuple> tuple_in(Bytes network, Bytes transport) {
    std::vector<std::uint8_t> packet(network.begin(), network.end());
    const bool v6 = !packet.empty() && packet[0] >> 4 == 6;
    if (packet.size() < (v6 ? 40U : 20U)) {
        return std::nullopt;
    }
    judge::Tuple tuple;
    const Family family = v6 ? Family::ipv6 : Family::ipv4;
    const std::size_t size = v6 ? 16 : 4;
    const std::size_t at = v6 ? 8 : 12;
    tuple.source = IpAddress::from_bytes(family, Bytes(packet).subspan(at, size));
    tuple.destination = IpAddress::from_bytes(family, Bytes(packet).subspan(at + size, size));
    tuple.protocol = v6 ? packet[6] : packet[9];
    if (transport.size() >= 4) {
        tuple.source_port = bytes::read_be16(transport, 0);
        tuple.destination_port = bytes::read_be16(transport, 2);
    }
    return tuple;
}

} // namespace

KernelCourt::KernelCourt(const std::string& router_namespace, const std::vector<Cable>& cables,
                         const std::string& rules) {
    // one processor: what goes out first is judged first, whichever cable it takes
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
    std::istringstream lines(rules);
    std::string chain;
    std::string comment;
    std::uint64_t handle = 0;
    while (lines >> chain >> handle >> comment) {
        m_places[handle] = {chain, comment};
    }
    m_first_mac = cables.front().mac;
    for (const Cable& cable : cables) {
        enter(cable.namespace_path);
        const int far_end = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
        if (far_end < 0) {
            give_up(cable.far_name);
        }
        m_far_ends.push_back(far_end);
        m_far_indexes.push_back(static_cast<int>(if_nametoindex(cable.far_name.c_str())));
    }
    enter(router_namespace);
    m_netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    const int group = NFNLGRP_NFTRACE;
    if (m_netlink < 0 || bind(m_netlink, reinterpret_cast<sockaddr*>(&own), sizeof own) != 0 ||
        setsockopt(m_netlink, SOL_SOCKET, SO_RCVBUFFORCE, &kTraceBuffer, sizeof kTraceBuffer) != 0 ||
        setsockopt(m_netlink, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
        give_up("netlink");
    }
}

std::optional<std::uint64_t> KernelCourt::send(std::size_t cable, std::vector<std::uint8_t>& frame,
                                               std::string& reason) {
    put_number(std::span(frame).subspan(6, 6), m_next);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = m_far_indexes[cable];
    to.sll_halen = 6;
    const auto sent =
        sendto(m_far_ends[cable], frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
    if (sent != static_cast<ssize_t>(frame.size())) {
        reason = std::strerror(errno);
        return std::nullopt;
    }
    return m_next++;
}

/// A frame that any policy denies: protocol 253 is for experiments (RFC 3692).
void KernelCourt::send_sentinel() {
    std::vector<std::uint8_t> frame(14 + 20, 0);
    std::ranges::copy(m_first_mac.bytes, frame.begin());
    m_sentinel = std::max(m_sentinel, kSentinels) + 1; // what is still told of an earlier one does not end the waiting
    put_number(std::span(frame).subspan(6, 6), m_sentinel);
    frame[12] = 0x08;
    const std::array<std::uint8_t, 20> packet{0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0, 0, 11, 9, 9, 9, 11, 9, 9, 8};
    std::ranges::copy(packet, frame.begin() + 14);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = m_far_indexes.front();
    to.sll_halen = 6;
    if (sendto(m_far_ends.front(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) {
        give_up("sentinel");
    }
}

std::unordered_map<std::uint64_t, KernelVerdict> KernelCourt::collect() {
    static std::vector<std::uint8_t> buffer(1 << 20);
    m_sentinel_seen = false;
    send_sentinel();
    while (!m_sentinel_seen) {
        pollfd waiting{m_netlink, POLLIN, 0};
        if (poll(&waiting, 1, kPatience) != 1) {
            give_up("the kernel tells of no packet any more");
        }
        const auto size = recv(m_netlink, buffer.data(), buffer.size(), 0);
        if (size < 0) {
            give_up("the trace was lost");
        }
        read_trace(buffer.data(), static_cast<std::size_t>(size));
    }
    return std::exchange(m_verdicts, {});
}

void KernelCourt::read_trace(const std::uint8_t* data, std::size_t size) {
    Bytes rest(data, size);
    while (rest.size() >= sizeof(nlmsghdr) + sizeof(nfgenmsg)) {
        nlmsghdr header{};
        std::memcpy(&header, rest.data(), sizeof header);
        if (header.nlmsg_len < sizeof header + sizeof(nfgenmsg) || header.nlmsg_len > rest.size()) {
            return;
        }
        const auto attributes = attributes_of(
            rest.subspan(sizeof header + sizeof(nfgenmsg), header.nlmsg_len - sizeof header - sizeof(nfgenmsg)));
        rest = rest.subspan(std::min<std::size_t>(rest.size(), (header.nlmsg_len + 3U) & ~3U));
        const auto get = [&attributes](unsigned type) {
            const auto found = attributes.find(type);
            return found == attributes.end() ? Bytes() : found->second;
        };
        const Bytes identity = get(NFTA_TRACE_ID);
        if (identity.size() < 4) {
            continue;
        }
        const std::uint32_t trace = bytes::read_be32(identity, 0);
        if (const Bytes link = get(NFTA_TRACE_LL_HEADER); link.size() >= 12 && link[6] == 0x02) {
            m_trace = trace;
            m_current = number_in(link.subspan(6, 6));
            m_sentinel_seen = m_sentinel_seen || m_current == m_sentinel;
        }
        if (trace != m_trace || m_current >= kSentinels || text_in(get(NFTA_TRACE_TABLE)) != ruleset::kTable) {
            continue;
        }
        KernelVerdict& verdict = m_verdicts[m_current];
        const std::string chain = text_in(get(NFTA_TRACE_CHAIN));
        const Bytes kind = get(NFTA_TRACE_TYPE);
        const std::uint32_t type = kind.size() >= 4 ? bytes::read_be32(kind, 0) : 0;
        if (chain == "record_forward" && !get(NFTA_TRACE_NETWORK_HEADER).empty()) {
            verdict.left = tuple_in(get(NFTA_TRACE_NETWORK_HEADER), get(NFTA_TRACE_TRANSPORT_HEADER));
        }
        if (chain != "early" && chain != "screen" && chain != "input" && chain != "forward") {
            continue;
        }
        if (type == NFT_TRACETYPE_POLICY) {
            const Bytes policy = get(NFTA_TRACE_POLICY);
            verdict.by_policy = policy.size() >= 4 && bytes::read_be32(policy, 0) == NF_DROP;
            continue;
        }
        const Bytes handle = get(NFTA_TRACE_RULE_HANDLE);
        const auto nested = attributes_of(get(NFTA_TRACE_VERDICT));
        const auto code = nested.find(NFTA_VERDICT_CODE);
        if (type != NFT_TRACETYPE_RULE || handle.size() < 8 || code == nested.end()) {
            continue;
        }
        const auto what = static_cast<std::int32_t>(bytes::read_be32(code->second, 0));
        const std::string rule = m_places[number64(handle)].comment;
        if (what == NF_ACCEPT && chain != "screen" && chain != "early") {
            verdict.rule = rule;
            verdict.verdict = "accepted";
        } else if (what == NFT_GOTO) {
            const auto target = nested.find(NFTA_VERDICT_CHAIN);
            verdict.rule = rule;
            verdict.verdict =
                target != nested.end() && text_in(target->second).starts_with("reject.") ? "rejected" : "denied";
        } else if (what == NF_DROP) {
            verdict.rule = rule;
            verdict.verdict = "denied";
        }
    }
}

void KernelCourt::forget_connections() {
    struct {
        nlmsghdr header;
        nfgenmsg family;
    } request{};

    const int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    std::array<std::uint8_t, 4096> answer{};
    if (::send(netlink, &request, sizeof request, 0) < 0 || recv(netlink, answer.data(), answer.size(), 0) < 0) {
        give_up("connections can't be forgotten");
    }
    close(netlink);
}

} // namespace sekisho::test

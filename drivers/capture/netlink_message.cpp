// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/capture/netlink_message.hpp"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

namespace sekisho::drivers {

namespace {

void append(std::vector<std::uint8_t>& to, const void* from, std::size_t size) {
    const auto* bytes = static_cast<const std::uint8_t*>(from);
    to.insert(to.end(), bytes, bytes + size);
}

} // namespace

void append_attribute(std::vector<std::uint8_t>& to, std::uint16_t type, std::span<const std::uint8_t> value) {
    const nlattr header{.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + value.size()), .nla_type = type};
    append(to, &header, sizeof header);
    append(to, value.data(), value.size());
    to.resize(to.size() + NLA_ALIGN(value.size()) - value.size());
}

NetlinkMessage::NetlinkMessage(std::uint8_t subsystem, std::uint8_t type, std::uint16_t flags, std::uint32_t sequence,
                               std::uint8_t family, std::uint16_t resource) {
    const nlmsghdr header{.nlmsg_len = 0, // bytes() knows
                          .nlmsg_type = static_cast<std::uint16_t>(subsystem << 8 | type),
                          .nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags),
                          .nlmsg_seq = sequence,
                          .nlmsg_pid = 0};
    const nfgenmsg generic{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource)};
    append(m_bytes, &header, sizeof header);
    append(m_bytes, &generic, sizeof generic);
}

void NetlinkMessage::put(std::uint16_t type, std::span<const std::uint8_t> value) {
    append_attribute(m_bytes, type, value);
}

void NetlinkMessage::put_u8(std::uint16_t type, std::uint8_t value) {
    put(type, {&value, 1});
}

void NetlinkMessage::put_u16(std::uint16_t type, std::uint16_t value) {
    const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
    put(type, bytes);
}

void NetlinkMessage::put_u32(std::uint16_t type, std::uint32_t value) {
    const std::uint32_t network_order = htonl(value);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &network_order, bytes.size());
    put(type, bytes);
}

std::size_t NetlinkMessage::begin_nest(std::uint16_t type) {
    const std::size_t nest = m_bytes.size();
    put(static_cast<std::uint16_t>(type | NLA_F_NESTED), {});
    return nest;
}

void NetlinkMessage::end_nest(std::size_t nest) {
    const auto size = static_cast<std::uint16_t>(m_bytes.size() - nest);
    std::memcpy(m_bytes.data() + nest + offsetof(nlattr, nla_len), &size, sizeof size);
}

std::span<const std::uint8_t> NetlinkMessage::bytes() {
    const auto size = static_cast<std::uint32_t>(m_bytes.size());
    std::memcpy(m_bytes.data() + offsetof(nlmsghdr, nlmsg_len), &size, sizeof size);
    return m_bytes;
}

} // namespace sekisho::drivers

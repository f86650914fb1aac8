// SPDX-License-Identifier: GPL-2.0-or-later
// The link layer of a captured frame: where its IP packet begins, and whom the frame was for. Bytes from outside: every
// length is checked. Ethernet (IEEE 802.3 with 802.1Q and 802.1ad tags), and what capture files have besides
// (https://www.tcpdump.org/linktypes.html).
#pragma once

#include "policy/base/address.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sekisho::packet {

enum class LinkType : std::uint8_t {
    ethernet,
    raw,           ///< begins with the IP header, of either family
    null,          ///< four bytes of the capturing machine's address family, in its byte order
    loop,          ///< the same in network order
    linux_cooked,  ///< SLL
    linux_cooked2, ///< SLL2
    nflog,         ///< attributes of the kernel's packet log
};
[[nodiscard]] std::string_view name_of(LinkType type) noexcept;

/// Whom the sender meant on the link, as far as the link layer says.
enum class Addressed : std::uint8_t {
    host, ///< one station, or the link layer does not say
    broadcast,
    multicast,
    other,    ///< another station than the one that captured
    outgoing, ///< sent by the machine that captured
};

struct Frame {
    enum class Content : std::uint8_t {
        ip,      ///< `packet` begins with an IP header
        other,   ///< something else (ARP, EAPOL, LLDP …)
        cut_off, ///< ends inside the link layer
        damaged, ///< the link layer contradicts itself
    };
    Content content = Content::cut_off;
    std::span<const std::uint8_t> packet;  ///< inside the bytes that were read
    std::uint16_t ether_type = 0;          ///< of what the frame carries, behind its tags; 0: not told
    std::uint16_t vlan = 0;                ///< number in the outermost tag; 0: untagged, or tagged for priority alone
    unsigned tags = 0;                     ///< how many
    Addressed addressed = Addressed::host; ///< by the destination address; `host` for every single station
    std::optional<MacAddress> source;      ///< where the link layer has it
    std::optional<MacAddress> destination;
};

[[nodiscard]] Frame read_frame(LinkType type, std::span<const std::uint8_t> bytes) noexcept;

} // namespace sekisho::packet

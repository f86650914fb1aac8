// SPDX-License-Identifier: GPL-2.0-or-later
// Reads a packet of link type DLT_NFLOG (239): the netlink message of the kernel's nfnetlink_log
// (linux/netfilter/nfnetlink_log.h), with the connection that it is part of (linux/netfilter/nfnetlink_conntrack.h).
// Attributes are in the byte order of the machine that recorded them, which is taken to be this one's.
#pragma once

#include "policy/events/record.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace sekisho::events {

struct NflogRecord {
    LogRecord record;                ///< without names of interfaces; its packet points into the bytes that were read
    std::uint32_t ingress_index = 0; ///< 0: none
    std::uint32_t egress_index = 0;
    std::optional<std::uint32_t> sequence; ///< counts the records of a group; there if the reader asked for it
};

/// Nothing where the message is not well-formed: an attribute that is cut off or too short for its kind. Unknown
/// attributes are passed over; of an attribute that is there twice the first counts.
[[nodiscard]] std::optional<NflogRecord> parse_nflog(std::span<const std::uint8_t> message);

} // namespace sekisho::events

// SPDX-License-Identifier: GPL-2.0-or-later
// Asks the kernel's connection table (ctnetlink) for the connection of a logged packet: for kernels that can't put it
// into the log record themselves (built without NETFILTER_NETLINK_GLUE_CT).
#pragma once

#include "policy/base/error.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace sekisho::drivers {

class ConnectionLookup {
public:
    static Result<ConnectionLookup> open();
    ConnectionLookup(ConnectionLookup&& other) noexcept;
    ConnectionLookup& operator=(ConnectionLookup&& other) noexcept;
    ~ConnectionLookup();

    /// The attributes (linux/netfilter/nfnetlink_conntrack.h) of the connection whose answers go the way opposite to
    /// this packet (from its IP header on, after translation). Empty where there is none: the packet was dropped, or
    /// its connection is gone already.
    [[nodiscard]] std::span<const std::uint8_t> attributes_of(std::span<const std::uint8_t> packet);

private:
    explicit ConnectionLookup(int descriptor) : m_descriptor(descriptor), m_buffer(16 * 1024) {}

    int m_descriptor;
    std::uint32_t m_sequence = 0;
    std::vector<std::uint8_t> m_buffer;
};

} // namespace sekisho::drivers

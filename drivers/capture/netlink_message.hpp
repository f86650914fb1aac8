// SPDX-License-Identifier: GPL-2.0-or-later
// Builds the few nfnetlink messages that go beside libpcap: a log group's settings and questions to the connection
// table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sekisho::drivers {

/// A netlink attribute's value, in network order where it is a number.
class NetlinkMessage {
public:
    /// `subsystem` NFNL_SUBSYS_…, `family` AF_…, `resource` the field res_id (a log group).
    NetlinkMessage(std::uint8_t subsystem, std::uint8_t type, std::uint16_t flags, std::uint32_t sequence,
                   std::uint8_t family, std::uint16_t resource);

    void put(std::uint16_t type, std::span<const std::uint8_t> value);
    void put_u8(std::uint16_t type, std::uint8_t value);
    void put_u16(std::uint16_t type, std::uint16_t value);
    void put_u32(std::uint16_t type, std::uint32_t value);
    /// Opens a nest; what is put until end_nest() is inside it.
    [[nodiscard]] std::size_t begin_nest(std::uint16_t type);
    void end_nest(std::size_t nest);

    /// The whole message, its length filled in.
    [[nodiscard]] std::span<const std::uint8_t> bytes();

private:
    std::vector<std::uint8_t> m_bytes;
};

/// Appends one attribute to a message's attributes, padded as netlink wants it.
void append_attribute(std::vector<std::uint8_t>& to, std::uint16_t type, std::span<const std::uint8_t> value);

} // namespace sekisho::drivers

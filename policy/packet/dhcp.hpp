// SPDX-License-Identifier: GPL-2.0-or-later
// What a DHCP client says of itself (RFC 2131, options of RFC 2132 and RFC 4702). Bytes from outside.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace sekisho::packet {

/// The host name that a client gives in a request: option 12, else the name of option 81. `packet` begins with the IPv4
/// header and may be cut short. The name is as it was sent, 1 to 255 bytes without trailing zeros: it may hold
/// anything. Nothing where the packet is no request of a client, or names none. Options that are carried on in the
/// fields of boot file and server name (option 52) are not looked at: clients do not name themselves there.
[[nodiscard]] std::optional<std::string> dhcp_host_name(std::span<const std::uint8_t> packet);

} // namespace sekisho::packet

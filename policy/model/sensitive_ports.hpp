// SPDX-License-Identifier: GPL-2.0-or-later
// Services that break-ins come through: remote administration, file sharing, databases and medical protocols. What
// reaches one of them from the WAN has to name its sources narrowly, whatever port the sender addresses.
#pragma once

#include "policy/model/model.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace sekisho::model {

enum class Transport : std::uint8_t { tcp, udp, tcp_and_udp };

struct SensitivePort {
    PortRange ports;
    Transport transport;
    std::string_view name; ///< for people: "Remote Desktop (RDP)"
};

[[nodiscard]] std::span<const SensitivePort> sensitive_ports() noexcept;

/// The first row that a range of ports touches; nothing where it touches none.
[[nodiscard]] const SensitivePort* find_sensitive(Protocol protocol, PortRange ports) noexcept;

/// As good as any source: more IPv4 addresses than this, or this many global IPv6 addresses (half of 2000::/3) or more.
inline constexpr double kMostSourcesV4 = 0x1p24;
inline constexpr double kAnySourcesV6 = 0x1p124;

/// The most sources that a sensitive port may have: a /16 of IPv4 (an access provider's regional block, for a vendor
/// without fixed addresses) and a /32 of IPv6 (one provider).
inline constexpr double kMostSensitiveSourcesV4 = 0x1p16;
inline constexpr double kMostSensitiveSourcesV6 = 0x1p96;

} // namespace sekisho::model

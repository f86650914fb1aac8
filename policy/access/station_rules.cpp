// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/access/station_rules.hpp"

#include <algorithm>
#include <array>

namespace sekisho::access {

namespace {

/// IANA's block: virtual routers (RFC 9568) and other addresses that a protocol has and no device.
constexpr std::array<std::uint8_t, 3> kProtocols{0x00, 0x00, 0x5e};

} // namespace

std::optional<Cause> why_no_device(const MacAddress& mac, std::span<const MacAddress> own) noexcept {
    const bool is_zero = mac == MacAddress{};
    const bool is_protocols = std::equal(kProtocols.begin(), kProtocols.end(), mac.bytes.begin());
    if (is_zero || is_protocols || mac.is_group()) {
        return Cause::reserved_address;
    }
    return std::ranges::contains(own, mac) ? std::optional(Cause::own_address) : std::nullopt;
}

} // namespace sekisho::access

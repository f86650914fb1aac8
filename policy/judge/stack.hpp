// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel's IP stack itself turns away, before or between the rules' hooks.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sekisho::judge {

enum class StackCause : std::uint8_t {
    none,
    not_ip,        ///< ARP, EAPOL and the like: nothing that rules for packets judge
    other_station, ///< addressed to another station, or tagged for a VLAN that is not there
    header,        ///< cut off, wrong version, wrong length
    checksum,      ///< of the IPv4 header
    options,       ///< IPv4 options or hop-by-hop options that make no sense, source routing
    address,       ///< addresses that nothing on a wire can have
    martian,       ///< a source that is not routed back by the device that it came in through
    no_route,
    group,          ///< a multicast group that the router is no member of
    hop_limit,      ///< it ends here
    link_multicast, ///< to be forwarded, but it came to several stations at once
    fragment,       ///< contradicts other fragments
    no_address,     ///< no address to take for source translation
    untranslatable, ///< too little of it is there to translate its addresses
    clash,          ///< its answers would be another connection's
};
[[nodiscard]] std::string_view name_of(StackCause cause) noexcept;

struct CheckedPacket {
    StackCause cause = StackCause::none;
    std::span<const std::uint8_t> bytes; ///< up to the packet's own end
};

/// The checks that each packet passes where it comes in. `wire_size` is the packet's size before the capture cut it:
/// with fewer bytes than that, what is not there counts as sound.
[[nodiscard]] CheckedPacket check_arrival(std::span<const std::uint8_t> packet, std::size_t wire_size) noexcept;

/// Options of an IPv4 packet, checked when it is routed.
[[nodiscard]] bool has_bad_options(std::span<const std::uint8_t> packet) noexcept;

/// What the packet filter asks of a header at the ingress of a device; it drops what fails.
[[nodiscard]] bool fits_ingress(std::span<const std::uint8_t> packet, std::size_t wire_size) noexcept;

} // namespace sekisho::judge

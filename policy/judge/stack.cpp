// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/stack.hpp"

#include "policy/base/address.hpp"
#include "policy/base/bytes.hpp"
#include "policy/packet/checksum.hpp"

#include <algorithm>
#include <array>

namespace sekisho::judge {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kV4Header = 20;
constexpr std::size_t kV6Header = 40;

[[nodiscard]] CheckedPacket check_v4(Bytes packet, std::size_t wire_size) noexcept {
    if (packet.size() < kV4Header || packet[0] >> 4 != 4 || (packet[0] & 0x0f) < 5) {
        return {StackCause::header, {}};
    }
    const std::size_t header = (packet[0] & 0x0fU) * 4;
    if (header > packet.size()) {
        return {StackCause::header, {}};
    }
    if (!packet::header_sum_holds(packet.first(header))) {
        return {StackCause::checksum, {}};
    }
    const std::size_t total = bytes::read_be16(packet, 2);
    if (total > wire_size || total < header) {
        return {StackCause::header, {}};
    }
    return {StackCause::none, packet.first(std::min(total, packet.size()))};
}

/// Options of a hop-by-hop header (RFC 8200, 4.2), as strictly as the kernel takes them.
[[nodiscard]] bool hop_options_hold(Bytes packet) noexcept {
    if (packet.size() < kV6Header + 8) {
        return false;
    }
    const std::size_t size = (packet[kV6Header + 1] + 1U) * 8;
    if (packet.size() < kV6Header + size) {
        return false;
    }
    constexpr std::size_t kMostPadding = 7;
    constexpr unsigned kMostOptions = 8;
    std::size_t at = kV6Header + 2;
    const std::size_t end = kV6Header + size;
    std::size_t padding = 0;
    unsigned options = 0;
    while (at < end) {
        const std::uint8_t kind = packet[at];
        if (kind == 0) {
            if (++padding > kMostPadding) {
                return false;
            }
            ++at;
            continue;
        }
        if (end - at < 2) {
            return false;
        }
        const std::size_t length = packet[at + 1] + 2U;
        if (length > end - at) {
            return false;
        }
        if (kind == 1) {
            padding += length;
            const Bytes filling = packet.subspan(at + 2, length - 2);
            if (padding > kMostPadding || std::ranges::any_of(filling, [](std::uint8_t each) { return each != 0; })) {
                return false;
            }
        } else {
            if (++options > kMostOptions) {
                return false;
            }
            padding = 0;
            const bool alert = kind == 5;
            if (alert && length != 4) {
                return false;
            }
            if (!alert && kind != 7 && (kind & 0xc0) != 0) { // unknown, and to be discarded where it is; jumbograms too
                return false;
            }
        }
        at += length;
    }
    return true;
}

[[nodiscard]] CheckedPacket check_v6(Bytes packet, std::size_t wire_size) noexcept {
    if (packet.size() < kV6Header || packet[0] >> 4 != 6) {
        return {StackCause::header, {}};
    }
    const IpAddress source = IpAddress::from_bytes(Family::ipv6, packet.subspan(8, 16));
    const IpAddress destination = IpAddress::from_bytes(Family::ipv6, packet.subspan(24, 16));
    const unsigned scope = packet[25] & 0x0fU;
    if (source.is_loopback() || destination.is_loopback() || source.is_multicast() ||
        (destination.is_multicast() && scope <= 1)) {
        return {StackCause::address, {}};
    }
    const std::size_t payload = bytes::read_be16(packet, 4);
    constexpr std::uint8_t kHopByHop = 0;
    if (payload != 0 || packet[6] != kHopByHop) {
        if (payload + kV6Header > wire_size) {
            return {StackCause::header, {}};
        }
        packet = packet.first(std::min(packet.size(), payload + kV6Header));
    }
    if (packet[6] == kHopByHop && !hop_options_hold(packet)) {
        return {StackCause::options, {}};
    }
    return {StackCause::none, packet};
}

// IPv4 options (RFC 791).
constexpr std::uint8_t kEnd = 0;
constexpr std::uint8_t kNothing = 1;
constexpr std::uint8_t kRecord = 7;
constexpr std::uint8_t kStamp = 68;
constexpr std::uint8_t kSecurity = 130;
constexpr std::uint8_t kLooseRoute = 131;
constexpr std::uint8_t kCommercialSecurity = 134;
constexpr std::uint8_t kStream = 136;
constexpr std::uint8_t kStrictRoute = 137;
constexpr std::uint8_t kAlert = 148;

/// Whether the chain of extension headers comes to an end that is there.
[[nodiscard]] bool headers_end(Bytes packet) noexcept {
    constexpr std::uint8_t kFragment = 44;
    constexpr std::uint8_t kAuthentication = 51;
    const auto is_extension = [](std::uint8_t protocol) {
        return protocol == 0 || protocol == 43 || protocol == kFragment || protocol == kAuthentication ||
               protocol == 60;
    };
    std::uint8_t protocol = packet[6];
    std::size_t at = kV6Header;
    while (is_extension(protocol)) {
        if (packet.size() < at + (protocol == kFragment ? 4 : 2)) {
            return false;
        }
        if (protocol == kAuthentication) {
            return true;
        }
        const std::uint8_t next = packet[at];
        if (protocol == kFragment && (bytes::read_be16(packet, at + 2) & 0xfff8) != 0) {
            return !is_extension(next);
        }
        at += protocol == kFragment ? 8 : (packet[at + 1] + 1U) * 8;
        protocol = next;
    }
    return true;
}

[[nodiscard]] bool stamp_holds(Bytes option) noexcept {
    if (option.size() < 4 || option[2] < 5) {
        return false;
    }
    const unsigned kind = option[3] & 0x0fU;
    if (option[2] <= option.size()) {
        const bool with_address = kind == 1 || kind == 3;
        return (kind == 0 || with_address) && option[2] + (with_address ? 7U : 3U) <= option.size();
    }
    return kind == 3 || option[3] >> 4 != 15;
}

[[nodiscard]] bool option_holds(Bytes option) noexcept {
    switch (option[0]) {
    case kStrictRoute: // the router follows no sender's way
    case kLooseRoute:
    case kSecurity:
    case kStream:
    case kCommercialSecurity:
        return false;
    case kRecord:
        return option.size() >= 3 && option[2] >= 4 && (option[2] > option.size() || option[2] + 3U <= option.size());
    case kStamp:
        return stamp_holds(option);
    case kAlert:
        return option.size() >= 4;
    default:
        return false;
    }
}

} // namespace

std::string_view name_of(StackCause cause) noexcept {
    static constexpr std::array<std::string_view, 16> kNames{
        "",         "not-ip", "other-station", "header",         "checksum", "options",    "address",        "martian",
        "no-route", "group",  "hop-limit",     "link-multicast", "fragment", "no-address", "untranslatable", "clash"};
    static_assert(static_cast<std::size_t>(StackCause::clash) + 1 == kNames.size());
    return kNames[static_cast<std::size_t>(cause)];
}

CheckedPacket check_arrival(Bytes packet, std::size_t wire_size) noexcept {
    if (packet.empty()) {
        return {StackCause::header, {}};
    }
    return packet[0] >> 4 == 6 ? check_v6(packet, wire_size) : check_v4(packet, wire_size);
}

bool has_bad_options(Bytes packet) noexcept {
    const std::size_t header = (packet[0] & 0x0fU) * 4;
    Bytes options = packet.subspan(kV4Header, std::min(header, packet.size()) - kV4Header);
    std::array<bool, 256> seen{};
    while (!options.empty() && options[0] != kEnd) {
        if (options[0] == kNothing) {
            options = options.subspan(1);
            continue;
        }
        if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) {
            return true;
        }
        const Bytes option = options.first(options[1]);
        const bool once = option[0] == kRecord || option[0] == kStamp;
        if (!option_holds(option) || (once && seen[option[0]])) {
            return true;
        }
        seen[option[0]] = true;
        options = options.subspan(option.size());
    }
    return false;
}

bool fits_ingress(Bytes packet, std::size_t wire_size) noexcept {
    if (packet.size() >= kV6Header && packet[0] >> 4 == 6) {
        return bytes::read_be16(packet, 4) + kV6Header <= wire_size && headers_end(packet);
    }
    if (packet.size() < kV4Header || packet[0] >> 4 != 4) {
        return false;
    }
    const std::size_t header = (packet[0] & 0x0fU) * 4;
    const std::size_t total = bytes::read_be16(packet, 2);
    return header >= kV4Header && total <= wire_size && total >= header && header <= packet.size();
}

} // namespace sekisho::judge

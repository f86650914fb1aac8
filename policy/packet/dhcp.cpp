// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/packet/dhcp.hpp"

#include "policy/base/bytes.hpp"
#include "policy/packet/packet.hpp"

namespace sekisho::packet {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint8_t kUdp = 17;
constexpr std::size_t kUdpSize = 8;
constexpr std::uint16_t kServerPort = 67;
constexpr std::size_t kFixedSize = 236; ///< of BOOTP
constexpr std::uint8_t kRequest = 1;
constexpr std::uint32_t kCookie = 0x6382'5363;

enum Option : std::uint8_t {
    kPad = 0,
    kHostName = 12,
    kClientName = 81,
    kEnd = 255,
};

/// Flags and two result codes stand before the name; where the flag E is set, the name is in the form of DNS.
constexpr std::size_t kClientNameHeader = 3;
constexpr std::uint8_t kEncodedAsDns = 0x04;

std::optional<std::string> text_of(Bytes value) {
    while (!value.empty() && value.back() == 0) { // some clients count an ending zero
        value = value.first(value.size() - 1);
    }
    return value.empty() ? std::nullopt : std::optional(std::string(value.begin(), value.end()));
}

/// Labels with dots between them; one that is cut off ends the name.
std::string labels_of(Bytes value) {
    std::string name;
    while (!value.empty() && value[0] != 0 && value[0] < value.size()) {
        const Bytes label = value.subspan(1, value[0]);
        name += (name.empty() ? "" : ".");
        name.append(label.begin(), label.end());
        value = value.subspan(1 + label.size());
    }
    return name;
}

std::optional<std::string> client_name_of(Bytes value) {
    if (value.size() <= kClientNameHeader) {
        return std::nullopt;
    }
    const Bytes name = value.subspan(kClientNameHeader);
    if ((value[0] & kEncodedAsDns) == 0) {
        return text_of(name);
    }
    std::string labels = labels_of(name);
    return labels.empty() ? std::nullopt : std::optional(std::move(labels));
}

/// Of options that stand twice, the first counts.
std::optional<std::string> name_in(Bytes options) {
    std::optional<std::string> client_name;
    while (!options.empty() && options[0] != kEnd) {
        if (options[0] == kPad) {
            options = options.subspan(1);
            continue;
        }
        if (options.size() < 2 || options.size() < 2u + options[1]) {
            break;
        }
        const Bytes value = options.subspan(2, options[1]);
        if (options[0] == kHostName) {
            if (auto name = text_of(value)) {
                return name;
            }
        } else if (options[0] == kClientName && !client_name) {
            client_name = client_name_of(value);
        }
        options = options.subspan(2 + value.size());
    }
    return client_name;
}

} // namespace

std::optional<std::string> dhcp_host_name(Bytes packet) {
    const auto headers = read_headers(packet);
    if (!headers || headers->family != Family::ipv4 || headers->protocol != kUdp || !headers->transport_complete ||
        headers->destination_port != kServerPort) {
        return std::nullopt;
    }
    const std::size_t start = (packet[0] & 0x0fu) * 4u + kUdpSize;
    if (packet.size() < start + kFixedSize + 4) {
        return std::nullopt;
    }
    const Bytes message = packet.subspan(start);
    if (message[0] != kRequest || bytes::read_be32(message, kFixedSize) != kCookie) {
        return std::nullopt;
    }
    return name_in(message.subspan(kFixedSize + 4));
}

} // namespace sekisho::packet

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/segment.hpp"

#include "policy/base/bytes.hpp"

#include <algorithm>

namespace sekisho::judge {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kAuthentication = 51;
constexpr std::uint8_t kNoNext = 59;

[[nodiscard]] bool is_extension(std::uint8_t protocol) noexcept {
    return protocol == 0 || protocol == 43 || protocol == kFragment || protocol == kAuthentication ||
           protocol == kNoNext || protocol == 60;
}

[[nodiscard]] std::size_t size_of(std::uint8_t protocol, Bytes header) noexcept {
    return protocol == kFragment ? 8 : protocol == kAuthentication ? (header[1] + 2U) * 4 : (header[1] + 1U) * 8;
}

[[nodiscard]] std::optional<Transport> transport_v4(Bytes bytes, std::size_t begin) noexcept {
    if (bytes.size() < begin + 20 || (bytes::read_be16(bytes, begin + 6) & 0x1fff) != 0) {
        return std::nullopt;
    }
    const std::size_t at = begin + (bytes[begin] & 0x0fU) * 4;
    if (at > bytes.size()) {
        return std::nullopt;
    }
    return Transport{bytes[begin + 9], at};
}

[[nodiscard]] std::optional<Transport> transport_v6(Bytes bytes, std::size_t begin) noexcept {
    if (bytes.size() < begin + 40) {
        return std::nullopt;
    }
    Transport found{bytes[begin + 6], begin + 40};
    while (is_extension(found.protocol)) {
        if (found.protocol == kNoNext || bytes.size() < found.at + 2) {
            return std::nullopt;
        }
        if (found.protocol == kFragment &&
            (bytes.size() < found.at + 4 || (bytes::read_be16(bytes, found.at + 2) & 0xfff8) != 0)) {
            return std::nullopt;
        }
        const std::size_t size = size_of(found.protocol, bytes.subspan(found.at));
        found.protocol = bytes[found.at];
        found.at += size;
    }
    found.at = std::min(found.at, bytes.size()); // the last header may lie about its length
    return found;
}

} // namespace

std::optional<Transport> tracked_transport(Family family, Bytes bytes, std::size_t begin) noexcept {
    return family == Family::ipv4 ? transport_v4(bytes, begin) : transport_v6(bytes, begin);
}

bool has_fragment_header(Bytes bytes) noexcept {
    std::uint8_t protocol = bytes[6];
    std::size_t at = 40;
    while (is_extension(protocol) && protocol != kNoNext && protocol != kFragment && bytes.size() >= at + 2) {
        const std::size_t size = size_of(protocol, bytes.subspan(at));
        protocol = bytes[at];
        at += size;
    }
    return protocol == kFragment;
}

} // namespace sekisho::judge

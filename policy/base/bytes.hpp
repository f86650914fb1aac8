// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers in network order. The caller has checked that they are inside the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sekisho::bytes {

[[nodiscard]] constexpr std::uint16_t read_be16(std::span<const std::uint8_t> from, std::size_t at) noexcept {
    return static_cast<std::uint16_t>(from[at] << 8 | from[at + 1]);
}

[[nodiscard]] constexpr std::uint32_t read_be32(std::span<const std::uint8_t> from, std::size_t at) noexcept {
    return static_cast<std::uint32_t>(read_be16(from, at)) << 16 | read_be16(from, at + 2);
}

} // namespace sekisho::bytes

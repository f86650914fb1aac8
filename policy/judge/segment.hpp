// SPDX-License-Identifier: GPL-2.0-or-later
// A whole packet on its way: its bytes, its headers as rules see them, and where connection tracking looks. The two
// differ with IPv6: rules stop at an authentication header, tracking goes on behind it.
#pragma once

#include "policy/packet/packet.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace sekisho::judge {

struct Segment {
    std::span<const std::uint8_t> bytes; ///< up to the packet's end by its own length, as far as they are there
    std::size_t size = 0;                ///< by its own length: more than `bytes` where the capture cut it
    packet::Headers headers;             ///< addresses and ports as they are now, after translation

    [[nodiscard]] bool is_cut() const noexcept { return bytes.size() < size; }
};

/// Where the transport header is that tracking reads.
struct Transport {
    std::uint8_t protocol = 0;
    std::size_t at = 0; ///< not behind the packet's end
};

/// Of the packet that begins at `begin` in the bytes; nothing where tracking finds none: cut off, a later fragment, no
/// next header.
[[nodiscard]] std::optional<Transport> tracked_transport(Family family, std::span<const std::uint8_t> bytes,
                                                         std::size_t begin = 0) noexcept;

/// An IPv6 packet with a fragment header, even of a datagram in one piece.
[[nodiscard]] bool has_fragment_header(std::span<const std::uint8_t> bytes) noexcept;

} // namespace sekisho::judge

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/address.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <maxminddb.h>

namespace sekisho::drivers::geoip {

/// An address, or the beginning of one, as a number: its first bit is the family's highest.
using AddressBits = unsigned __int128;

/// Where a branch of the search tree ends.
struct Leaf {
    AddressBits first = 0;               ///< its first address
    unsigned length = 0;                 ///< of its prefix, in bits of the family
    std::optional<std::uint32_t> record; ///< offset in the data section; nothing: the database says nothing of it
};

/// The leaves of one family in ascending order, without gaps. Branches of the IPv6 tree that lead to the IPv4 tree
/// (::/96 itself, and its aliases 2002::/16, ::ffff:0:0/96, 64:ff9b::/96 …) are leaves without a record.
class TreeWalk {
public:
    /// `mmdb` must outlive it.
    TreeWalk(const MMDB_s& mmdb, Family family);

    /// False behind the last leaf, and where the tree is damaged.
    bool next(Leaf& leaf);

    [[nodiscard]] bool is_damaged() const noexcept { return m_is_damaged; }

private:
    struct Branch {
        std::uint32_t value = 0; ///< of the record that leads to it
        unsigned depth = 0;
    };

    bool fail() noexcept;

    const MMDB_s* m_mmdb;
    unsigned m_bits;
    std::uint32_t m_end; ///< the node that is the IPv4 tree's, in the tree of IPv6
    std::uint64_t m_visits_left;
    bool m_is_damaged = false;
    AddressBits m_next = 0;            ///< first address of the next leaf: the last one's end
    std::array<Branch, 129> m_waiting; ///< a stack: the root, or the right branch of each level above
    std::size_t m_count = 0;
};

/// The leaf that an address is in; nothing where the tree is damaged on the way.
[[nodiscard]] std::optional<Leaf> find_leaf(const MMDB_s& mmdb, const IpAddress& address);

[[nodiscard]] AddressBits to_bits(const IpAddress& address) noexcept;
[[nodiscard]] IpAddress to_address(Family family, AddressBits bits) noexcept;

} // namespace sekisho::drivers::geoip

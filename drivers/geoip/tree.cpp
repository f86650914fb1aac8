// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/geoip/tree.hpp"

namespace sekisho::drivers::geoip {

namespace {

// A tree has each node once. Writers that share equal subtrees are conceivable; files made to share them at every level
// would take for ever.
constexpr std::uint64_t kMostVisitsPerNode = 4;

constexpr std::uint32_t kSeparator = 16; ///< bytes between tree and data section

/// What leads to a family's tree: a node, or a record where there are no nodes. Nothing in it where the database knows
/// the other family alone.
std::uint32_t root_of(const MMDB_s& mmdb, Family family) {
    const bool has_v6 = mmdb.metadata.ip_version == 6;
    if (family == Family::ipv6) {
        return has_v6 ? 0 : mmdb.metadata.node_count;
    }
    return has_v6 ? mmdb.ipv4_start_node.node_value : 0;
}

/// The node at which branches of a family's tree end because they lead to the IPv4 tree, or none. (Where that tree has
/// no nodes, its start is what the leaf at its place holds.)
std::uint32_t end_of(const MMDB_s& mmdb, Family family) {
    const bool has_place = mmdb.metadata.ip_version == 6 && mmdb.ipv4_start_node.netmask == 96;
    return family == Family::ipv6 && has_place ? mmdb.ipv4_start_node.node_value : UINT32_MAX;
}

/// What a branch ends with; false where its record points to nowhere.
bool read_end(const MMDB_s& mmdb, std::uint32_t value, Leaf& leaf) {
    leaf.record.reset();
    if (value <= mmdb.metadata.node_count) {
        return true;
    }
    const std::uint32_t behind = value - mmdb.metadata.node_count;
    if (behind < kSeparator || behind - kSeparator >= mmdb.data_section_size) {
        return false;
    }
    leaf.record = behind - kSeparator;
    return true;
}

struct Node {
    std::uint32_t left = 0;
    std::uint32_t right = 0;
};

std::uint32_t be24(const std::uint8_t* at) {
    return static_cast<std::uint32_t>(at[0]) << 16 | static_cast<std::uint32_t>(at[1]) << 8 | at[2];
}

std::uint32_t be32(const std::uint8_t* at) {
    return static_cast<std::uint32_t>(at[0]) << 24 | be24(at + 1);
}

/// A node's two records, of a node that is one. As MMDB_read_node does it, without its questions about the whole file:
/// a walk reads millions of nodes.
Node unpack(const std::uint8_t* tree, std::uint32_t node_size, std::uint32_t number) {
    const std::uint8_t* at = tree + std::size_t{number} * node_size;
    switch (node_size) {
    case 6:
        return {be24(at), be24(at + 3)};
    case 7: // the middle byte has the highest four bits of both
        return {be24(at) | (at[3] & 0xf0u) << 20, be24(at + 4) | (at[3] & 0x0fu) << 24};
    default:
        return {be32(at), be32(at + 4)};
    }
}

/// Whether neither record points to nowhere or back to the root. `end` is behind the last value that leads to data.
bool is_sound(const Node& node, std::uint64_t end) {
    return node.left != 0 && node.right != 0 && node.left < end && node.right < end;
}

std::uint64_t end_of_values(const MMDB_s& mmdb) {
    return std::uint64_t{mmdb.metadata.node_count} + mmdb.data_section_size;
}

} // namespace

TreeWalk::TreeWalk(const MMDB_s& mmdb, Family family)
    : m_mmdb(&mmdb),
      m_bits(bits_of(family)),
      m_end(end_of(mmdb, family)),
      m_visits_left(mmdb.metadata.node_count * kMostVisitsPerNode) {
    m_waiting[m_count++] = {root_of(mmdb, family), 0};
}

bool TreeWalk::fail() noexcept {
    m_is_damaged = true;
    m_count = 0;
    return false;
}

bool TreeWalk::next(Leaf& leaf) {
    if (m_count == 0) {
        return false;
    }
    auto [value, depth] = m_waiting[--m_count];
    const std::uint8_t* const tree = m_mmdb->file_content;
    const std::uint32_t node_size = m_mmdb->full_record_byte_size;
    const std::uint32_t nodes = m_mmdb->metadata.node_count;
    const std::uint64_t values = end_of_values(*m_mmdb);
    while (value < nodes && value != m_end) {
        const Node node = unpack(tree, node_size, value);
        if (depth == m_bits || m_visits_left-- == 0 || !is_sound(node, values)) {
            return fail();
        }
        m_waiting[m_count++] = {node.right, ++depth};
        value = node.left;
    }
    leaf.first = m_next;
    leaf.length = depth;
    if (depth > 0) { // behind a leaf of everything there is no next one
        m_next += AddressBits{1} << (m_bits - depth);
    }
    return read_end(*m_mmdb, value, leaf) || fail();
}

std::optional<Leaf> find_leaf(const MMDB_s& mmdb, const IpAddress& address) {
    const Family family = address.family();
    const unsigned bits = bits_of(family);
    const AddressBits target = to_bits(address);
    const std::uint32_t end = end_of(mmdb, family);
    std::uint32_t value = root_of(mmdb, family);
    Leaf leaf;
    while (value < mmdb.metadata.node_count && value != end) {
        const Node node = unpack(mmdb.file_content, mmdb.full_record_byte_size, value);
        if (leaf.length == bits || !is_sound(node, end_of_values(mmdb))) {
            return std::nullopt;
        }
        ++leaf.length;
        const AddressBits bit = AddressBits{1} << (bits - leaf.length);
        value = (target & bit) != 0 ? node.right : node.left;
        leaf.first |= target & bit;
    }
    return read_end(mmdb, value, leaf) ? std::optional(leaf) : std::nullopt;
}

AddressBits to_bits(const IpAddress& address) noexcept {
    AddressBits bits = 0;
    for (const std::uint8_t byte : address.bytes()) {
        bits = bits << 8 | byte;
    }
    return bits;
}

IpAddress to_address(Family family, AddressBits bits) noexcept {
    if (family == Family::ipv4) {
        return IpAddress::v4(static_cast<std::uint32_t>(bits));
    }
    std::array<std::uint8_t, 16> bytes;
    for (std::size_t i = bytes.size(); i-- > 0; bits >>= 8) {
        bytes[i] = static_cast<std::uint8_t>(bits);
    }
    return IpAddress::from_bytes(family, bytes);
}

} // namespace sekisho::drivers::geoip

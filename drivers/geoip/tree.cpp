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

/// A node's two records; nothing where one of them points to nowhere or back to the root.
std::optional<Node> read_node(const MMDB_s& mmdb, std::uint32_t number) {
    MMDB_search_node_s node;
    if (MMDB_read_node(&mmdb, number, &node) != MMDB_SUCCESS || node.left_record_type == MMDB_RECORD_TYPE_INVALID ||
        node.right_record_type == MMDB_RECORD_TYPE_INVALID) {
        return std::nullopt;
    }
    return Node{static_cast<std::uint32_t>(node.left_record), static_cast<std::uint32_t>(node.right_record)};
}

} // namespace

TreeWalk::TreeWalk(const MMDB_s& mmdb, Family family)
    : m_mmdb(&mmdb),
      m_bits(bits_of(family)),
      m_nodes(mmdb.metadata.node_count),
      m_end(end_of(mmdb, family)),
      m_visits_left(mmdb.metadata.node_count * kMostVisitsPerNode) {
    m_waiting[m_count++] = {root_of(mmdb, family), 0, 0};
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
    Branch branch = m_waiting[--m_count];
    while (branch.value < m_nodes && branch.value != m_end) {
        const auto node = read_node(*m_mmdb, branch.value);
        if (branch.depth == m_bits || m_visits_left-- == 0 || !node) {
            return fail();
        }
        ++branch.depth;
        m_waiting[m_count++] = {node->right, branch.depth, branch.first | AddressBits{1} << (m_bits - branch.depth)};
        branch.value = node->left;
    }
    leaf.first = branch.first;
    leaf.length = branch.depth;
    return read_end(*m_mmdb, branch.value, leaf) || fail();
}

std::optional<Leaf> find_leaf(const MMDB_s& mmdb, const IpAddress& address) {
    const Family family = address.family();
    const unsigned bits = bits_of(family);
    const AddressBits target = to_bits(address);
    const std::uint32_t end = end_of(mmdb, family);
    std::uint32_t value = root_of(mmdb, family);
    Leaf leaf;
    while (value < mmdb.metadata.node_count && value != end) {
        const auto node = read_node(mmdb, value);
        if (leaf.length == bits || !node) {
            return std::nullopt;
        }
        ++leaf.length;
        const AddressBits bit = AddressBits{1} << (bits - leaf.length);
        value = (target & bit) != 0 ? node->right : node->left;
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

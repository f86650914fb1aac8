// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/geoip/tree.hpp"

namespace sekisho::drivers::geoip {

namespace {

// A tree has each node once. Writers that share equal subtrees are conceivable; files made to share them at every level
// would take for ever.
constexpr std::uint64_t kMostVisitsPerNode = 4;

constexpr std::uint32_t kSeparator = 16; ///< bytes between tree and data section

struct Root {
    std::uint32_t value = 0;
    bool is_missing = false; ///< the database knows the other family alone
};

Root root_of(const MMDB_s& mmdb, Family family) {
    const bool has_v6 = mmdb.metadata.ip_version == 6;
    if (family == Family::ipv6) {
        return {0, !has_v6};
    }
    return {has_v6 ? mmdb.ipv4_start_node.node_value : 0, false};
}

bool is_node(const MMDB_s& mmdb, std::uint32_t value) {
    return value < mmdb.metadata.node_count;
}

/// Whether a branch of the IPv6 tree leads to the IPv4 tree. Without IPv4 nodes the start is what the first leaf holds.
bool is_v4_tree(const MMDB_s& mmdb, Family family, std::uint32_t value) {
    return family == Family::ipv6 && value == mmdb.ipv4_start_node.node_value && is_node(mmdb, value) &&
           mmdb.ipv4_start_node.netmask == 96;
}

/// False where a record points to nowhere.
bool read_leaf(const MMDB_s& mmdb, std::uint32_t value, Leaf& leaf) {
    leaf.record.reset();
    const std::uint32_t behind = value - mmdb.metadata.node_count;
    if (behind == 0) {
        return true;
    }
    if (behind < kSeparator || behind - kSeparator >= mmdb.data_section_size) {
        return false;
    }
    leaf.record = behind - kSeparator;
    return true;
}

/// False where the node or one of its records is damaged; a record that leads back to the root is.
bool read_node(const MMDB_s& mmdb, std::uint32_t number, MMDB_search_node_s& node) {
    return MMDB_read_node(&mmdb, number, &node) == MMDB_SUCCESS && node.left_record_type != MMDB_RECORD_TYPE_INVALID &&
           node.right_record_type != MMDB_RECORD_TYPE_INVALID;
}

} // namespace

TreeWalk::TreeWalk(const MMDB_s& mmdb, Family family)
    : m_mmdb(&mmdb), m_bits(bits_of(family)), m_visits_left(mmdb.metadata.node_count * kMostVisitsPerNode) {
    const Root root = root_of(mmdb, family);
    m_waiting[m_count++] = {root.is_missing ? mmdb.metadata.node_count : root.value, 0, 0};
}

bool TreeWalk::fail() noexcept {
    m_is_damaged = true;
    m_count = 0;
    return false;
}

bool TreeWalk::next(Leaf& leaf) {
    const Family family = m_bits == 32 ? Family::ipv4 : Family::ipv6;
    while (m_count > 0) {
        const Branch branch = m_waiting[--m_count];
        leaf.first = branch.first;
        leaf.length = branch.depth;
        if (is_v4_tree(*m_mmdb, family, branch.value)) {
            leaf.record.reset();
            return true;
        }
        if (!is_node(*m_mmdb, branch.value)) {
            return read_leaf(*m_mmdb, branch.value, leaf) || fail();
        }
        MMDB_search_node_s node;
        if (branch.depth == m_bits || m_visits_left-- == 0 || !read_node(*m_mmdb, branch.value, node)) {
            return fail();
        }
        const AddressBits bit = AddressBits{1} << (m_bits - 1 - branch.depth);
        m_waiting[m_count++] = {static_cast<std::uint32_t>(node.right_record), branch.depth + 1, branch.first | bit};
        m_waiting[m_count++] = {static_cast<std::uint32_t>(node.left_record), branch.depth + 1, branch.first};
    }
    return false;
}

std::optional<Leaf> find_leaf(const MMDB_s& mmdb, const IpAddress& address) {
    const Family family = address.family();
    const unsigned bits = bits_of(family);
    const AddressBits target = to_bits(address);
    const Root root = root_of(mmdb, family);
    std::uint32_t value = root.is_missing ? mmdb.metadata.node_count : root.value;
    Leaf leaf;
    while (is_node(mmdb, value) && !is_v4_tree(mmdb, family, value)) {
        MMDB_search_node_s node;
        if (leaf.length == bits || !read_node(mmdb, value, node)) {
            return std::nullopt;
        }
        const AddressBits bit = AddressBits{1} << (bits - 1 - leaf.length);
        const bool is_right = (target & bit) != 0;
        value = static_cast<std::uint32_t>(is_right ? node.right_record : node.left_record);
        leaf.first |= target & bit;
        ++leaf.length;
    }
    if (!is_node(mmdb, value) && !read_leaf(mmdb, value, leaf)) {
        return std::nullopt;
    }
    return leaf;
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

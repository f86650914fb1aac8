// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/flow_table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sekisho::judge {

namespace {

[[nodiscard]] std::uint64_t mixed(std::uint64_t value) noexcept {
    // finalizer of a 64-bit avalanche: neighbours in the input are far apart in the output
    value ^= value >> 33;
    value *= 0xff51'afd7'ed55'8ccdULL;
    value ^= value >> 33;
    value *= 0xc4ce'b9fe'1a85'ec53ULL;
    return value ^ value >> 33;
}

[[nodiscard]] std::uint64_t digest_of(const IpAddress& address) noexcept {
    std::array<std::uint64_t, 2> halves{};
    const auto bytes = address.bytes();
    std::memcpy(halves.data(), bytes.data(), bytes.size());
    return mixed(halves[0] ^ mixed(halves[1] + 1));
}

} // namespace

FlowTable::FlowTable(std::size_t capacity)
    : m_capacity(std::max<std::size_t>(capacity, 1)), m_buckets(std::bit_ceil(m_capacity * 2), kNone) {}

FlowTable::Entry& FlowTable::entry_of(Flow& flow) noexcept {
    // a flow of the table is the first member of its entry
    return *reinterpret_cast<Entry*>(&flow);
}

FlowTable::Index FlowTable::index_of(const Entry& entry) const noexcept {
    return static_cast<Index>(&entry - m_entries.data());
}

std::uint32_t FlowTable::bucket_of(const Tuple& tuple) const noexcept {
    const std::uint64_t ports = static_cast<std::uint64_t>(tuple.source_port) << 32 |
                                static_cast<std::uint64_t>(tuple.destination_port) << 8 | tuple.protocol;
    const std::uint64_t hash = mixed(digest_of(tuple.source) + 3 * digest_of(tuple.destination) + mixed(ports));
    return static_cast<std::uint32_t>(hash & (m_buckets.size() - 1));
}

FlowTable::Found FlowTable::find(const Tuple& tuple, Time now) {
    for (Index at = m_buckets[bucket_of(tuple)]; at != kNone;) {
        Entry& entry = m_entries[at / 2];
        const std::size_t way = at % 2;
        if (entry.flow.tuples[way] == tuple) {
            if (entry.flow.expires <= now) {
                forget(entry.flow);
                return {};
            }
            return {&entry.flow, static_cast<Way>(way)};
        }
        at = entry.next[way];
    }
    return {};
}

bool FlowTable::is_taken(const Tuple& tuple, Time now) {
    return find(tuple, now).flow != nullptr;
}

Flow& FlowTable::add(const Flow& flow) {
    if (m_size == m_capacity) {
        ++m_evicted;
        forget(m_entries[m_oldest].flow);
    }
    if (m_free.empty()) {
        m_entries.emplace_back();
        m_free.push_back(static_cast<Index>(m_entries.size() - 1));
    }
    Entry& entry = m_entries[m_free.back()];
    m_free.pop_back();
    entry.flow = flow;
    entry.flow.confirmed = true;
    link(entry, Way::original);
    link(entry, Way::reply);
    enqueue(entry);
    ++m_size;
    return entry.flow;
}

void FlowTable::touch(Flow& flow) {
    Entry& entry = entry_of(flow);
    dequeue(entry);
    enqueue(entry);
}

void FlowTable::forget(Flow& flow) {
    Entry& entry = entry_of(flow);
    unlink(entry, Way::original);
    unlink(entry, Way::reply);
    dequeue(entry);
    m_free.push_back(index_of(entry));
    --m_size;
}

void FlowTable::clear() {
    m_entries.clear();
    m_free.clear();
    std::ranges::fill(m_buckets, kNone);
    m_newest = m_oldest = kNone;
    m_size = 0;
}

void FlowTable::link(Entry& entry, Way way) {
    const auto which = static_cast<std::size_t>(way);
    entry.bucket[which] = bucket_of(entry.flow.tuples[which]);
    Index& head = m_buckets[entry.bucket[which]];
    entry.next[which] = head;
    head = index_of(entry) * 2 + static_cast<Index>(which);
}

void FlowTable::unlink(Entry& entry, Way way) {
    const auto which = static_cast<std::size_t>(way);
    const Index self = index_of(entry) * 2 + static_cast<Index>(which);
    Index* link = &m_buckets[entry.bucket[which]];
    while (*link != self) {
        link = &m_entries[*link / 2].next[*link % 2];
    }
    *link = entry.next[which];
}

void FlowTable::enqueue(Entry& entry) {
    const Index self = index_of(entry);
    entry.older = m_newest;
    entry.newer = kNone;
    (m_newest == kNone ? m_oldest : m_entries[m_newest].newer) = self;
    m_newest = self;
}

void FlowTable::dequeue(Entry& entry) {
    (entry.older == kNone ? m_oldest : m_entries[entry.older].newer) = entry.newer;
    (entry.newer == kNone ? m_newest : m_entries[entry.newer].older) = entry.older;
}

} // namespace sekisho::judge

// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/batches.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <memory>
#include <span>
#include <vector>

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

namespace sekisho::bench {

namespace {

constexpr std::size_t kRangesPerMessage = 500;
constexpr std::size_t kRangesPerBatch = 6'000;
constexpr std::size_t kLongestMessage = 96 * 1024;
constexpr const char* kTable = "ready";
constexpr std::uint32_t kTypeV4 = 7; ///< nft's own numbers of data types
constexpr std::uint32_t kTypeV6 = 8;

using Bytes = std::vector<char>;
using OwnedSet = std::unique_ptr<nftnl_set, decltype(&nftnl_set_free)>;

class Batch {
public:
    Batch() {
        m_bytes.resize(kLongestMessage);
        end(nftnl_batch_begin(m_bytes.data(), 0), 0);
    }

    template <typename Write>
    void add(std::uint16_t type, std::uint16_t flags, Write write) {
        const std::size_t at = m_bytes.size();
        m_bytes.resize(at + kLongestMessage);
        nlmsghdr* message = nftnl_nlmsg_build_hdr(m_bytes.data() + at, type, NFPROTO_INET, flags, 1);
        write(message);
        end(message, at);
        m_last = at;
    }

    /// Only the last message is acknowledged: the leanest exchange that there is.
    const Bytes& finish() {
        reinterpret_cast<nlmsghdr*>(m_bytes.data() + m_last)->nlmsg_flags |= NLM_F_ACK;
        const std::size_t at = m_bytes.size();
        m_bytes.resize(at + kLongestMessage);
        end(nftnl_batch_end(m_bytes.data() + at, 0), at);
        return m_bytes;
    }

private:
    void end(const nlmsghdr* message, std::size_t at) { m_bytes.resize(at + MNL_ALIGN(message->nlmsg_len)); }

    Bytes m_bytes;
    std::size_t m_last = 0;
};

OwnedSet named(const ruleset::Set& set) {
    OwnedSet made(nftnl_set_alloc(), nftnl_set_free);
    nftnl_set_set_str(made.get(), NFTNL_SET_TABLE, kTable);
    nftnl_set_set_str(made.get(), NFTNL_SET_NAME, set.name.c_str());
    return made;
}

void declare(Batch& batch, const ruleset::Set& set, std::uint32_t id) {
    const OwnedSet made = named(set);
    const bool v4 = set.family == Family::ipv4;
    nftnl_set_set_u32(made.get(), NFTNL_SET_FAMILY, NFPROTO_INET);
    nftnl_set_set_u32(made.get(), NFTNL_SET_ID, id);
    nftnl_set_set_u32(made.get(), NFTNL_SET_FLAGS, NFT_SET_INTERVAL);
    nftnl_set_set_u32(made.get(), NFTNL_SET_KEY_TYPE, v4 ? kTypeV4 : kTypeV6);
    nftnl_set_set_u32(made.get(), NFTNL_SET_KEY_LEN, bits_of(set.family) / 8);
    batch.add(NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL,
              [&](nlmsghdr* message) { nftnl_set_nlmsg_build_payload(message, made.get()); });
}

void put(nftnl_set* set, const IpAddress& address, std::uint32_t flags) {
    nftnl_set_elem* element = nftnl_set_elem_alloc();
    const auto bytes = address.bytes();
    nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    if (flags != 0) {
        nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_FLAGS, flags);
    }
    nftnl_set_elem_add(set, element);
}

void fill(Batch& batch, const ruleset::Set& set, std::span<const IpRange> ranges) {
    const OwnedSet made = named(set);
    for (const IpRange& range : ranges) {
        put(made.get(), range.first, 0);
        if (IpAddress behind = range.last; behind.increment()) {
            put(made.get(), behind, NFT_SET_ELEM_INTERVAL_END);
        }
    }
    batch.add(NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL,
              [&](nlmsghdr* message) { nftnl_set_elems_nlmsg_build_payload(message, made.get()); });
}

std::vector<IpRange> ranges_of(const ruleset::Set& set) {
    if (set.ranges) {
        return *set.ranges;
    }
    std::vector<IpRange> ranges;
    std::ranges::transform(set.elements, std::back_inserter(ranges), &address::TimedRange::range);
    return ranges;
}

void write(std::ofstream& file, Batch& batch) {
    const Bytes& bytes = batch.finish();
    const auto size = static_cast<std::uint32_t>(bytes.size());
    file.write(reinterpret_cast<const char*>(&size), sizeof size);
    file.write(bytes.data(), size);
}

} // namespace

Result<void> write_batches(const ruleset::Ruleset& ruleset, const std::string& path) {
    std::ofstream file(path, std::ios::binary);
    Batch first;
    const std::unique_ptr<nftnl_table, decltype(&nftnl_table_free)> table(nftnl_table_alloc(), nftnl_table_free);
    nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, kTable);
    first.add(NFT_MSG_NEWTABLE, NLM_F_CREATE,
              [&](nlmsghdr* message) { nftnl_table_nlmsg_build_payload(message, table.get()); });
    std::uint32_t id = 0;
    for (const ruleset::Set& set : ruleset.sets) {
        declare(first, set, ++id);
    }
    write(file, first);
    for (const ruleset::Set& set : ruleset.sets) {
        const std::vector<IpRange> ranges = ranges_of(set);
        for (std::size_t begin = 0; begin < ranges.size(); begin += kRangesPerBatch) {
            Batch batch;
            const std::size_t end = std::min(begin + kRangesPerBatch, ranges.size());
            for (std::size_t at = begin; at < end; at += kRangesPerMessage) {
                fill(batch, set, std::span(ranges).subspan(at, std::min(kRangesPerMessage, end - at)));
            }
            write(file, batch);
        }
    }
    file.flush();
    if (!file) {
        return std::unexpected(Error::from_errno(Domain::storage, path, "write", errno));
    }
    return {};
}

} // namespace sekisho::bench

// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/set_loader.hpp"

#include "drivers/netfilter/nft_record.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/renderer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>

namespace sekisho::drivers {

namespace {

/// Ranges of one message: the nest that holds its elements must stay under 64 KiB (two elements of at most 52 bytes
/// each).
constexpr std::size_t kRangesPerMessage = 500;
/// Ranges looked up after a load.
constexpr std::size_t kVerifiedRanges = 1'000;
/// Ranges of a large set looked up at each comparison.
constexpr std::size_t kComparedRanges = 50;
/// Ranges of one request: each element found is a message in the socket's receive buffer.
constexpr std::size_t kRangesPerLookup = 100;

struct FreeSet {
    void operator()(nftnl_set* set) const noexcept { nftnl_set_free(set); }
};

/// A range as the kernel gets it.
struct LoadedRange {
    IpAddress first;
    std::optional<IpAddress> behind_last; ///< nothing at the end of the address space
    std::uint64_t timeout_ms = 0;         ///< 0: never ends
};

const IpRange& range_of(const ruleset::Set& set, std::size_t index) {
    return set.ranges ? (*set.ranges)[index] : set.elements[index].range;
}

std::optional<LoadedRange> to_loaded(const ruleset::Set& set, std::size_t index, Time now) {
    const IpRange& range = range_of(set, index);
    LoadedRange loaded{.first = range.first, .behind_last = range.last, .timeout_ms = 0};
    if (const auto expires = set.ranges ? std::nullopt : set.elements[index].expires) {
        // rounded down: closed a moment early rather than late
        const std::int64_t left = (expires->microseconds - now.microseconds) / 1000;
        if (*expires <= now || left < kShortestTimeoutMilliseconds) {
            return std::nullopt;
        }
        loaded.timeout_ms = static_cast<std::uint64_t>(std::min(left, kLongestTimeoutMilliseconds));
    }
    if (!loaded.behind_last->increment()) {
        loaded.behind_last.reset();
    }
    return loaded;
}

/// Ranges of the set from `begin` on, at most `most` of them, as the kernel gets them.
std::vector<LoadedRange> to_loaded(const ruleset::Set& set, std::size_t begin, std::size_t most, Time now) {
    std::vector<LoadedRange> loaded;
    const std::size_t end = begin + std::min(most, set.size() - begin);
    loaded.reserve(end - begin);
    for (std::size_t index = begin; index < end; ++index) {
        if (const auto one = to_loaded(set, index, now)) {
            loaded.push_back(*one);
        }
    }
    return loaded;
}

/// Writes the attributes of an element message one element at a time, so that no list of elements is ever in memory.
class ElementWriter {
public:
    ElementWriter(nlmsghdr* message, const std::string& set) : m_message(message) {
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, std::string(ruleset::kTable).c_str());
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set.c_str());
        m_nest = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
    }

    void start(const IpAddress& address, std::uint64_t timeout_ms) { write(address, 0, timeout_ms); }

    void end(const IpAddress& address) { write(address, NFT_SET_ELEM_INTERVAL_END, 0); }

    void finish() { mnl_attr_nest_end(m_message, m_nest); }

private:
    /// As nftnl_set_elem_nlmsg_build does it, without an object per element: there are tens of thousands.
    void write(const IpAddress& address, std::uint32_t flags, std::uint64_t timeout_ms) {
        nlattr* const element = mnl_attr_nest_start(m_message, ++m_number);
        if (flags != 0) {
            mnl_attr_put_u32(m_message, NFTA_SET_ELEM_FLAGS, htonl(flags));
        }
        if (timeout_ms != 0) {
            mnl_attr_put_u64(m_message, NFTA_SET_ELEM_TIMEOUT, htobe64(timeout_ms));
        }
        nlattr* const key = mnl_attr_nest_start(m_message, NFTA_SET_ELEM_KEY);
        const auto bytes = address.bytes();
        mnl_attr_put(m_message, NFTA_DATA_VALUE, bytes.size(), bytes.data());
        mnl_attr_nest_end(m_message, key);
        mnl_attr_nest_end(m_message, element);
    }

    nlmsghdr* m_message;
    nlattr* m_nest = nullptr;
    std::uint16_t m_number = 0;
};

void write_ranges(nlmsghdr* message, const std::string& set, std::span<const LoadedRange> ranges) {
    ElementWriter writer(message, set);
    for (const LoadedRange& range : ranges) {
        writer.start(range.first, range.timeout_ms);
        if (range.behind_last) {
            writer.end(*range.behind_last);
        }
    }
    writer.finish();
}

std::string place_of(const ruleset::Set& set) {
    return text::concat("set ", set.name);
}

/// One element that a look-up or a list found.
struct Found {
    IpAddress key;
    bool is_end = false;
    friend auto operator<=>(const Found&, const Found&) = default;
};

void collect_found(const nlmsghdr* reply, Family family, std::vector<Found>& found) {
    const std::unique_ptr<nftnl_set, FreeSet> set(nftnl_set_alloc());
    if (nftnl_set_elems_nlmsg_parse(reply, set.get()) != 0) {
        return;
    }
    nftnl_set_elems_iter* elements = nftnl_set_elems_iter_create(set.get());
    for (nftnl_set_elem* element = nftnl_set_elems_iter_next(elements); element != nullptr;
         element = nftnl_set_elems_iter_next(elements)) {
        std::uint32_t size = 0;
        const auto* key = static_cast<const std::uint8_t*>(nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &size));
        if (key != nullptr && size == bits_of(family) / 8) {
            const std::uint32_t flags = nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_FLAGS)
                                            ? nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_FLAGS)
                                            : 0;
            found.push_back({.key = IpAddress::from_bytes(family, {key, size}),
                             .is_end = (flags & NFT_SET_ELEM_INTERVAL_END) != 0});
        }
    }
    nftnl_set_elems_iter_destroy(elements);
}

/// A range to look up: the element that covers its first address, the one that covers its last, and with
/// `expect_end` the end behind it.
struct Lookup {
    IpRange range;
    std::optional<IpAddress> expect_end;
};

Result<void> look_up(Netlink& netlink, const ruleset::Set& set, std::span<const Lookup> lookups) {
    std::vector<Found> found;
    TRY(netlink.request(
        NFT_MSG_GETSETELEM, RequestKind::look_up, place_of(set),
        [&](nlmsghdr* message) {
            ElementWriter writer(message, set.name);
            for (const Lookup& lookup : lookups) {
                writer.start(lookup.range.first, 0);
                writer.start(lookup.range.last, 0);
                if (lookup.expect_end) {
                    writer.end(*lookup.expect_end);
                }
            }
            writer.finish();
        },
        [&](const nlmsghdr* reply) { collect_found(reply, set.family, found); }, [&] { found.clear(); }));
    std::vector<Found> expected;
    for (const Lookup& lookup : lookups) {
        expected.insert(expected.end(), 2, {.key = lookup.range.first, .is_end = false});
        if (lookup.expect_end) {
            expected.push_back({.key = *lookup.expect_end, .is_end = true});
        }
    }
    if (found != expected) {
        return std::unexpected(
            Error(Domain::kernel, place_of(set),
                  text::concat("the kernel does not hold ", lookups.front().range.text(), " as it was sent")));
    }
    return {};
}

/// Many in one request; where that fails, one by one, so that the error names the range.
Result<void> verify(Netlink& netlink, const ruleset::Set& set, std::span<const Lookup> lookups) {
    if (look_up(netlink, set, lookups)) {
        return {};
    }
    for (std::size_t index = 0; index < lookups.size(); ++index) {
        TRY(look_up(netlink, set, lookups.subspan(index, 1)));
    }
    return {};
}

/// The end element to look for behind a range: none at the end of the address space, and none where the next range
/// begins right there, because then the kernel's look-up passes over it (nft's own `get element` fails on such a
/// range).
std::optional<IpAddress> end_to_verify(const ruleset::Set& set, std::size_t index, Time now) {
    const auto loaded = to_loaded(set, index, now);
    if (!loaded || !loaded->behind_last) {
        return std::nullopt;
    }
    const bool is_last = index + 1 == set.size();
    const bool next_is_adjacent = !is_last && range_of(set, index + 1).first == *loaded->behind_last &&
                                  to_loaded(set, index + 1, now).has_value();
    return next_is_adjacent ? std::nullopt : loaded->behind_last;
}

/// All positions of a small set, else as many at random, ascending: what an error in our own arithmetic leaves out is
/// nothing that repeats.
std::vector<std::size_t> positions_to_verify(std::size_t size, std::size_t most) {
    std::vector<std::size_t> positions(std::min(size, most));
    std::iota(positions.begin(), positions.end(), std::size_t{0});
    if (size > most) {
        std::random_device random;
        std::uniform_int_distribution<std::size_t> any(0, size - 1);
        std::ranges::generate(positions, [&] { return any(random); });
        std::ranges::sort(positions);
        positions.erase(std::ranges::unique(positions).begin(), positions.end());
    }
    return positions;
}

// ---- comparison

Result<std::vector<Found>> list_elements(Netlink& netlink, const ruleset::Set& set) {
    std::vector<Found> found;
    TRY(netlink.request(
        NFT_MSG_GETSETELEM, RequestKind::dump, place_of(set),
        [&](nlmsghdr* message) {
            mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, std::string(ruleset::kTable).c_str());
            mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set.name.c_str());
        },
        [&](const nlmsghdr* reply) { collect_found(reply, set.family, found); }, [&] { found.clear(); }));
    std::ranges::sort(found);
    return found;
}

/// The first of some elements that others lack, both sorted.
std::optional<IpAddress> first_beyond(const std::vector<Found>& some, const std::vector<Found>& others) {
    for (const Found& each : some) {
        if (!std::ranges::binary_search(others, each)) {
            return each.key;
        }
    }
    return std::nullopt;
}

/// What must be in the kernel, and what may be: a range that runs out about now is the kernel's to take away.
struct Wanted {
    std::vector<Found> certain;
    std::vector<Found> possible;
    std::size_t ranges = 0; ///< certain ones
};

Wanted wanted_elements(const ruleset::Set& set, Time later) {
    Wanted wanted;
    for (std::size_t index = 0; index < set.size(); ++index) {
        const IpRange& range = range_of(set, index);
        std::vector<Found> elements{{.key = range.first, .is_end = false}};
        if (IpAddress behind = range.last; behind.increment()) {
            elements.push_back({.key = behind, .is_end = true});
        }
        std::ranges::copy(elements, std::back_inserter(wanted.possible));
        if (to_loaded(set, index, later)) {
            std::ranges::copy(elements, std::back_inserter(wanted.certain));
            ++wanted.ranges;
        }
    }
    std::ranges::sort(wanted.certain);
    std::ranges::sort(wanted.possible);
    return wanted;
}

Result<std::string> difference_of_small(Netlink& netlink, const ruleset::Set& set, const Wanted& wanted) {
    auto listed = list_elements(netlink, set);
    if (!listed && listed.error().number() == ENOENT) {
        return std::string("; the set is not there");
    }
    const std::vector<Found> found = TRY(std::move(listed));
    if (const auto missing = first_beyond(wanted.certain, found)) {
        return text::concat("; missing is ", missing->text());
    }
    if (const auto foreign = first_beyond(found, wanted.possible)) {
        return text::concat("; foreign is ", foreign->text());
    }
    return std::string();
}

/// Whether something in the set covers the address.
Result<bool> is_covered(Netlink& netlink, const ruleset::Set& set, const IpAddress& address) {
    std::vector<Found> found;
    auto asked = netlink.request(
        NFT_MSG_GETSETELEM, RequestKind::look_up, place_of(set),
        [&](nlmsghdr* message) {
            ElementWriter writer(message, set.name);
            writer.start(address, 0);
            writer.finish();
        },
        [&](const nlmsghdr* reply) { collect_found(reply, set.family, found); }, [&] { found.clear(); });
    if (!asked && asked.error().number() != ENOENT) {
        return std::unexpected(std::move(asked).error());
    }
    return !found.empty();
}

Result<std::string> difference_of_large(Netlink& netlink, const ruleset::Set& set, Time later) {
    for (const std::size_t index : positions_to_verify(set.size(), kComparedRanges)) {
        if (!to_loaded(set, index, later)) {
            continue;
        }
        const IpRange& range = range_of(set, index);
        const Lookup lookup{.range = range, .expect_end = {}};
        if (auto found = look_up(netlink, set, {&lookup, 1}); !found) {
            if (found.error().number() != 0 && found.error().number() != ENOENT) {
                return std::unexpected(std::move(found).error());
            }
            return text::concat("; missing is ", range.text());
        }
        IpAddress behind = range.last;
        const bool is_gap = behind.increment() && (index + 1 == set.size() || range_of(set, index + 1).first != behind);
        if (is_gap && TRY(is_covered(netlink, set, behind))) {
            return text::concat("; foreign is ", behind.text());
        }
    }
    return std::string();
}

} // namespace

Result<std::size_t> fill_set(Netlink& netlink, const ruleset::Set& set, Time now) {
    std::size_t sent = 0;
    for (std::size_t begin = 0; begin < set.size(); begin += kRangesPerTransaction) {
        const std::vector<LoadedRange> ranges = to_loaded(set, begin, kRangesPerTransaction, now);
        NetlinkBatch batch;
        for (std::span<const LoadedRange> unsent = ranges; !unsent.empty();) {
            const auto part = unsent.first(std::min(unsent.size(), kRangesPerMessage));
            unsent = unsent.subspan(part.size());
            batch.add(NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, place_of(set),
                      [&](nlmsghdr* message) { write_ranges(message, set.name, part); });
        }
        TRY(netlink.commit(std::move(batch)));
        sent += ranges.size();
    }
    return sent;
}

Result<void> verify_set(Netlink& netlink, const ruleset::Set& set, Time now) {
    // A second of grace: a range that runs out while it is being looked up is no failure.
    const Time later{now.microseconds + 1'000'000};
    std::vector<Lookup> lookups;
    for (const std::size_t index : positions_to_verify(set.size(), kVerifiedRanges)) {
        if (to_loaded(set, index, later)) {
            lookups.push_back({.range = range_of(set, index), .expect_end = end_to_verify(set, index, now)});
        }
    }
    for (std::span<const Lookup> rest = lookups; !rest.empty();) {
        const auto part = rest.first(std::min(rest.size(), kRangesPerLookup));
        rest = rest.subspan(part.size());
        TRY(verify(netlink, set, part));
    }
    return {};
}

Result<ports::Comparison> compare_set(Netlink& netlink, const ruleset::Set& set, Time now) {
    const Time later{now.microseconds + 1'000'000}; // see verify_set()
    std::string expected;
    std::string difference;
    if (set.size() <= kVerifiedRanges) {
        const Wanted wanted = wanted_elements(set, later);
        expected = text::concat(text::to_text(wanted.ranges), " ranges");
        difference = TRY(difference_of_small(netlink, set, wanted));
    } else {
        expected = text::concat(text::to_text(set.size()), " ranges, some looked up");
        difference = TRY(difference_of_large(netlink, set, later));
    }
    return ports::Comparison{item_of_set(text::concat("inet ", ruleset::kTable), set.name), expected,
                             expected + difference};
}

} // namespace sekisho::drivers

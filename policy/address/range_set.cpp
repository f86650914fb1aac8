// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/address/range_set.hpp"

#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <queue>
#include <utility>

namespace sekisho::address {

namespace {

/// The address behind one; nothing at the end of the family's space.
[[nodiscard]] std::optional<IpAddress> after(IpAddress address) noexcept {
    return address.increment() ? std::optional(address) : std::nullopt;
}

/// The address before one that is not the first of its family.
[[nodiscard]] IpAddress before(IpAddress address) noexcept {
    address.decrement();
    return address;
}

/// Whether a range that begins at or behind `range.first` overlaps it or follows without a gap.
[[nodiscard]] bool reaches(const IpRange& range, const IpAddress& next) noexcept {
    return range.family() == next.family() && (next <= range.last || after(range.last) == next);
}

struct Halves {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
};

[[nodiscard]] Halves halves_of(const IpAddress& address) noexcept {
    Halves halves;
    for (const std::uint8_t byte : address.bytes()) {
        halves.high = halves.high << 8 | halves.low >> 56;
        halves.low = halves.low << 8 | byte;
    }
    return halves;
}

[[nodiscard]] double size_of(const IpRange& range) noexcept {
    const Halves first = halves_of(range.first);
    const Halves last = halves_of(range.last);
    const std::uint64_t low = last.low - first.low;
    const std::uint64_t high = last.high - first.high - (last.low < first.low ? 1 : 0);
    return static_cast<double>(high) * 0x1p64 + static_cast<double>(low) + 1.0;
}

/// Later expiry is less: the top of a queue holds longest. No expiry is the latest of all.
struct HoldsLonger {
    [[nodiscard]] bool operator()(const TimedRange* left, const TimedRange* right) const noexcept {
        return left->expires && (!right->expires || *left->expires < *right->expires);
    }
};

void append(std::vector<TimedRange>& result, const TimedRange& piece) {
    if (!result.empty() && result.back().expires == piece.expires && reaches(result.back().range, piece.range.first)) {
        result.back().range.last = piece.range.last;
    } else {
        result.push_back(piece);
    }
}

} // namespace

std::vector<IpRange> merge(std::vector<IpRange> ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::size_t kept = 0;
    for (const IpRange& range : ranges) {
        if (kept > 0 && reaches(ranges[kept - 1], range.first)) {
            ranges[kept - 1].last = std::max(ranges[kept - 1].last, range.last);
        } else {
            ranges[kept++] = range;
        }
    }
    ranges.resize(kept);
    return ranges;
}

std::vector<IpRange> subtract(std::span<const IpRange> left, std::span<const IpRange> right) {
    std::vector<IpRange> result;
    auto hole = right.begin();
    for (const IpRange& range : left) {
        std::optional<IpAddress> begin = range.first;
        while (hole != right.end() && hole->last < range.first) {
            ++hole;
        }
        // a hole may reach into the next range too, so the outer position stays at it
        for (auto cut = hole; begin && cut != right.end() && cut->first <= range.last; ++cut) {
            if (*begin < cut->first) {
                result.push_back({*begin, before(cut->first)});
            }
            begin = cut->last < range.last ? after(cut->last) : std::nullopt;
            hole = cut;
        }
        if (begin) {
            result.push_back({*begin, range.last});
        }
    }
    return result;
}

bool contains(std::span<const IpRange> merged, const IpAddress& address) noexcept {
    const auto behind =
        std::upper_bound(merged.begin(), merged.end(), address,
                         [](const IpAddress& wanted, const IpRange& range) { return wanted < range.first; });
    return behind != merged.begin() && std::prev(behind)->contains(address);
}

std::vector<IpPrefix> to_prefixes(const IpRange& range) {
    std::vector<IpPrefix> result;
    std::optional<IpAddress> begin = range.first;
    while (begin && *begin <= range.last) {
        // the widest prefix that begins here and doesn't pass the end
        unsigned length = bits_of(range.family());
        while (length > 0) {
            const IpPrefix wider(*begin, length - 1);
            if (wider.first() != *begin || wider.last() > range.last) {
                break;
            }
            --length;
        }
        result.emplace_back(*begin, length);
        begin = after(result.back().last());
    }
    return result;
}

double count(std::span<const IpRange> merged, Family family) noexcept {
    double sum = 0;
    for (const IpRange& range : merged) {
        if (range.family() == family) {
            sum += size_of(range);
        }
    }
    return sum;
}

std::vector<TimedRange> merge_timed(std::vector<TimedRange> ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::vector<TimedRange> result;
    // the ranges that begin at or before `begin`, and some that have ended, which go once they come to the top
    std::priority_queue<const TimedRange*, std::vector<const TimedRange*>, HoldsLonger> open;
    std::size_t next = 0;
    std::optional<IpAddress> begin;
    while (true) {
        while (begin && !open.empty() && open.top()->range.last < *begin) {
            open.pop();
        }
        if (!begin || open.empty()) { // the end of the space, or a gap
            open = {};
            if (next == ranges.size()) {
                return result;
            }
            begin = ranges[next].range.first;
        }
        while (next < ranges.size() && ranges[next].range.first <= *begin) {
            open.push(&ranges[next++]);
        }
        while (open.top()->range.last <
               *begin) { // never empties it: the range of the last step or a new one covers `begin`
            open.pop();
        }
        const TimedRange& longest = *open.top();
        TimedRange piece{{*begin, longest.range.last}, longest.expires};
        if (next < ranges.size() && ranges[next].range.first <= piece.range.last) {
            piece.range.last = before(ranges[next].range.first);
        }
        append(result, piece);
        begin = after(piece.range.last);
    }
}

std::string content_hash(std::span<const TimedRange> ranges) {
    std::vector<TimedRange> sorted(ranges.begin(), ranges.end());
    std::sort(sorted.begin(), sorted.end());
    Sha256 hash;
    for (const TimedRange& entry : sorted) {
        hash.update(name_of(entry.range.family()));
        hash.update(entry.range.first.bytes());
        hash.update(entry.range.last.bytes());
        hash.update(entry.expires ? text::concat(" until ", text::to_text_signed(entry.expires->microseconds), ";")
                                  : std::string(" always;"));
    }
    const std::array<std::uint8_t, 32> digest = hash.finish();
    std::string digits;
    for (const std::uint8_t byte : std::span(digest).first(6)) {
        digits += text::to_hex(byte, 2);
    }
    return digits;
}

} // namespace sekisho::address

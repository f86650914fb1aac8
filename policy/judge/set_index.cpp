// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/set_index.hpp"

#include "policy/base/bytes.hpp"

#include <algorithm>
#include <limits>

namespace sekisho::judge {

namespace {

[[nodiscard]] std::array<std::uint64_t, 2> wide(const IpAddress& address) noexcept {
    const auto bytes = address.bytes();
    const auto half = [&bytes](std::size_t at) {
        return static_cast<std::uint64_t>(bytes::read_be32(bytes, at)) << 32 | bytes::read_be32(bytes, at + 4);
    };
    return {half(0), half(8)};
}

/// The range that begins last at or before `value`; npos where there is none, or it ends before it.
template <typename Number>
[[nodiscard]] std::size_t find(const std::vector<Number>& firsts, const std::vector<Number>& lasts,
                               const Number& value) noexcept {
    const auto behind = std::ranges::upper_bound(firsts, value);
    if (behind == firsts.begin()) {
        return std::numeric_limits<std::size_t>::max();
    }
    const auto at = static_cast<std::size_t>(behind - firsts.begin()) - 1;
    return value <= lasts[at] ? at : std::numeric_limits<std::size_t>::max();
}

} // namespace

SetIndex::SetIndex(const ruleset::Set& set) : m_family(set.family) {
    if (set.ranges) {
        std::ranges::for_each(*set.ranges, [this](const IpRange& range) { add(range); });
        return;
    }
    const bool any_ends = std::ranges::any_of(set.elements, [](const auto& each) { return each.expires.has_value(); });
    for (const address::TimedRange& element : set.elements) {
        add(element.range);
        if (any_ends) {
            m_expires.push_back(element.expires ? element.expires->microseconds
                                                : std::numeric_limits<std::int64_t>::max());
        }
    }
}

void SetIndex::add(const IpRange& range) {
    if (m_family == Family::ipv4) {
        m_first4.push_back(range.first.to_v4());
        m_last4.push_back(range.last.to_v4());
    } else {
        m_first6.push_back(wide(range.first));
        m_last6.push_back(wide(range.last));
    }
}

bool SetIndex::contains(const IpAddress& address, Time now) const noexcept {
    const std::size_t at =
        m_family == Family::ipv4 ? find(m_first4, m_last4, address.to_v4()) : find(m_first6, m_last6, wide(address));
    return at != std::numeric_limits<std::size_t>::max() && (m_expires.empty() || now.microseconds < m_expires[at]);
}

} // namespace sekisho::judge

// SPDX-License-Identifier: GPL-2.0-or-later
// A set's ranges as plain numbers, for look-ups of every packet: a binary search that touches nothing but them.
#pragma once

#include "policy/ruleset/ruleset.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace sekisho::judge {

class SetIndex {
public:
    explicit SetIndex(const ruleset::Set& set);

    /// `address` is of the set's family.
    [[nodiscard]] bool contains(const IpAddress& address, Time now) const noexcept;

    [[nodiscard]] Family family() const noexcept { return m_family; }

private:
    using Wide = std::array<std::uint64_t, 2>;
    void add(const IpRange& range);

    Family m_family;
    std::vector<std::uint32_t> m_first4, m_last4;
    std::vector<Wide> m_first6, m_last6;
    std::vector<std::int64_t> m_expires; ///< microseconds; empty where nothing in the set ends
};

} // namespace sekisho::judge

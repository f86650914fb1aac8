// SPDX-License-Identifier: GPL-2.0-or-later
// A record of what a table consists of, as the kernel tells it, so that two moments can be compared. The kernel's own
// description of each expression is what counts, so nothing has to know what a rule means. Left out is what changes by
// itself: counters' values, elements that packets add, elements with a timeout.
#pragma once

#include "drivers/netfilter/netlink.hpp"
#include "firmware/ports/enforcement.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::drivers {

using Digest = std::array<std::uint8_t, 32>;

struct RecordedRule {
    std::string comment; ///< of our own: the rule's id
    Digest digest{};
    friend bool operator==(const RecordedRule&, const RecordedRule&) = default;
};

struct RecordedChain {
    std::string name;
    std::string head; ///< type, hook, priority and policy, for people; empty of a chain that the kernel does not call
    std::vector<RecordedRule> rules;
    friend bool operator==(const RecordedChain&, const RecordedChain&) = default;
};

struct RecordedSet {
    std::string name;
    Digest digest{}; ///< of its type; in a record with elements, of those as well where they don't change by themselves
    friend bool operator==(const RecordedSet&, const RecordedSet&) = default;
};

struct TableRecord {
    std::string name; ///< with its family, "inet sekisho"
    bool is_there = false;
    bool is_dormant = false;
    std::vector<RecordedChain> chains; ///< sorted by name, as the others
    std::vector<RecordedSet> sets;     ///< named ones: an anonymous one is its rule's and can't be changed

    /// Null where there is none.
    [[nodiscard]] const RecordedSet* find_set(const std::string& set) const noexcept;
};

enum class SetElements : std::uint8_t { ignored, recorded };

/// `family` is NFPROTO_INET or NFPROTO_NETDEV. Elements are listed whole: for tables of small sets only.
[[nodiscard]] Result<TableRecord> record_table(Netlink& netlink, std::uint8_t family, std::string_view table,
                                               SetElements elements);

/// Makes one transaction and records the table right behind it; no record where somebody else changed something in the
/// meantime, or where it can't be read. An error is the transaction's.
[[nodiscard]] Result<std::optional<TableRecord>> record_after(const std::function<Result<void>()>& transaction,
                                                              Netlink& netlink, std::uint8_t family,
                                                              std::string_view table, SetElements elements);

/// What the row of a set is called.
[[nodiscard]] std::string item_of_set(std::string_view table_with_family, std::string_view set);

/// A row for the table and one for each chain, and one for each set that is not as it was. Of a table that is gone,
/// that row alone; without a former record, a row that says so.
[[nodiscard]] ports::Comparisons compare(const std::optional<TableRecord>& expected, const TableRecord& found);

} // namespace sekisho::drivers

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/country.hpp"

#include <cstdint>
#include <optional>
#include <vector>

#include <maxminddb.h>

namespace sekisho::drivers::geoip {

/// Whether a value and all that it holds, pointers followed, are no more than a description of a database needs.
[[nodiscard]] bool is_small(const MMDB_s& section, std::uint32_t offset);

/// Reads the country of a database's records, each once as far as a small memory of them reaches. What a file makes it
/// do is bounded, for a record and for all of them.
class RecordReader {
public:
    struct Answer {
        std::optional<CountryCode> country; ///< nothing: the record has none
        bool is_damaged = false;
    };

    /// `mmdb` must outlive it.
    explicit RecordReader(const MMDB_s& mmdb) : m_mmdb(&mmdb), m_known(kKnown) {}

    /// `offset` is the record's in the data section. What is returned holds until the next call.
    [[nodiscard]] const Answer& country_of(std::uint32_t offset);

    /// Values that were looked at.
    [[nodiscard]] std::uint64_t effort() const noexcept { return m_effort; }

private:
    static constexpr std::size_t kKnown = 8'192; // a power of two

    struct Known {
        std::uint32_t offset = UINT32_MAX;
        Answer answer;
    };

    Answer read(std::uint32_t offset);

    const MMDB_s* m_mmdb;
    std::vector<Known> m_known; ///< by the offset's hash
    std::uint64_t m_effort = 0;
};

} // namespace sekisho::drivers::geoip

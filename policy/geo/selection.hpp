// SPDX-License-Identifier: GPL-2.0-or-later
// Which addresses a list of countries stands for, and how a country database turns into merged ranges of them. A
// database is walked once, in ascending order, for all selections of a policy.
#pragma once

#include "policy/base/address.hpp"
#include "policy/base/country.hpp"

#include <array>
#include <bitset>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sekisho::geo {

/// Addresses that belong to no country, whatever a database says: this network, private, shared, loopback, link-local,
/// benchmarking, multicast and reserved space (IANA's special-purpose registries, RFC 6890), and for IPv6 everything
/// that is not global unicast (2000::/3). Sorted, merged, one family. Documentation networks are not among them.
[[nodiscard]] std::span<const IpRange> special_purpose(Family family) noexcept;
/// Whether an address can have a country at all.
[[nodiscard]] bool is_global(const IpAddress& address) noexcept;

/// What a set of addresses is made of.
struct Selection {
    std::vector<CountryCode> countries; ///< sorted, each once
    bool unknown = false;               ///< and global addresses that the database gives no country

    /// For names of sets: "jp", "jp_us_unknown", "30_countries".
    [[nodiscard]] std::string label() const;
    friend auto operator<=>(const Selection&, const Selection&) = default;
};

/// The addresses of a selection in one family.
struct Ranges {
    std::shared_ptr<const std::vector<IpRange>> ranges; ///< sorted, merged, without special-purpose space; never null
    std::string hash;                                   ///< 12 hexadecimal digits of a SHA-256 over them
    std::vector<CountryCode> absent; ///< countries of the selection that the database has no range of, in this family
};

/// By family.
using Content = std::array<Ranges, 2>;
/// What the selections of a policy mean, by one database.
using Contents = std::map<Selection, Content>;

/// Makes contents of the leaves of a database.
class Collector {
public:
    /// `selections` may repeat.
    explicit Collector(std::span<const Selection> selections);

    /// A range and its country (nothing: the database has none for it). Each family's ranges come in ascending order
    /// without overlap; IPv4 and IPv6 may come in either order.
    void add(const IpRange& range, std::optional<CountryCode> country);

    /// Whether a selection has the addresses of this country; others may be left out where only contents are asked for.
    [[nodiscard]] bool wants(std::optional<CountryCode> country) const noexcept {
        return !m_wanted_by[country ? country->index() : CountryCode::kCount].empty();
    }

    /// To be called once.
    [[nodiscard]] Contents finish();

    /// Ranges seen by country, over both families: whether a country is in the database at all.
    [[nodiscard]] std::span<const std::uint32_t, CountryCode::kCount> ranges_by_country() const noexcept {
        return m_ranges_by_country;
    }

    /// Addresses with a country, by family, as a floating value: how much of the space the database covers.
    [[nodiscard]] double covered(Family family) const noexcept { return m_covered[static_cast<std::size_t>(family)]; }

private:
    std::vector<Selection> m_selections;
    /// Per country, the selections that name it, as bits; the last one is for addresses without a country.
    std::array<std::vector<std::uint16_t>, CountryCode::kCount + 1> m_wanted_by;
    std::vector<std::array<std::vector<IpRange>, 2>> m_ranges; ///< of each selection
    std::array<std::uint32_t, CountryCode::kCount> m_ranges_by_country{};
    std::array<std::bitset<CountryCode::kCount>, 2> m_seen; ///< countries with a range, by family
    std::array<double, 2> m_covered{};
};

} // namespace sekisho::geo

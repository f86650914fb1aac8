// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/time.hpp"
#include "policy/geo/selection.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sekisho::ports {

/// What a country database says of itself (MaxMind DB file format 2.0, metadata section).
struct GeoFacts {
    std::string type;        ///< "GeoLite2-Country", "DBIP-Country-Lite"; as the file has it
    std::string description; ///< English, or the first one; may be empty
    Time built;
    std::uint64_t bytes = 0;
    bool has_v6 = false; ///< a tree for both families; else IPv4 alone
};

/// How much of the address space a database covers, from one walk over all of it.
struct GeoCoverage {
    std::vector<std::uint32_t> ranges_by_country; ///< CountryCode::kCount of them
    double v4 = 0;                                ///< addresses that have a country
    double v6 = 0;
};

/// An opened country database. It stays as it is while the file is replaced by another (the driver keeps the file
/// itself, not its name).
class GeoDatabase {
public:
    virtual ~GeoDatabase() = default;

    [[nodiscard]] virtual const GeoFacts& facts() const noexcept = 0;

    /// Walks the whole database once. Fails where it is damaged.
    virtual Result<geo::Contents> select(std::span<const geo::Selection> selections) = 0;
    virtual Result<GeoCoverage> coverage() = 0;

    /// SHA-256 of the file, in hexadecimal digits. Reads all of it.
    [[nodiscard]] virtual std::string sha256() = 0;

    struct Location {
        std::optional<CountryCode> country;
        IpPrefix prefix; ///< network with the same answer that the database has the address in
    };

    /// Cheap: for every line of the log. An address in a damaged part has no country.
    [[nodiscard]] virtual Location locate(const IpAddress& address) = 0;
};

/// Opens databases: the image's own, and files of the data partition.
class GeoDatabases {
public:
    virtual ~GeoDatabases() = default;

    /// The one that the image carries.
    virtual Result<std::unique_ptr<GeoDatabase>> open_built_in() = 0;
    /// A file of the data partition by its name in the Store ("geo/current.mmdb").
    virtual Result<std::unique_ptr<GeoDatabase>> open(std::string_view name) = 0;
    /// Where such a file is for other programs of the machine; an empty name is the image's own.
    [[nodiscard]] virtual std::string path_of(std::string_view name) const = 0;
};

} // namespace sekisho::ports

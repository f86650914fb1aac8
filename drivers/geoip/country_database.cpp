// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/geoip/country_database.hpp"

#include "drivers/geoip/database_file.hpp"
#include "drivers/geoip/record_reader.hpp"
#include "drivers/geoip/tree.hpp"
#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>

namespace sekisho::drivers {

namespace {

using namespace geoip;

constexpr std::size_t kMostText = 200;                 ///< bytes of the file's own words that are kept
constexpr std::uint64_t kLastSecond = 253'402'300'799; ///< of the year 9999

// What a walk may look at: the largest file with records that are all different needs a tenth of it.
constexpr std::uint64_t kMostEffort = 1u << 27;

// The file's pages count as the process's memory once they were read; a walk gives them back as it goes.
constexpr std::size_t kLeavesInMemory = 1u << 17;

/// Words of the file, safe to show.
std::string shown(const char* words) {
    std::string_view text = words == nullptr ? "" : words;
    const bool is_long = text.size() > kMostText;
    return text::escape_for_terminal(text.substr(0, kMostText)) + (is_long ? "…" : "");
}

std::string description_of(const MMDB_metadata_s& metadata) {
    const auto& all = metadata.description;
    for (std::size_t i = 0; i < all.count; ++i) {
        if (std::string_view(all.descriptions[i]->language) == "en") {
            return shown(all.descriptions[i]->description);
        }
    }
    return all.count == 0 ? "" : shown(all.descriptions[0]->description);
}

Result<ports::GeoFacts> facts_of(const DatabaseFile& file, const std::string& place) {
    const auto& metadata = file.mmdb().metadata;
    if (metadata.build_epoch > kLastSecond) {
        return std::unexpected(Error(Domain::storage, place, "has a build date behind the year 9999"));
    }
    return ports::GeoFacts{.type = shown(metadata.database_type),
                           .description = description_of(metadata),
                           .built = Time::from_seconds(static_cast<std::int64_t>(metadata.build_epoch)),
                           .bytes = file.bytes(),
                           .has_v6 = metadata.ip_version == 6};
}

/// Neighbouring leaves with the same answer.
struct Stretch {
    AddressBits first = 0;
    AddressBits last = 0;
    std::optional<CountryCode> country;
    bool has_record = false;

    [[nodiscard]] IpRange range(Family family) const noexcept {
        return {to_address(family, first), to_address(family, last)};
    }
};

class CountryDatabase final : public ports::GeoDatabase {
public:
    CountryDatabase(DatabaseFile file, std::string place, ports::GeoFacts facts)
        : m_file(std::move(file)), m_records(m_file.mmdb()), m_place(std::move(place)), m_facts(std::move(facts)) {}

    /// Whether it holds countries at all.
    Result<void> judge();

    [[nodiscard]] const ports::GeoFacts& facts() const noexcept override { return m_facts; }

    Result<geo::Contents> select(std::span<const geo::Selection> selections) override;
    Result<ports::GeoCoverage> coverage() override;
    [[nodiscard]] std::string sha256() override;
    [[nodiscard]] Location locate(const IpAddress& address) override;

private:
    template <typename Take>
    Result<void> each_stretch(Family family, Take take);

    [[nodiscard]] Error refusal(std::string cause) const { return {Domain::storage, m_place, std::move(cause)}; }

    DatabaseFile m_file;
    RecordReader m_records;
    std::string m_place;
    ports::GeoFacts m_facts;
};

/// Calls `take` for a family's whole space in ascending order until it returns false.
template <typename Take>
Result<void> CountryDatabase::each_stretch(Family family, Take take) {
    TreeWalk walk(m_file.mmdb(), family);
    const std::uint64_t effort_before = m_records.effort();
    const RecordReader::Answer nothing;
    Stretch stretch;
    std::size_t leaves = 0;
    for (Leaf leaf; walk.next(leaf);) {
        const auto& answer = leaf.record ? m_records.country_of(*leaf.record) : nothing;
        if (answer.is_damaged) {
            return std::unexpected(refusal("has a damaged record"));
        }
        if (m_records.effort() - effort_before > kMostEffort) {
            return std::unexpected(refusal("has larger records than a database of countries needs"));
        }
        if (answer.country != stretch.country || leaf.record.has_value() != stretch.has_record) {
            stretch.last = leaf.first - 1;
            if (leaf.first != 0 && !take(std::as_const(stretch))) {
                return {};
            }
            // member by member: there are a million of them, and the copy of a fresh whole waits for its parts
            stretch.first = leaf.first;
            stretch.country = answer.country;
            stretch.has_record = leaf.record.has_value();
        }
        if (++leaves % kLeavesInMemory == 0) {
            m_file.release_memory();
        }
    }
    m_file.release_memory();
    if (walk.is_damaged()) {
        return std::unexpected(refusal("has a damaged search tree"));
    }
    stretch.last = ~AddressBits{0} >> (128 - bits_of(family));
    take(std::as_const(stretch));
    return {};
}

Result<void> CountryDatabase::judge() {
    bool has_country = false;
    bool has_records = false;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        TRY(each_stretch(family, [&](const Stretch& stretch) {
            has_records |= stretch.has_record;
            has_country |= stretch.country.has_value();
            return !has_country;
        }));
    }
    if (!has_records) {
        return std::unexpected(refusal("is empty: it has no record of any address"));
    }
    if (!has_country) {
        return std::unexpected(refusal(text::concat(
            "is no database of countries: none of its records has one (its type is \"", m_facts.type, "\")")));
    }
    return {};
}

Result<geo::Contents> CountryDatabase::select(std::span<const geo::Selection> selections) {
    geo::Collector collector(selections);
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        TRY(each_stretch(family, [&](const Stretch& stretch) {
            if (collector.wants(stretch.country)) {
                collector.add(stretch.range(family), stretch.country);
            }
            return true;
        }));
    }
    return collector.finish();
}

Result<ports::GeoCoverage> CountryDatabase::coverage() {
    geo::Collector collector({});
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        TRY(each_stretch(family, [&](const Stretch& stretch) {
            collector.add(stretch.range(family), stretch.country);
            return true;
        }));
    }
    const auto ranges = collector.ranges_by_country();
    return ports::GeoCoverage{.ranges_by_country = {ranges.begin(), ranges.end()},
                              .v4 = collector.covered(Family::ipv4),
                              .v6 = collector.covered(Family::ipv6)};
}

std::string CountryDatabase::sha256() {
    constexpr std::size_t kPiece = 1u << 20;
    Sha256 hash;
    for (std::string_view rest = m_file.contents(); !rest.empty(); rest.remove_prefix(std::min(kPiece, rest.size()))) {
        hash.update(rest.substr(0, kPiece));
        m_file.release_memory();
    }
    std::string digits;
    for (const std::uint8_t byte : hash.finish()) {
        digits += text::to_hex(byte, 2);
    }
    return digits;
}

ports::GeoDatabase::Location CountryDatabase::locate(const IpAddress& address) {
    const auto leaf = find_leaf(m_file.mmdb(), address);
    if (!leaf) {
        return {std::nullopt, IpPrefix(address, bits_of(address.family()))};
    }
    Location location{std::nullopt, IpPrefix(to_address(address.family(), leaf->first), leaf->length)};
    if (leaf->record && geo::is_global(address)) {
        location.country = m_records.country_of(*leaf->record).country;
    }
    return location;
}

} // namespace

Result<std::unique_ptr<ports::GeoDatabase>> open_country_database(const std::string& path, const std::string& place) {
    // a FIFO or device in the file's place must not block the daemon
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.is_open()) {
        return std::unexpected(Error::from_errno(Domain::storage, place, "can't be opened", errno));
    }
    return open_country_database(file, place);
}

Result<std::unique_ptr<ports::GeoDatabase>> open_country_database(const Descriptor& opened, const std::string& place) {
    DatabaseFile file = TRY(DatabaseFile::open(opened, place));
    ports::GeoFacts facts = TRY(facts_of(file, place));
    auto database = std::make_unique<CountryDatabase>(std::move(file), place, std::move(facts));
    TRY(database->judge());
    return database;
}

Result<std::unique_ptr<ports::GeoDatabase>> CountryDatabases::open_built_in() {
    return open_country_database(m_built_in, m_built_in);
}

Result<std::unique_ptr<ports::GeoDatabase>> CountryDatabases::open(std::string_view name) {
    return open_country_database(path_of(name), std::string(name));
}

std::string CountryDatabases::path_of(std::string_view name) const {
    return name.empty() ? m_built_in : text::concat(m_data_directory, "/", name);
}

} // namespace sekisho::drivers

// SPDX-License-Identifier: GPL-2.0-or-later
// Country databases of a few ranges.
#pragma once

#include "firmware/ports/geo_database.hpp"
#include "firmware/ports/upload.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::fakes {

/// What is in a database's file.
struct CountryFile {
    std::vector<std::pair<std::string, std::string>> ranges; ///< range, country; ascending within a family
    Time built = Time::from_seconds(1'794'000'000);          ///< 2026-11-06
    std::string type = "Test-Country";
    bool refuses_to_open = false;
    bool is_damaged = false; ///< which only a walk shows
};

class FakeGeoDatabase final : public ports::GeoDatabase {
public:
    FakeGeoDatabase(CountryFile file, int& walks) : m_file(std::move(file)), m_walks(walks) {
        m_facts.type = m_file.type;
        m_facts.description = "made by a test";
        m_facts.built = m_file.built;
        m_facts.bytes = 1000;
        m_facts.has_v6 = true;
    }

    [[nodiscard]] const ports::GeoFacts& facts() const noexcept override { return m_facts; }

    Result<geo::Contents> select(std::span<const geo::Selection> selections) override {
        geo::Collector collector(selections);
        TRY(walk(collector));
        return collector.finish();
    }

    Result<ports::GeoCoverage> coverage() override {
        geo::Collector collector({});
        TRY(walk(collector));
        const auto ranges = collector.ranges_by_country();
        return ports::GeoCoverage{.ranges_by_country = {ranges.begin(), ranges.end()},
                                  .v4 = collector.covered(Family::ipv4),
                                  .v6 = collector.covered(Family::ipv6)};
    }

    [[nodiscard]] std::string sha256() override { return "0123456789abcdef"; }

    [[nodiscard]] Location locate(const IpAddress& address) override {
        for (const auto& [range, country] : m_file.ranges) {
            const IpRange parsed = IpRange::parse(range).value();
            if (parsed.first <= address && address <= parsed.last) {
                return {CountryCode::from_letters(country), IpPrefix(address, bits_of(address.family()))};
            }
        }
        return {std::nullopt, IpPrefix(address, bits_of(address.family()))};
    }

private:
    Result<void> walk(geo::Collector& collector) {
        ++m_walks;
        if (m_file.is_damaged) {
            return std::unexpected(Error(Domain::storage, m_file.type, "has a damaged record"));
        }
        for (const auto& [range, country] : m_file.ranges) {
            collector.add(IpRange::parse(range).value(), CountryCode::from_letters(country));
        }
        return {};
    }

    CountryFile m_file;
    ports::GeoFacts m_facts;
    int& m_walks;
};

/// The files themselves are in the fake store, by a word each that names their contents here.
class FakeGeoDatabases final : public ports::GeoDatabases {
public:
    explicit FakeGeoDatabases(std::map<std::string, std::string>& store_files) : m_store(store_files) {}

    Result<std::unique_ptr<ports::GeoDatabase>> open_built_in() override { return open_file("built-in"); }

    Result<std::unique_ptr<ports::GeoDatabase>> open(std::string_view name) override {
        const auto file = m_store.find(std::string(name));
        if (file == m_store.end()) {
            return std::unexpected(Error(Domain::storage, std::string(name), "can't be opened"));
        }
        return open_file(file->second);
    }

    [[nodiscard]] std::string path_of(std::string_view name) const override {
        return name.empty() ? "/image/country.mmdb" : "/data/" + std::string(name);
    }

    std::map<std::string, CountryFile> files{
        {"built-in", {.ranges = {{"1.0.0.0/8", "JP"}, {"2.0.0.0/8", "FR"}, {"2001:200::/32", "JP"}}}}};
    int walks = 0; ///< of all databases

private:
    Result<std::unique_ptr<ports::GeoDatabase>> open_file(const std::string& word) {
        const auto file = files.find(word);
        if (file == files.end() || file->second.refuses_to_open) {
            return std::unexpected(Error(Domain::storage, word, "is no database of countries"));
        }
        return std::make_unique<FakeGeoDatabase>(file->second, walks);
    }

    std::map<std::string, std::string>& m_store;
};

/// Puts what comes into a fake store.
class FakeUpload final : public ports::UploadFile {
public:
    explicit FakeUpload(std::map<std::string, std::string>& store_files) : m_store(store_files) {}

    Result<void> begin() override {
        if (refuse_begin) {
            return std::unexpected(Error(Domain::storage, "geo/upload", "its folder can't be made"));
        }
        m_store["geo/upload"].clear();
        return {};
    }

    Result<void> append(std::string_view bytes) override {
        if (full) {
            return std::unexpected(Error(Domain::storage, "geo/upload", "no space left on device"));
        }
        m_store["geo/upload"] += bytes;
        return {};
    }

    Result<void> finish() override {
        ++finishes;
        return {};
    }

    bool refuse_begin = false;
    bool full = false;
    int finishes = 0;

private:
    std::map<std::string, std::string>& m_store;
};

} // namespace sekisho::fakes

// SPDX-License-Identifier: GPL-2.0-or-later
// The country database in force: which file that is, what a policy's lists of countries stand for by it, and whether it
// has grown too old.
#pragma once

#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/geo_database.hpp"
#include "firmware/ports/store.hpp"
#include "firmware/services/configuration.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/timekeeper.hpp"
#include "policy/model/model.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::services {

/// Where the database in force comes from.
enum class CountryOrigin { none, imported, previous, built_in };
[[nodiscard]] std::string_view name_of(CountryOrigin origin) noexcept;

class Countries {
public:
    struct Ports {
        ports::GeoDatabases& databases;
        ports::Store& store; ///< the data partition
        ports::EventLoop& loop;
    };

    // Names in the store.
    static constexpr std::string_view kCurrent = "geo/current.mmdb";
    static constexpr std::string_view kPrevious = "geo/previous.mmdb";
    static constexpr std::string_view kUpload = "geo/upload";

    /// References must outlive it.
    Countries(Ports ports, Timekeeper& timekeeper, EventLog& log);

    /// Opens the imported database; where it is damaged the one before it, else the image's own. Each step back is
    /// recorded. Clears away what an interrupted import left. Call once, before policies are put in force.
    void start();

    /// What the lists of countries of a model stand for. The database is walked once for all that is not known yet; a
    /// model without such lists needs none. A database whose damage shows only now is given up for the next one, as
    /// long as nothing in force comes from it.
    [[nodiscard]] Result<geo::Contents> contents(const model::Model& model);

    /// The model in force: contents that it does not need are forgotten, and the age of the database is watched.
    void follow(const model::Model& model);

    /// Another database is in force from here on.
    void adopt(std::unique_ptr<ports::GeoDatabase> database, CountryOrigin origin, geo::Contents contents);

    /// Nothing where there is no database.
    [[nodiscard]] ports::GeoDatabase* database() const noexcept { return m_database.get(); }

    [[nodiscard]] CountryOrigin origin() const noexcept { return m_origin; }

    /// Where the database in force lies, for all to read; empty where there is none.
    [[nodiscard]] std::string path() const;

    /// Of the database in force; walks it once.
    [[nodiscard]] Result<ports::GeoCoverage> coverage();

    /// SHA-256 of the database in force; reads it once. Empty where there is none.
    [[nodiscard]] const std::string& sha256();

    [[nodiscard]] std::optional<CountryCode> country_of(const IpAddress& address) const;

    /// Whole days since the database was built; nothing where the clock can't be relied on or there is no database.
    [[nodiscard]] std::optional<std::int64_t> age_days();
    /// A sentence where the database is older than the model wants, else empty.
    [[nodiscard]] std::string age_warning(const model::Model& model);

    /// Records the warning where it is due: once a day of the clinic, while the model in force has lists of countries.
    void check_age();

private:
    struct Watched {
        unsigned warn_after_days = 0;
        int utc_offset_minutes = 0;
    };

    void clear_away();
    /// Opens the first one from m_next on that can be opened; false where none is left.
    bool open_next();
    void record(std::string_view action, std::string message, bool success);
    [[nodiscard]] std::string age_sentence(unsigned warn_after_days);

    Ports m_ports;
    Timekeeper& m_timekeeper;
    EventLog& m_log;
    std::unique_ptr<ports::GeoDatabase> m_database;
    CountryOrigin m_origin = CountryOrigin::none;
    std::size_t m_next = 0;   ///< which database is tried next
    std::string m_given_up;   ///< why those before it were not taken
    geo::Contents m_contents; ///< by the database in force
    std::optional<ports::GeoCoverage> m_coverage;
    std::string m_sha256;
    std::optional<Watched> m_watched; ///< the model in force has lists of countries
    std::optional<std::int64_t> m_told_day;
    std::unique_ptr<ports::Timer> m_timer;
};

/// "JP (Japan)"
[[nodiscard]] std::string described(CountryCode country);

/// Countries that the database has no range of, in neither family.
[[nodiscard]] std::vector<CountryCode> absent_countries(const geo::Contents& contents);

/// An error per statement of the configuration that names one of these countries.
void refuse_absent(const Configuration& configuration, const std::vector<CountryCode>& absent,
                   Diagnostics& diagnostics);

} // namespace sekisho::services

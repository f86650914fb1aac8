// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/countries.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <iterator>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

constexpr std::uint64_t kCheckMilliseconds = 3'600'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

struct Candidate {
    CountryOrigin origin;
    std::string_view file; ///< in the store; empty: the image's own
};

constexpr std::array kCandidates{Candidate{CountryOrigin::imported, Countries::kCurrent},
                                 Candidate{CountryOrigin::previous, Countries::kPrevious},
                                 Candidate{CountryOrigin::built_in, {}}};

} // namespace

std::string_view name_of(CountryOrigin origin) noexcept {
    static constexpr std::array<std::string_view, 4> kNames{"none", "imported", "previous", "built-in"};
    return kNames[static_cast<std::size_t>(origin)];
}

std::string described(CountryCode country) {
    return country.name().empty() ? country.text() : text::concat(country.text(), " (", country.name(), ")");
}

Countries::Countries(Ports ports, Timekeeper& timekeeper, EventLog& log)
    : m_ports(ports), m_timekeeper(timekeeper), m_log(log), m_timer(ports.loop.make_timer([this] { check_age(); })) {}

void Countries::record(std::string_view action, std::string message, bool success) {
    Event event;
    event.set(Field::event_kind, success ? "event" : "alert");
    event.set(Field::event_category, "configuration");
    event.set(Field::event_action, std::string(action));
    event.set(Field::event_outcome, success ? "success" : "failure");
    event.set(Field::message, std::move(message));
    m_log.record(std::move(event), Durability::immediate);
}

// ---- the database in force
// -----------------------------------------------------------------------------------------------------------------------------------

void Countries::start() {
    clear_away();
    m_timer->start_repeating(kCheckMilliseconds);
    if (!open_next()) {
        record("geo-database",
               text::concat(m_given_up, "there is no country database: a policy with lists of countries is not put in "
                                        "force"),
               false);
    }
}

/// An import first makes the current database the previous one, then its own the current one. Ended in between, it has
/// not taken place.
void Countries::clear_away() {
    if (!m_ports.store.exists(kCurrent) && m_ports.store.exists(kPrevious)) {
        const auto renamed = m_ports.store.rename(kPrevious, kCurrent);
        record("geo-database",
               renamed ? "an import was interrupted: the country database before it stays in force"
                       : renamed.error().message(),
               false);
    }
    if (auto removed = m_ports.store.remove(kUpload); !removed) {
        record("geo-database", std::move(removed).error().message(), false);
    }
}

bool Countries::open_next() {
    m_database.reset();
    m_origin = CountryOrigin::none;
    while (m_next < kCandidates.size()) {
        const Candidate& candidate = kCandidates[m_next++];
        if (!candidate.file.empty() && !m_ports.store.exists(candidate.file)) {
            continue;
        }
        auto opened =
            candidate.file.empty() ? m_ports.databases.open_built_in() : m_ports.databases.open(candidate.file);
        if (!opened) {
            m_given_up += text::concat(opened.error().message(), "; ");
            continue;
        }
        if (!m_given_up.empty()) {
            record("geo-database",
                   text::concat(m_given_up, "the ", name_of(candidate.origin), " country database, built ",
                                rfc3339_utc((*opened)->facts().built), ", is in force instead"),
                   false);
            m_given_up.clear();
        }
        m_database = std::move(*opened);
        m_origin = candidate.origin;
        m_coverage.reset();
        m_sha256.clear();
        return true;
    }
    return false;
}

void Countries::adopt(std::unique_ptr<ports::GeoDatabase> database, CountryOrigin origin, geo::Contents contents) {
    m_database = std::move(database);
    m_origin = origin;
    m_contents = std::move(contents);
    m_coverage.reset();
    m_sha256.clear();
    m_told_day.reset();
}

std::string Countries::path() const {
    const auto candidate = std::ranges::find(kCandidates, m_origin, &Candidate::origin);
    return candidate == kCandidates.end() ? std::string() : m_ports.databases.path_of(candidate->file);
}

Result<geo::Contents> Countries::contents(const model::Model& model) {
    const auto selections = model::selections_of(model);
    std::vector<geo::Selection> missing;
    std::ranges::copy_if(selections, std::back_inserter(missing),
                         [this](const geo::Selection& each) { return !m_contents.contains(each); });
    while (!missing.empty()) {
        if (!m_database) {
            m_next = 0;
            m_given_up.clear();
            if (!open_next()) {
                return std::unexpected(Error(Domain::storage, "country database",
                                             text::concat("there is none that can be read: ", m_given_up)));
            }
        }
        auto selected = m_database->select(missing);
        if (selected) {
            m_contents.merge(*selected);
            missing.clear();
            continue;
        }
        if (!m_contents.empty()) {
            return std::unexpected(std::move(selected).error().in("country database"));
        }
        m_given_up += text::concat(selected.error().message(), "; ");
        if (!open_next()) {
            return std::unexpected(std::move(selected).error().in("country database"));
        }
    }
    geo::Contents wanted;
    for (const geo::Selection& each : selections) {
        wanted.emplace(each, m_contents.at(each));
    }
    return wanted;
}

Result<ports::GeoCoverage> Countries::coverage() {
    if (!m_coverage) {
        if (!m_database) {
            return std::unexpected(Error(Domain::storage, "country database", "there is none that can be read"));
        }
        m_coverage = TRY(m_database->coverage());
    }
    return *m_coverage;
}

const std::string& Countries::sha256() {
    if (m_sha256.empty() && m_database) {
        m_sha256 = m_database->sha256();
    }
    return m_sha256;
}

std::optional<CountryCode> Countries::country_of(const IpAddress& address) const {
    return m_database ? m_database->locate(address).country : std::nullopt;
}

void Countries::follow(const model::Model& model) {
    const auto selections = model::selections_of(model);
    std::erase_if(m_contents, [&](const auto& each) { return !std::ranges::binary_search(selections, each.first); });
    m_watched.reset();
    if (!selections.empty()) {
        m_watched = {model.geo.warn_after_days, model.system.utc_offset_minutes};
    }
    check_age();
}

// ---- age
// --------------------------------------------------------------------------------------------------------------------------------------------

std::optional<std::int64_t> Countries::age_days() {
    const ClockReading clock = m_timekeeper.reading();
    if (!m_database || !clock.synchronised || m_timekeeper.clock_is_behind()) {
        return std::nullopt;
    }
    return (clock.now.seconds() - m_database->facts().built.seconds()) / kSecondsPerDay;
}

std::string Countries::age_sentence(unsigned warn_after_days) {
    const auto age = age_days();
    if (!age || *age <= static_cast<std::int64_t>(warn_after_days)) {
        return {};
    }
    return text::concat("the country database was built on ", rfc3339_utc(m_database->facts().built).substr(0, 10),
                        " and is ", text::to_text_signed(*age), " days old, more than the ",
                        text::to_text(warn_after_days), " that are configured; it stays in force");
}

std::string Countries::age_warning(const model::Model& model) {
    return selections_of(model).empty() ? std::string() : age_sentence(model.geo.warn_after_days);
}

void Countries::check_age() {
    if (!m_watched) {
        return;
    }
    std::string sentence = age_sentence(m_watched->warn_after_days);
    if (sentence.empty()) {
        return;
    }
    const std::int64_t day =
        (m_timekeeper.reading().now.seconds() + m_watched->utc_offset_minutes * 60) / kSecondsPerDay;
    if (m_told_day != day) {
        m_told_day = day;
        record("geo-age", std::move(sentence), false);
    }
}

// ---- countries that the database does not have
// ---------------------------------------------------------------------------------------------------------------

std::vector<CountryCode> absent_countries(const geo::Contents& contents) {
    std::vector<CountryCode> absent;
    for (const auto& [selection, content] : contents) {
        std::ranges::set_intersection(content[0].absent, content[1].absent, std::back_inserter(absent));
    }
    std::ranges::sort(absent);
    absent.erase(std::ranges::unique(absent).begin(), absent.end());
    return absent;
}

void refuse_absent(const Configuration& configuration, const std::vector<CountryCode>& absent,
                   Diagnostics& diagnostics) {
    for (const config::Node* list : configuration.tree.all("geo-list")) {
        for (const config::Node* statement : list->all("country")) {
            const auto country = CountryCode::from_letters(statement->value);
            if (country && std::ranges::binary_search(absent, *country)) {
                diagnostics.error(
                    statement->value_place, text::concat("geo-list ", list->name(), " country"),
                    text::concat("the country database in force has no addresses of ", described(*country)),
                    "take the country out, or import a database that has it (geo import FILE)");
            }
        }
    }
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/country_import.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <vector>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;
using ports::ControlRequest;
using ports::ControlResponse;

constexpr std::string_view kLast = "geo/last-import";
constexpr std::string_view kImport = "import";
constexpr std::string_view kRollback = "rollback";
constexpr std::size_t kMostLast = 4096;
constexpr std::uint64_t kSpareBytes = 1u << 20;     ///< of the data partition, that an upload must leave
constexpr std::int64_t kMostAhead = 86'400'000'000; ///< microseconds, that a date of building may be in the future
// what a database may have of the IPv4 space that the one in force covers
constexpr double kLeastCoverage = 0.80;
constexpr double kMostCoverage = 1.25;

ControlResponse misused() {
    return {.exit_status = 2,
            .output = {},
            .errors = "geo-upload: begin, piece NUMBER OFFSET, end NUMBER SIZE SHA256 [force], or abandon NUMBER\n"};
}

std::string day_of(Time time) {
    return rfc3339_utc(time).substr(0, 10);
}

std::string hex_of(Sha256 digest) {
    std::string text;
    for (const std::uint8_t byte : digest.finish()) {
        text += text::to_hex(byte, 2);
    }
    return text;
}

/// A file's error without its name, which says nothing to who uploaded it.
std::string told_of_file(const Error& error) {
    return text::concat("the file ", error.cause());
}

} // namespace

// ---- the upload
// ----------------------------------------------------------------------------------------------------------------------------------------

ControlResponse CountryImport::upload(const Invocation& invocation, const ControlRequest& request) {
    const auto& words = invocation.operands;
    if (words == std::vector<std::string>{"begin"}) {
        return begin(request);
    }
    if (words.size() < 2) {
        return misused();
    }
    if (!is_of(request, words[1])) {
        return {.exit_status = 1, .output = {}, .errors = "geo import: another import began, or none did\n"};
    }
    if (words[0] == "piece" && words.size() == 3) {
        return take_piece(words[2], request);
    }
    if (words[0] == "abandon" && words.size() == 2) {
        return refuse(kImport, {"abandoned", "it was given up before the file was here"}, request);
    }
    const bool ends = words[0] == "end" && (words.size() == 4 || (words.size() == 5 && words[4] == "force"));
    return ends ? end(invocation, request) : misused();
}

bool CountryImport::is_of(const ControlRequest& request, std::string_view number) const {
    return m_upload && m_upload->user_id == request.peer.user_id && text::parse_unsigned(number) == m_upload->number;
}

ControlResponse CountryImport::begin(const ControlRequest& request) {
    if (m_upload) {
        record(kImport, "abandoned", "not imported: another import began before the file was here", request);
    }
    m_upload.reset();
    if (auto begun = m_ports.upload.begin(); !begun) {
        return refuse(kImport, {"not-stored", begun.error().message()}, request);
    }
    // The end of the log is a number that no earlier process of the daemon has given.
    m_last_number = std::max(m_last_number + 1, m_log.next_line());
    m_upload = Upload{.number = m_last_number, .user_id = request.peer.user_id, .bytes = 0, .digest = {}};
    return {.exit_status = 0, .output = text::to_text(m_last_number) + "\n", .errors = {}};
}

ControlResponse CountryImport::take_piece(std::string_view offset, const ControlRequest& request) {
    const std::string& bytes = request.payload;
    if (text::parse_unsigned(offset) != m_upload->bytes || bytes.size() > kMostPiece) {
        return refuse(kImport, {"incomplete", "the pieces of the file did not come in order"}, request);
    }
    if (auto room = check_room(bytes.size()); !room) {
        return refuse(kImport, room.error(), request);
    }
    if (auto appended = m_ports.upload.append(bytes); !appended) {
        return refuse(kImport, {"not-stored", appended.error().message()}, request);
    }
    m_upload->bytes += bytes.size();
    m_upload->digest.update(bytes);
    return {};
}

CountryImport::Judged<void> CountryImport::check_room(std::uint64_t bytes) {
    if (m_upload->bytes + bytes > kMostBytes) {
        return std::unexpected(
            Refusal{"too-large", text::concat("the file has more than the ", text::to_text(kMostBytes >> 20),
                                              " MiB that are "
                                              "taken")});
    }
    const auto space = m_ports.system.data_space();
    if (!space) {
        return std::unexpected(Refusal{"not-stored", space.error().message()});
    }
    if (space->free_bytes < bytes + kSpareBytes) {
        return std::unexpected(Refusal{"no-space", "the data partition has no room for the file"});
    }
    return {};
}

CountryImport::Judged<void> CountryImport::check_whole(std::string_view size, std::string_view digest) {
    if (text::parse_unsigned(size) != m_upload->bytes || hex_of(m_upload->digest) != digest) {
        return std::unexpected(Refusal{"incomplete", "the file did not arrive whole; try it again"});
    }
    if (auto finished = m_ports.upload.finish(); !finished) {
        return std::unexpected(Refusal{"not-stored", finished.error().message()});
    }
    return {};
}

ControlResponse CountryImport::end(const Invocation& invocation, const ControlRequest& request) {
    const auto& words = invocation.operands;
    const auto whole = check_whole(words[2], words[3]);
    const auto taken = whole ? take_upload(words.size() == 5) : whole;
    if (!taken) {
        return refuse(kImport, taken.error(), request);
    }
    m_upload.reset();
    return accept(kImport, text::concat("imported: ", in_force()), request);
}

// ---- judging
// ------------------------------------------------------------------------------------------------------------------------------------------

CountryImport::Judged<void> CountryImport::take_upload(bool force) {
    auto opened = m_ports.databases.open(Countries::kUpload);
    if (!opened) {
        return std::unexpected(Refusal{"no-country-database", told_of_file(opened.error())});
    }
    if (const auto date = check_date((*opened)->facts()); !date && !force) {
        return date;
    }
    auto candidate = judge(std::move(*opened));
    if (!candidate) {
        return std::unexpected(std::move(candidate).error());
    }
    if (const auto covers = check_coverage(*candidate->database);
        !covers && (!force || covers.error().reason == "damaged")) {
        return covers;
    }
    return put_in_force(std::move(*candidate), CountryOrigin::imported, [this] { return keep_upload(); });
}

CountryImport::Judged<void> CountryImport::check_date(const ports::GeoFacts& facts) const {
    // Such a date would keep every honest database out after it, and its age would never be warned of.
    const ClockReading clock = m_timekeeper.reading();
    if (clock.synchronised && facts.built.microseconds - clock.now.microseconds > kMostAhead) {
        return std::unexpected(
            Refusal{"future", text::concat("the file says that it was built on ", day_of(facts.built),
                                           ", which is yet to come; --force takes it nevertheless")});
    }
    const ports::GeoDatabase* current = m_countries.database();
    if (current == nullptr || facts.built >= current->facts().built) {
        return {};
    }
    return std::unexpected(
        Refusal{"older", text::concat("the file was built on ", day_of(facts.built), ", before the database in force (",
                                      day_of(current->facts().built), "); --force takes it nevertheless")});
}

CountryImport::Judged<CountryImport::Candidate> CountryImport::judge(std::unique_ptr<ports::GeoDatabase> database) {
    Candidate candidate{std::move(database), {}};
    if (!m_policy.configuration()) {
        return candidate;
    }
    const auto selections = selections_of(m_policy.configuration()->model);
    if (selections.empty()) {
        return candidate;
    }
    auto contents = candidate.database->select(selections);
    if (!contents) {
        return std::unexpected(Refusal{"damaged", told_of_file(contents.error())});
    }
    candidate.contents = std::move(*contents);
    if (const auto absent = absent_countries(candidate.contents); !absent.empty()) {
        std::vector<std::string> names;
        std::ranges::transform(absent, std::back_inserter(names), described);
        return std::unexpected(
            Refusal{"country-absent", text::concat("the database has no addresses of ", text::join(names, ", "),
                                                   ", which the configuration names")});
    }
    return candidate;
}

CountryImport::Judged<void> CountryImport::check_coverage(ports::GeoDatabase& database) {
    const auto covered = database.coverage();
    if (!covered) {
        return std::unexpected(Refusal{"damaged", told_of_file(covered.error())});
    }
    const auto current = m_countries.coverage();
    if (!current || current->v4 <= 0) {
        return {}; // nothing to compare with
    }
    const double ratio = covered->v4 / current->v4;
    if (ratio >= kLeastCoverage && ratio <= kMostCoverage) {
        return {};
    }
    return std::unexpected(Refusal{
        "implausible",
        text::concat("the file has a country for ", text::to_text(static_cast<std::uint64_t>(ratio * 100)),
                     " % of the IPv4 addresses that the database in force has one for, and 80 to 125 are plausible; "
                     "--force takes it nevertheless")});
}

// ---- putting in force
// ----------------------------------------------------------------------------------------------------------------------------------

CountryImport::Judged<void> CountryImport::put_in_force(Candidate candidate, CountryOrigin origin,
                                                        const std::function<Result<void>()>& keep) {
    // The policy's followers ask for countries while it is put in force: they must find the new database.
    const auto exchanged = m_policy.exchange_countries(candidate.contents, [&]() -> Result<void> {
        TRY(keep());
        m_countries.adopt(std::move(candidate.database), origin, candidate.contents);
        return {};
    });
    if (!exchanged) {
        return std::unexpected(Refusal{"not-enforced", exchanged.error().message()});
    }
    return {};
}

/// The one in force becomes the previous one, where it is a file of the data partition that can be read.
Result<void> CountryImport::keep_upload() {
    ports::Store& store = m_ports.store;
    const CountryOrigin origin = m_countries.origin();
    if (origin == CountryOrigin::imported) {
        TRY(store.rename(Countries::kCurrent, Countries::kPrevious));
    } else if (origin == CountryOrigin::built_in) {
        TRY(store.remove(Countries::kPrevious)); // it was damaged, if it was there at all
    }
    auto renamed = store.rename(Countries::kUpload, Countries::kCurrent);
    if (!renamed && origin == CountryOrigin::imported) {
        ignore_error(store.rename(Countries::kPrevious, Countries::kCurrent), "the next start does the same");
    }
    return renamed;
}

/// The database before the one in force. One that is damaged by now is passed over.
CountryImport::Judged<CountryImport::Candidate> CountryImport::find_previous(CountryOrigin& origin) {
    if (m_countries.origin() == CountryOrigin::built_in || m_countries.origin() == CountryOrigin::none) {
        return std::unexpected(Refusal{"nothing-before", "there is no database before the one in force"});
    }
    if (m_countries.origin() == CountryOrigin::imported) {
        origin = CountryOrigin::imported;
        auto opened = m_ports.databases.open(Countries::kPrevious);
        auto candidate =
            opened ? judge(std::move(*opened)) : Judged<Candidate>(std::unexpected(Refusal{"damaged", {}}));
        if (candidate || candidate.error().reason != "damaged") {
            return candidate;
        }
    }
    origin = CountryOrigin::built_in;
    auto opened = m_ports.databases.open_built_in();
    if (!opened) {
        return std::unexpected(Refusal{"no-country-database", opened.error().message()});
    }
    return judge(std::move(*opened));
}

CountryImport::Judged<void> CountryImport::go_back() {
    CountryOrigin origin = CountryOrigin::none;
    auto candidate = find_previous(origin);
    if (!candidate) {
        return std::unexpected(std::move(candidate).error());
    }
    return put_in_force(std::move(*candidate), origin, [this, origin]() -> Result<void> {
        ports::Store& store = m_ports.store;
        if (origin == CountryOrigin::imported) {
            return store.rename(Countries::kPrevious, Countries::kCurrent);
        }
        // in this order: a current one without a previous one is never taken for an interrupted import
        TRY(store.remove(Countries::kPrevious));
        return store.remove(Countries::kCurrent);
    });
}

ControlResponse CountryImport::roll_back(const ControlRequest& request) {
    if (const auto back = go_back(); !back) {
        return refuse(kRollback, back.error(), request);
    }
    return accept(kRollback, text::concat("rolled back: ", in_force()), request);
}

// ---- telling
// ------------------------------------------------------------------------------------------------------------------------------------------

std::string CountryImport::in_force() const {
    const ports::GeoFacts& facts = m_countries.database()->facts();
    return text::concat("the ", name_of(m_countries.origin()), " country database ", facts.type, ", built on ",
                        day_of(facts.built), ", is in force");
}

void CountryImport::remove_upload() {
    m_upload.reset();
    if (auto removed = m_ports.store.remove(Countries::kUpload); !removed) {
        Event event;
        event.set(Field::event_kind, "alert");
        event.set(Field::event_category, "configuration");
        event.set(Field::event_action, "geo-database");
        event.set(Field::event_outcome, "failure");
        event.set(Field::message, removed.error().message());
        m_log.record(std::move(event), Durability::immediate);
    }
}

ControlResponse CountryImport::refuse(std::string_view action, const Refusal& refusal, const ControlRequest& request) {
    const std::string told = text::concat(action == kImport ? "not imported: " : "not rolled back: ", refusal.told);
    if (action == kImport) {
        remove_upload();
    }
    record(action, refusal.reason, told, request);
    return {.exit_status = 1,
            .output = {},
            .errors = text::concat(told, "\nThe country database in force is unchanged.\n")};
}

ControlResponse CountryImport::accept(std::string_view action, std::string told, const ControlRequest& request) {
    record(action, {}, told, request);
    return {.exit_status = 0, .output = std::move(told) + "\n", .errors = {}};
}

/// In the log, and for `show geo`.
void CountryImport::record(std::string_view action, std::string_view reason, const std::string& message,
                           const ControlRequest& request) {
    const std::string_view outcome = reason.empty() ? "success" : "failure";
    Event event;
    event.set(Field::event_category, "configuration");
    event.set(Field::event_action, text::concat("geo-", action));
    event.set(Field::event_outcome, std::string(outcome));
    if (!reason.empty()) {
        event.set(Field::event_reason, std::string(reason));
    }
    event.set(Field::user_name, request.peer.account);
    event.set(Field::session_origin, request.origin);
    event.set(Field::message, message);
    m_log.record(std::move(event), Durability::immediate);
    const std::string kept = text::concat(rfc3339_utc(m_timekeeper.reading().now), "\n", action, "\n",
                                          request.peer.account, "\n", outcome, "\n", message, "\n");
    ignore_error(m_ports.store.write(kLast, kept), "the log has it");
}

std::optional<CountryImport::Last> CountryImport::last() {
    const auto kept = m_ports.store.read(kLast, kMostLast);
    if (!kept) {
        return std::nullopt;
    }
    const auto lines = text::split(*kept, '\n');
    if (lines.size() < 5) {
        return std::nullopt;
    }
    return Last{std::string(lines[0]), std::string(lines[1]), std::string(lines[2]), std::string(lines[3]),
                std::string(lines[4])};
}

} // namespace sekisho::services

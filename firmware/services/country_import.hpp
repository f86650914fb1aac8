// SPDX-License-Identifier: GPL-2.0-or-later
// Another country database takes the place of the one in force: uploaded in pieces, judged, put in force, and only then
// kept. Whatever fails, kernel and files stay as they were. The way back goes the same way.
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/ports/system.hpp"
#include "firmware/ports/upload.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/countries.hpp"
#include "firmware/services/policy_service.hpp"
#include "policy/base/sha256.hpp"

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::services {

class CountryImport {
public:
    struct Ports {
        ports::UploadFile& upload; ///< Countries::kUpload
        ports::GeoDatabases& databases;
        ports::Store& store; ///< the data partition
        ports::System& system;
    };

    static constexpr std::size_t kMostPiece = 512u << 10; ///< bytes in a request
    static constexpr std::uint64_t kMostBytes = 32u << 20;

    /// References must outlive it.
    CountryImport(Ports ports, Countries& countries, PolicyService& policy, EventLog& log, Timekeeper& timekeeper)
        : m_ports(ports), m_countries(countries), m_policy(policy), m_log(log), m_timekeeper(timekeeper) {}

    /// Answers `geo-upload`: `begin`, which gives a number; `piece NUMBER OFFSET` with the bytes; `end NUMBER SIZE
    /// SHA256 [force]`, which judges and takes the whole; `abandon NUMBER`. There is one upload at a time, of who began
    /// it; another one that begins ends it.
    ports::ControlResponse upload(const Invocation& invocation, const ports::ControlRequest& request);

    /// Answers `geo rollback`: to the database before the imported one, else to the image's own.
    ports::ControlResponse roll_back(const ports::ControlRequest& request);

    /// When, what, by whom and how the last one ended, as it is kept on the data partition; empty where there was none.
    struct Last {
        std::string time;
        std::string action; ///< "import" or "rollback"
        std::string account;
        std::string outcome; ///< "success" or "failure"
        std::string message;
    };

    [[nodiscard]] std::optional<Last> last();

private:
    struct Upload {
        std::uint64_t number = 0;
        std::uint32_t user_id = 0;
        std::uint64_t bytes = 0;
        Sha256 digest;
    };

    /// Why something is not taken: a word for the log and a sentence.
    struct Refusal {
        std::string_view reason;
        std::string told;
    };

    template <typename T>
    using Judged = std::expected<T, Refusal>;

    /// A database that may be put in force, and what the policy in force means by it.
    struct Candidate {
        std::unique_ptr<ports::GeoDatabase> database;
        geo::Contents contents;
    };

    ports::ControlResponse begin(const ports::ControlRequest& request);
    ports::ControlResponse take_piece(std::string_view offset, const ports::ControlRequest& request);
    ports::ControlResponse end(const Invocation& invocation, const ports::ControlRequest& request);
    [[nodiscard]] bool is_of(const ports::ControlRequest& request, std::string_view number) const;
    ports::ControlResponse refuse(std::string_view action, const Refusal& refusal,
                                  const ports::ControlRequest& request);
    ports::ControlResponse accept(std::string_view action, std::string told, const ports::ControlRequest& request);
    void remove_upload();

    [[nodiscard]] Judged<void> check_room(std::uint64_t bytes);
    [[nodiscard]] Judged<void> check_whole(std::string_view size, std::string_view digest);
    [[nodiscard]] Judged<Candidate> judge(std::unique_ptr<ports::GeoDatabase> database);
    [[nodiscard]] Judged<void> check_date(const ports::GeoFacts& facts) const;
    [[nodiscard]] Judged<void> check_coverage(ports::GeoDatabase& database);
    [[nodiscard]] Judged<void> put_in_force(Candidate candidate, CountryOrigin origin,
                                            const std::function<Result<void>()>& keep);
    [[nodiscard]] Judged<void> take_upload(bool force);
    [[nodiscard]] Judged<Candidate> find_previous(CountryOrigin& origin);
    [[nodiscard]] Judged<void> go_back();
    [[nodiscard]] Result<void> keep_upload();
    [[nodiscard]] std::string in_force() const;
    void record(std::string_view action, std::string_view reason, const std::string& message,
                const ports::ControlRequest& request);

    Ports m_ports;
    Countries& m_countries;
    PolicyService& m_policy;
    EventLog& m_log;
    Timekeeper& m_timekeeper;
    std::optional<Upload> m_upload;
    std::uint64_t m_last_number = 0;
};

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of `sekisho`, as far as they run here and not in the daemon.
#pragma once

#include "firmware/cli/device_import.hpp"
#include "firmware/cli/dialogue.hpp"
#include "firmware/ports/capture_file.hpp"
#include "firmware/ports/clock.hpp"
#include "firmware/ports/control.hpp"
#include "firmware/ports/geo_database.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/configuration.hpp"

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sekisho::cli {

/// Where commands come from, and so what they may.
enum class Source {
    program, ///< words of a command line: files can be named, the product's own programs use hidden commands
    prompt,  ///< typed in a session
    line,    ///< one line over SSH: standard input holds what the command reads
};

/// A session ends after 30 minutes without a key (requirement: idle time-out); the person is told a minute before.
inline constexpr Patience kSessionPatience{
    .idle_ms = 30 * 60'000,
    .notice_ms = 60'000,
    .notice = "This session ends in a minute unless a key is pressed.\n"
              "このまま操作がなければ、1分後にセッションを終了します。\n",
    .begun_ms = {},
};

/// Opens the country database in a file; without a path the image's own.
using CountryOpener = std::function<Result<std::unique_ptr<ports::GeoDatabase>>(std::optional<std::string_view> path)>;

struct ReplayWorld;

class Client {
public:
    /// Borrows all but the origin, which is what the daemon is told of where the commands come from ("console").
    Client(ports::ControlClient& daemon, ports::Clock& clock, Dialogue& dialogue, Source source, std::string origin,
           CountryOpener open_countries = {}, ports::CaptureOpener open_capture = {});

    /// Runs one command; the exit status is 0, 1 (failed) or 2 (not understood), or what the command's row says.
    int run(std::span<const std::string> words);

    /// Prints an error as every command does; returns the status.
    int fail(const Error& error, int status);

private:
    int run_parsed(const services::Invocation& invocation, std::span<const std::string> words);
    int run_in_daemon(const services::Invocation& invocation, std::span<const std::string> words);
    /// Reads and checks the file that the command names; what is wrong is printed, the error is the exit status.
    std::expected<std::shared_ptr<const services::Configuration>, int>
    checked_operand(const services::Invocation& invocation, const ClockReading& clock);
    /// What the lists of countries of a configuration stand for, by the database that the command names.
    Result<geo::Contents> contents_of(const model::Model& model, const services::Invocation& invocation);
    int check(const services::Invocation& invocation);
    int render(const services::Invocation& invocation);
    ReplayWorld replay_world();
    Result<ClockReading> clock_for(const services::Invocation& invocation);
    Result<std::optional<NamedText>> import_base(const services::Invocation& invocation);
    int import_devices(const services::Invocation& invocation);
    /// `what` it is, for people.
    Result<std::string> contents_of(const std::string& operand, std::string_view what = "configuration");
    Result<std::string> pasted_contents(std::string_view what);
    /// The status, or 1 where the text could not be written.
    int print(std::string_view text, int status);
    void print_errors(std::string_view text);

    ports::ControlClient& m_daemon;
    ports::Clock& m_clock;
    Dialogue& m_dialogue;
    Source m_source;
    std::string m_origin;
    CountryOpener m_open_countries;
    ports::CaptureOpener m_open_capture;
};

} // namespace sekisho::cli

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/client.hpp"

#include "firmware/cli/access_secret.hpp"
#include "firmware/cli/country_import.hpp"
#include "firmware/cli/device_import.hpp"
#include "firmware/cli/log_export.hpp"
#include "firmware/cli/replay.hpp"
#include "firmware/services/configuration.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/compiler.hpp"
#include "policy/ruleset/renderer.hpp"
#include "policy/ruleset/station_filter.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

namespace sekisho::cli {

namespace {

using services::CommandId;
using services::CommandPlace;
using services::Invocation;

struct FileCloser {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

Error too_large(std::string place) {
    return Error(
        Domain::argument, std::move(place),
        text::concat("is larger than a configuration may be (", text::to_text(ports::kMostPayload), " bytes)"));
}

/// Reads to the end, or to one byte more than a configuration may have: a huge file is not read through to say that it
/// is huge.
Result<std::string> read_all(std::FILE* file, const std::string& place) {
    std::string contents;
    std::array<char, 16'384> buffer{};
    while (contents.size() <= ports::kMostPayload) {
        const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file);
        contents.append(buffer.data(), count);
        if (count < buffer.size()) {
            if (std::ferror(file) != 0) {
                return std::unexpected(Error::from_errno(Domain::argument, place, "can't be read", errno));
            }
            break;
        }
    }
    if (contents.size() > ports::kMostPayload) {
        return std::unexpected(too_large(place));
    }
    return contents;
}

} // namespace

Client::Client(ports::ControlClient& daemon, ports::Clock& clock, Dialogue& dialogue, Source source, std::string origin,
               CountryOpener open_countries, ports::CaptureOpener open_capture)
    : m_daemon(daemon),
      m_clock(clock),
      m_dialogue(dialogue),
      m_source(source),
      m_origin(std::move(origin)),
      m_open_countries(std::move(open_countries)),
      m_open_capture(std::move(open_capture)) {}

int Client::print(std::string_view text, int status) {
    const auto written = m_dialogue.say(text);
    return written ? status : fail(written.error(), 1);
}

void Client::print_errors(std::string_view text) {
    ignore_error(m_dialogue.complain(text), "there is nowhere left to say it; the exit status tells");
}

int Client::fail(const Error& error, int status) {
    print_errors(error.message() + "\n");
    return status;
}

int Client::run(std::span<const std::string> words) {
    const auto invocation = services::parse_command(words);
    if (!invocation) {
        return fail(invocation.error(), 2);
    }
    // For people the product's own commands are not there.
    if (m_source != Source::program && invocation->command->visibility != services::Visibility::listed) {
        return fail(
            Error(Domain::argument, "",
                  text::concat("unknown command '", invocation->command->words, "' ('help' lists the commands)")),
            2);
    }
    return run_parsed(*invocation, words);
}

int Client::run_parsed(const Invocation& invocation, std::span<const std::string> words) {
    if (invocation.command->place == CommandPlace::daemon) {
        return run_in_daemon(invocation, words);
    }
    switch (invocation.command->id) {
    case CommandId::check:
        return check(invocation);
    case CommandId::render:
        return render(invocation);
    case CommandId::replay:
        return replay(invocation, replay_world());
    case CommandId::test_capture:
        return test_capture(invocation, replay_world());
    case CommandId::help:
        return print(services::help_text(), 0);
    case CommandId::access_import:
        return import_devices(invocation);
    case CommandId::geo_import:
        return import_countries(invocation, m_source, {m_daemon, m_dialogue, m_origin});
    case CommandId::log_export:
        return export_log(invocation, m_daemon, m_origin, m_dialogue);
    case CommandId::access_password:
    case CommandId::access_secret:
        return store_access_secret(invocation, m_source, m_daemon, m_origin, m_dialogue);
    case CommandId::console:
    case CommandId::login:
    case CommandId::quit: // sessions begin and end elsewhere
    case CommandId::apply:
    case CommandId::confirm:
    case CommandId::authenticate:
    case CommandId::capture_grounds:
    case CommandId::store_access_secret:
    case CommandId::show_access_eap_server:
    case CommandId::geo_rollback:
    case CommandId::geo_upload:
    case CommandId::lease_event:
    case CommandId::log_page:
    case CommandId::session:
    case CommandId::clear_access_session:
    case CommandId::access_learn:
    case CommandId::show_access_history:
    case CommandId::show_access_learned:
    case CommandId::show_access_ports:
    case CommandId::show_access_sessions:
    case CommandId::show_accounts:
    case CommandId::show_components:
    case CommandId::show_configuration:
    case CommandId::show_enforcement:
    case CommandId::show_geo:
    case CommandId::show_geo_lookup:
    case CommandId::show_interfaces:
    case CommandId::show_lifecycle:
    case CommandId::show_log:
    case CommandId::show_log_servers:
    case CommandId::show_rules:
    case CommandId::show_system:
    case CommandId::show_version:
    case CommandId::show_why:
    case CommandId::test_packet:
        break;
    }
    return 0;
}

ReplayWorld Client::replay_world() {
    return {m_dialogue,
            m_clock,
            m_open_countries,
            m_open_capture,
            m_source,
            [this](const std::string& path) { return contents_of(path); },
            [this](const std::vector<std::string>& words) -> Result<std::string> {
                auto response = TRY(m_daemon.call(words, {}, m_origin));
                if (response.exit_status != 0) {
                    return std::unexpected(
                        Error(Domain::control, words.front(), std::string(text::split(response.errors, '\n').front())));
                }
                return std::move(response.output);
            }};
}

int Client::run_in_daemon(const Invocation& invocation, std::span<const std::string> words) {
    std::string payload;
    std::vector<std::string> request(words.begin(), words.end());
    if (invocation.command->operands == services::Operands::file) {
        auto contents = contents_of(invocation.operands.front());
        if (!contents) {
            return fail(contents.error(), 1);
        }
        payload = std::move(*contents);
        // The daemon gets contents, never a name to open: it has rights that the caller may not have.
        for (std::string& word : request) {
            if (word == invocation.operands.front()) {
                word = "-";
            }
        }
    }
    auto response = m_daemon.call(request, payload, m_origin);
    if (!response) {
        return fail(response.error(), 1);
    }
    const int status = print(response->output, response->exit_status);
    print_errors(response->errors);
    return status;
}

Result<std::string> Client::contents_of(const std::string& operand, std::string_view what) {
    if (operand == "-") {
        const bool is_pasted = m_source == Source::prompt || (m_source == Source::line && m_dialogue.is_interactive());
        return is_pasted ? pasted_contents(what)
                         : m_dialogue.read_all(ports::kMostPayload, "standard input", m_source == Source::line);
    }
    if (m_source != Source::program) {
        return std::unexpected(Error(Domain::argument, operand,
                                     text::concat("a session takes a ", what, " from its own input only: use -")));
    }
    const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(operand.c_str(), "re"));
    if (!file) {
        return std::unexpected(Error::from_errno(Domain::argument, operand, "can't be opened", errno));
    }
    return read_all(file.get(), operand);
}

Result<std::string> Client::pasted_contents(std::string_view what) {
    TRY(m_dialogue.say(
        text::concat("Paste the ", what, "; a line with only a full stop ends it, Ctrl-C gives it up.\n")));
    std::string contents;
    bool too_long = false;
    for (;;) {
        const Answer answer = m_dialogue.ask("", Editing::text, kSessionPatience);
        if (answer.kind != Answer::Kind::line && answer.kind != Answer::Kind::too_long) {
            return std::unexpected(
                Error(Domain::argument, "terminal",
                      text::concat("the ", what, " ended without a line with only a full stop; nothing was done")));
        }
        if (answer.text == ".") {
            if (too_long || contents.size() > ports::kMostPayload) {
                return std::unexpected(too_large("terminal"));
            }
            return contents;
        }
        too_long = too_long || answer.kind == Answer::Kind::too_long;
        if (contents.size() <= ports::kMostPayload) {
            contents += answer.text + "\n";
        }
    }
}

/// The configuration that the devices shall stand in; none where their entries are wanted alone.
Result<std::optional<NamedText>> Client::import_base(const Invocation& invocation) {
    const auto file = invocation.value_of("--into");
    if (file && (invocation.has("--merge") || *file == "-")) {
        return std::unexpected(
            Error(Domain::argument, "--into", "takes a file, and stands without --merge: there is one configuration"));
    }
    if (file) {
        std::string text = TRY(contents_of(std::string(*file), "configuration"));
        return NamedText{std::string(*file), std::move(text)};
    }
    if (!invocation.has("--merge")) {
        return std::nullopt;
    }
    auto response = TRY(m_daemon.call({"show", "configuration"}, {}, m_origin));
    if (response.exit_status != 0) {
        return std::unexpected(
            Error(Domain::control, "--merge", std::string(text::split(response.errors, '\n').front())));
    }
    return NamedText{"the configuration in force", std::move(response.output)};
}

int Client::import_devices(const Invocation& invocation) {
    const auto base = import_base(invocation);
    if (!base) {
        return fail(base.error(), 1);
    }
    auto table = contents_of(invocation.operands.front(), "table");
    if (!table) {
        return fail(table.error(), 1);
    }
    const std::string& operand = invocation.operands.front();
    const auto outcome = cli::import_devices({operand == "-" ? "standard input" : operand, *std::move(table)}, *base,
                                             {m_clock.now(), true});
    print_errors(outcome.errors);
    return print(outcome.output, outcome.status);
}

Result<ClockReading> Client::clock_for(const Invocation& invocation) {
    ClockReading clock{m_clock.now(), !invocation.has("--unsynchronised")};
    if (const auto time = invocation.value_of("--now")) {
        clock.now = TRY(parse_rfc3339(*time));
    }
    return clock;
}

std::expected<std::shared_ptr<const services::Configuration>, int> Client::checked_operand(const Invocation& invocation,
                                                                                           const ClockReading& clock) {
    const auto contents = contents_of(invocation.operands.front());
    if (!contents) {
        return std::unexpected(fail(contents.error(), 1));
    }
    Diagnostics diagnostics;
    auto configuration = services::load_configuration(*contents, clock, diagnostics, model::Purpose::apply);
    print_errors(diagnostics.text(invocation.operands.front()));
    if (!configuration) {
        return std::unexpected(1);
    }
    return configuration;
}

int Client::check(const Invocation& invocation) {
    const auto clock = clock_for(invocation);
    if (!clock) {
        return fail(clock.error(), 2);
    }
    const auto configuration = checked_operand(invocation, *clock);
    if (!configuration) {
        return configuration.error();
    }
    // whatever the countries stand for: what else can go wrong shows
    const model::Model& model = (*configuration)->model;
    const auto nowhere = geo::Collector(selections_of(model)).finish();
    if (const auto compiled = ruleset::compile(model, *clock, nowhere); !compiled) {
        return fail(compiled.error(), 1);
    }
    return print(text::concat("The configuration is accepted, digest ", (*configuration)->digest.substr(0, 12), ".\n"),
                 0);
}

Result<geo::Contents> Client::contents_of(const model::Model& model, const Invocation& invocation) {
    const auto selections = selections_of(model);
    if (selections.empty()) {
        return geo::Contents{};
    }
    if (m_source != Source::program || !m_open_countries) {
        return std::unexpected(Error(Domain::argument, "render", "lists of countries are not rendered in a session"));
    }
    const auto database = TRY(m_open_countries(invocation.value_of("--geo")));
    return database->select(selections);
}

int Client::render(const Invocation& invocation) {
    const auto clock = clock_for(invocation);
    if (!clock) {
        return fail(clock.error(), 2);
    }
    if (invocation.has("--closed")) {
        return print(ruleset::render_text(ruleset::closed_ruleset(), clock->now), 0);
    }
    const auto configuration = checked_operand(invocation, *clock);
    if (!configuration) {
        return configuration.error();
    }
    const auto countries = contents_of((*configuration)->model, invocation);
    if (!countries) {
        return fail(countries.error(), 1);
    }
    const auto compiled = ruleset::compile((*configuration)->model, *clock, *countries);
    if (!compiled) {
        return fail(compiled.error(), 1);
    }
    return print(ruleset::render_text(*compiled, clock->now) +
                     ruleset::station_filter_comment(ruleset::station_filter_of((*configuration)->model)),
                 0);
}

} // namespace sekisho::cli

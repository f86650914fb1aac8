// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/client.hpp"

#include "firmware/services/configuration.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/compiler.hpp"
#include "policy/ruleset/renderer.hpp"

#include <array>
#include <cerrno>
#include <memory>

namespace sekisho::cli {

namespace {

using services::CommandId;
using services::CommandPlace;
using services::Invocation;

constexpr std::size_t kMostLine = 4096;
constexpr std::string_view kPrompt = "sekisho> ";

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

/// One line without its end; nothing at the end of the input. A line that is too long is cut and told by its length.
struct Line {
    std::string text;
    bool too_long = false;
};

std::optional<Line> read_line(std::FILE* input) {
    Line line;
    int c = 0;
    while ((c = std::fgetc(input)) != EOF && c != '\n') {
        if (line.text.size() < kMostLine) {
            line.text += static_cast<char>(c);
        } else {
            line.too_long = true;
        }
    }
    if (c == EOF && line.text.empty()) {
        return std::nullopt;
    }
    if (line.text.ends_with('\r')) {
        line.text.pop_back();
    }
    return line;
}

} // namespace

Client::Client(ports::ControlClient& daemon, ports::Clock& clock, Terminal terminal)
    : m_daemon(daemon), m_clock(clock), m_terminal(terminal) {}

void Client::print(std::FILE* stream, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stream);
    std::fflush(stream);
}

int Client::fail(const Error& error, int status) {
    print(m_terminal.errors, error.message() + "\n");
    return status;
}

int Client::run(std::span<const std::string> words) {
    const auto invocation = services::parse_command(words);
    return invocation ? run_parsed(*invocation, words) : fail(invocation.error(), 2);
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
    case CommandId::console:
        return console();
    case CommandId::help:
        print(m_terminal.output, services::help_text());
        return 0;
    case CommandId::log_export:
    case CommandId::login:
        return fail(Error(Domain::argument, std::string(invocation.command->words), "is not there yet"), 1);
    case CommandId::quit:
    case CommandId::apply:
    case CommandId::authenticate:
    case CommandId::lease_event:
    case CommandId::log_page:
    case CommandId::session:
    case CommandId::show_accounts:
    case CommandId::show_components:
    case CommandId::show_configuration:
    case CommandId::show_interfaces:
    case CommandId::show_lifecycle:
    case CommandId::show_log:
    case CommandId::show_log_servers:
    case CommandId::show_rules:
    case CommandId::show_system:
    case CommandId::show_version:
        break;
    }
    return 0;
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
    auto response = m_daemon.call(request, payload, m_in_console ? "console" : "local");
    if (!response) {
        return fail(response.error(), 1);
    }
    print(m_terminal.output, response->output);
    print(m_terminal.errors, response->errors);
    return response->exit_status;
}

Result<std::string> Client::contents_of(const std::string& operand) {
    if (operand == "-") {
        return m_in_console ? pasted_contents() : read_all(m_terminal.input, "standard input");
    }
    if (m_in_console) {
        return std::unexpected(
            Error(Domain::argument, operand, "the console takes a configuration from the terminal only: use -"));
    }
    const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(operand.c_str(), "re"));
    if (!file) {
        return std::unexpected(Error::from_errno(Domain::argument, operand, "can't be opened", errno));
    }
    return read_all(file.get(), operand);
}

Result<std::string> Client::pasted_contents() {
    print(m_terminal.output, "Paste the configuration; a line with only a full stop ends it.\n");
    std::string contents;
    bool too_long = false;
    while (auto line = read_line(m_terminal.input)) {
        if (line->text == ".") {
            if (too_long || contents.size() > ports::kMostPayload) {
                return std::unexpected(too_large("terminal"));
            }
            return contents;
        }
        too_long = too_long || line->too_long;
        if (contents.size() <= ports::kMostPayload) {
            contents += line->text + "\n";
        }
    }
    return std::unexpected(Error(Domain::argument, "terminal",
                                 "the configuration ended without a line with only a full stop; nothing was done"));
}

Result<ClockReading> Client::clock_for(const Invocation& invocation) {
    ClockReading clock{m_clock.now(), !invocation.has("--unsynchronised")};
    if (const auto time = invocation.value_of("--now")) {
        clock.now = TRY(parse_rfc3339(*time));
    }
    return clock;
}

std::expected<Client::Compiled, int> Client::compile_operand(const Invocation& invocation, const ClockReading& clock) {
    const auto contents = contents_of(invocation.operands.front());
    if (!contents) {
        return std::unexpected(fail(contents.error(), 1));
    }
    Diagnostics diagnostics;
    auto configuration = services::load_configuration(*contents, clock, diagnostics, model::Purpose::apply);
    print(m_terminal.errors, diagnostics.text(invocation.operands.front()));
    if (!configuration) {
        return std::unexpected(1);
    }
    auto compiled = ruleset::compile(configuration->model, clock);
    if (!compiled) {
        return std::unexpected(fail(compiled.error(), 1));
    }
    return Compiled{std::move(configuration), std::move(*compiled)};
}

int Client::check(const Invocation& invocation) {
    const auto clock = clock_for(invocation);
    if (!clock) {
        return fail(clock.error(), 2);
    }
    const auto compiled = compile_operand(invocation, *clock);
    if (!compiled) {
        return compiled.error();
    }
    print(m_terminal.output,
          text::concat("The configuration is accepted, digest ", compiled->configuration->digest.substr(0, 12), ".\n"));
    return 0;
}

int Client::render(const Invocation& invocation) {
    const auto clock = clock_for(invocation);
    if (!clock) {
        return fail(clock.error(), 2);
    }
    if (invocation.has("--closed")) {
        print(m_terminal.output, ruleset::render_text(ruleset::closed_ruleset(), clock->now));
        return 0;
    }
    const auto compiled = compile_operand(invocation, *clock);
    if (!compiled) {
        return compiled.error();
    }
    print(m_terminal.output, ruleset::render_text(compiled->ruleset, clock->now));
    return 0;
}

int Client::console() {
    if (m_in_console) {
        return fail(Error(Domain::argument, "console", "is running already"), 2);
    }
    m_in_console = true;
    const auto report = [this](std::string_view what) {
        const auto reported = m_daemon.call({"session", std::string(what)}, {}, "console");
        if (!reported) {
            print(m_terminal.errors, reported.error().message() + "\n");
        }
    };
    report("begin");
    print(m_terminal.output, "Sekisho. 'help' lists the commands.\n");
    for (;;) {
        print(m_terminal.output, kPrompt);
        const auto line = read_line(m_terminal.input);
        if (!line) {
            break;
        }
        const auto words =
            line->too_long
                ? Result<std::vector<std::string>>(std::unexpected(Error(Domain::argument, "", "the line is too long")))
                : services::split_line(line->text);
        if (!words) {
            fail(words.error(), 2);
            continue;
        }
        if (words->empty()) {
            continue;
        }
        const auto invocation = services::parse_command(*words);
        if (!invocation) {
            fail(invocation.error(), 2);
        } else if (invocation->command->id == CommandId::quit) {
            break;
        } else {
            run_parsed(*invocation, *words);
        }
    }
    report("end");
    m_in_console = false;
    return 0;
}

} // namespace sekisho::cli

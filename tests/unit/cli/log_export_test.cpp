// SPDX-License-Identifier: GPL-2.0-or-later
// `log export` over the daemon's own part of it.
#include "firmware/cli/log_export.hpp"
#include "firmware/cli/start.hpp"
#include "firmware/services/log_export.hpp"
#include "tests/unit/fakes/fake_terminal.hpp"
#include "tests/unit/services/stamp_reader.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using events::Event;
using events::Field;

namespace {

class ExportingDaemon final : public ports::ControlClient {
public:
    explicit ExportingDaemon(services::LogExport& exporter) : m_exporter(exporter) {}

    Result<ports::ControlResponse> call(const std::vector<std::string>& words, std::string_view,
                                        std::string_view origin) override {
        if (before_call) {
            before_call(words);
        }
        if (answer) {
            return *answer;
        }
        if (!running) {
            return std::unexpected(Error(Domain::control, "control.sock", "connection refused"));
        }
        ++calls;
        ports::ControlRequest request;
        request.origin = origin;
        request.words = words;
        return m_exporter.page(TRY(services::parse_command(words)), request);
    }

    std::function<void(const std::vector<std::string>&)> before_call;
    std::optional<ports::ControlResponse> answer; ///< instead of the daemon's
    bool running = true;
    int calls = 0;

private:
    services::LogExport& m_exporter;
};

} // namespace

TEST_GROUP(cli_log_export) {
    fakes::FakeClock clock;
    fakes::FakeStore store;
    fakes::FakeLogFiles files;
    tests::StampReader reader;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot-1"};
    services::LogExport exporter{log, reader};
    ExportingDaemon daemon{exporter};
    fakes::FakeTerminal terminal{clock};

    void setup() override {
        terminal.interactive = false;
    }
    void record(std::string message) {
        Event event;
        event.set(Field::event_action, "test");
        event.set(Field::message, std::move(message));
        log.record(std::move(event));
    }
    int ask(std::vector<std::string> words) {
        words.insert(words.begin(), {"log", "export"});
        return cli::start("sekisho", words, {daemon, clock, terminal});
    }
    /// More than one piece of a log.
    void fill() {
        for (int i = 0; i < 8; ++i) {
            record(std::string(90'000, static_cast<char>('a' + i)));
        }
    }
};

TEST(cli_log_export, every_line_once_over_several_pieces) {
    fill();
    std::string lines;
    for (const std::string& line : files.all_lines()) {
        lines += line + "\n";
    }
    LONGS_EQUAL(0, ask({"--jsonl"}));
    CHECK(terminal.output == lines);
    STRCMP_EQUAL("", terminal.errors.c_str());
    LONGS_EQUAL(3, daemon.calls);
    LONGS_EQUAL(1, files.count("\"log-export\""));
}

TEST(cli_log_export, csv_with_a_range) {
    record("before");
    clock.advance_seconds(60);
    const std::string from = rfc3339_utc(clock.wall);
    record("within");
    LONGS_EQUAL(0, ask({"--csv", "--from", from}));
    CHECK(terminal.output.starts_with("\xef\xbb\xbftimestamp,"));
    CHECK(terminal.output.contains(",\"within\"\r\n"));
    CHECK_FALSE(terminal.output.contains("before"));
}

TEST(cli_log_export, one_format_and_a_range_in_order_are_needed) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{},
          {"--csv", "--jsonl"},
          {"--csv", "--from", "yesterday"},
          {"--jsonl", "--from", "2026-11-23T00:00:00Z", "--to", "2026-11-22T00:00:00Z"}}) {
        LONGS_EQUAL(2, ask(words));
    }
    CHECK(terminal.errors.contains("needs one format: --jsonl or --csv"));
    LONGS_EQUAL(0, daemon.calls);
    STRCMP_EQUAL("", terminal.output.c_str());
}

TEST(cli_log_export, what_is_no_event_is_told) {
    record("one");
    files.lines.front().emplace_back("not an event");
    LONGS_EQUAL(1, ask({"--jsonl"}));
    CHECK(terminal.output.ends_with("not an event\n"));
    STRCMP_EQUAL("1 lines of the log are no events, exported as they are\n", terminal.errors.c_str());
    terminal.errors.clear();
    LONGS_EQUAL(1, ask({"--csv"}));
    STRCMP_EQUAL("1 lines of the log are no events; only --jsonl exports them\n", terminal.errors.c_str());
}

TEST(cli_log_export, what_rotation_took_is_told) {
    record("one");
    CHECK(files.rotate(0).has_value());
    fill();
    LONGS_EQUAL(0, ask({"--jsonl"}));
    CHECK(terminal.errors.starts_with("gap: rotation had removed the oldest 1 lines of the log"));
}

TEST(cli_log_export, what_rotation_takes_meanwhile_is_no_success) {
    fill();
    daemon.before_call = [this](const std::vector<std::string>& words) {
        if (daemon.calls == 2) {
            CHECK(files.rotate(0).has_value());
        }
        CHECK(words.front() == "log-page");
    };
    LONGS_EQUAL(1, ask({"--jsonl"}));
    STRCMP_EQUAL("gap: rotation removed 3 lines during the export\n", terminal.errors.c_str());
    LONGS_EQUAL(5, std::count(terminal.output.begin(), terminal.output.end(), '\n'));
}

TEST(cli_log_export, output_that_nobody_takes_ends_it) {
    fill();
    terminal.takes_nothing = true;
    LONGS_EQUAL(1, ask({"--csv"}));
    CHECK(terminal.errors.contains("broken pipe"));
    LONGS_EQUAL(1, daemon.calls);
}

TEST(cli_log_export, a_daemon_that_goes_away_ends_it) {
    fill();
    daemon.before_call = [this](const auto&) { daemon.running = daemon.calls < 2; };
    LONGS_EQUAL(1, ask({"--jsonl"}));
    CHECK(terminal.errors.contains("connection refused"));
}

TEST(cli_log_export, answers_that_are_none_end_it) {
    daemon.answer = ports::ControlResponse{.exit_status = 0, .output = "garbage", .errors = {}};
    LONGS_EQUAL(1, ask({"--jsonl"}));
    daemon.answer->output = "1 0 5 0 0\n"; // never goes on
    LONGS_EQUAL(1, ask({"--jsonl"}));
    CHECK(terminal.errors.contains("do not go on"));
    daemon.answer = ports::ControlResponse{.exit_status = 1, .output = {}, .errors = "no\n"};
    LONGS_EQUAL(1, ask({"--jsonl"}));
    CHECK(terminal.errors.ends_with("no\n"));
}

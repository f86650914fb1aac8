// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/client.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <cstdlib>

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr std::string_view kAccepted = R"(system { host-name clinic; }
interfaces { interface wan0 { address 198.51.100.2/24; } interface lan1 { address 10.0.1.1/24; } }
zones { wan { interface wan0; } clinic { interface lan1; } }
)";

/// The daemon's end: keeps what it is asked and answers with a fixed text.
class FakeDaemon final : public ports::ControlClient {
public:
    struct Call {
        std::vector<std::string> words;
        std::string payload;
        std::string origin;
    };

    Result<ports::ControlResponse> call(const std::vector<std::string>& words, std::string_view payload,
                                        std::string_view origin) override {
        calls.push_back({words, std::string(payload), std::string(origin)});
        if (!running) {
            return std::unexpected(Error(Domain::control, "control.sock", "no such file or directory"));
        }
        return ports::ControlResponse{.exit_status = 0, .output = "answer\n", .errors = {}};
    }

    std::vector<Call> calls;
    bool running = true;
};

} // namespace

TEST_GROUP(client) {
    FakeDaemon daemon;
    fakes::FakeClock clock;
    std::string output;
    std::string errors;

    int run(std::vector<std::string> words, std::string input = {}) {
        char* out = nullptr;
        char* err = nullptr;
        std::size_t out_size = 0;
        std::size_t err_size = 0;
        // fmemopen takes no empty buffer
        std::FILE* in_stream = input.empty() ? std::fopen("/dev/null", "r") : fmemopen(input.data(), input.size(), "r");
        std::FILE* out_stream = open_memstream(&out, &out_size);
        std::FILE* err_stream = open_memstream(&err, &err_size);
        const int status = cli::Client(daemon, clock, {in_stream, out_stream, err_stream}).run(words);
        std::fclose(in_stream);
        std::fclose(out_stream);
        std::fclose(err_stream);
        output.assign(out, out_size);
        errors.assign(err, err_size);
        std::free(out);
        std::free(err);
        return status;
    }
};

TEST(client, a_command_of_the_daemon_is_sent_and_its_answer_printed) {
    LONGS_EQUAL(0, run({"show", "rules", "--json"}));
    STRCMP_EQUAL("answer\n", output.c_str());
    LONGS_EQUAL(1, daemon.calls.size());
    STRCMP_EQUAL("local", daemon.calls[0].origin.c_str());
}

TEST(client, an_apply_sends_contents_and_no_name) {
    LONGS_EQUAL(0, run({"apply", "-"}, std::string(kAccepted)));
    STRCMP_EQUAL(std::string(kAccepted).c_str(), daemon.calls[0].payload.c_str());
    CHECK(daemon.calls[0].words == (std::vector<std::string>{"apply", "-"}));
}

TEST(client, a_file_that_is_not_there_is_named) {
    LONGS_EQUAL(1, run({"apply", "/nonexistent/clinic.conf"}));
    CHECK(errors.contains("/nonexistent/clinic.conf"));
    LONGS_EQUAL(0, daemon.calls.size());
}

TEST(client, a_configuration_that_is_too_large_is_not_sent) {
    LONGS_EQUAL(1, run({"apply", "-"}, std::string(ports::kMostPayload + 1, '#')));
    CHECK(errors.contains("larger than a configuration may be"));
    LONGS_EQUAL(0, daemon.calls.size());
}

TEST(client, a_daemon_that_does_not_run_is_an_error) {
    daemon.running = false;
    LONGS_EQUAL(1, run({"show", "version"}));
    CHECK(errors.contains("control.sock"));
}

TEST(client, check_accepts_and_refuses_without_the_daemon) {
    LONGS_EQUAL(0, run({"check", "-"}, std::string(kAccepted)));
    CHECK(output.starts_with("The configuration is accepted, digest "));
    LONGS_EQUAL(1, run({"check", "-"}, "zones { wan { interfce wan0; } }\n"));
    CHECK(errors.contains("-:1:15: error:"));
    LONGS_EQUAL(0, daemon.calls.size());
}

TEST(client, render_prints_the_rules_of_a_file_and_of_the_closed_state) {
    LONGS_EQUAL(0, run({"render", "-"}, std::string(kAccepted)));
    CHECK(output.contains("table inet sekisho"));
    CHECK(output.contains("zone.clinic.deny"));
    LONGS_EQUAL(0, run({"render", "--closed"}));
    CHECK(output.contains("closed.deny"));
}

TEST(client, a_time_that_is_none_is_refused) {
    LONGS_EQUAL(2, run({"check", "--now", "tomorrow", "-"}, "x"));
}

TEST(client, the_console_reads_commands_until_quit_and_reports_the_session) {
    LONGS_EQUAL(0, run({"console"}, "show rules\n\nquit\nshow log\n"));
    LONGS_EQUAL(3, daemon.calls.size());
    CHECK(daemon.calls[0].words == (std::vector<std::string>{"session", "begin"}));
    CHECK(daemon.calls[1].words == (std::vector<std::string>{"show", "rules"}));
    STRCMP_EQUAL("console", daemon.calls[1].origin.c_str());
    CHECK(daemon.calls[2].words == (std::vector<std::string>{"session", "end"}));
    CHECK(output.contains("sekisho> "));
}

TEST(client, a_pasted_configuration_ends_at_a_full_stop) {
    LONGS_EQUAL(0, run({"console"}, "apply -\r\nsystem {\r\n}\r\n.\r\nquit\r\n"));
    STRCMP_EQUAL("system {\n}\n", daemon.calls[1].payload.c_str());
}

TEST(client, a_paste_that_is_cut_off_does_nothing) {
    LONGS_EQUAL(0, run({"console"}, "apply -\nsystem {\n"));
    LONGS_EQUAL(2, daemon.calls.size()); // the session's begin and end
    CHECK(errors.contains("nothing was done"));
}

TEST(client, the_console_opens_no_files_and_no_second_console) {
    LONGS_EQUAL(0, run({"console"}, "check /etc/shadow\napply /etc/shadow\nconsole\nsh\n"));
    LONGS_EQUAL(2, daemon.calls.size());
    CHECK(errors.contains("takes a configuration from the terminal only"));
    CHECK(errors.contains("is running already"));
    CHECK(errors.contains("unknown command 'sh'"));
}

TEST(client, a_line_that_is_too_long_is_refused_and_the_next_is_read) {
    LONGS_EQUAL(0, run({"console"}, std::string(10'000, 'x') + "\nshow rules\n"));
    CHECK(errors.contains("the line is too long"));
    LONGS_EQUAL(3, daemon.calls.size());
}

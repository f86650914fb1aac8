// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/start.hpp"
#include "tests/unit/cli/fake_daemon.hpp"
#include "tests/unit/fakes/fake_terminal.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr std::string_view kAccepted = R"(system { host-name clinic; }
interfaces { interface wan0 { address 198.51.100.2/24; } interface lan1 { address 10.0.1.1/24; } }
zones { wan { interface wan0; } clinic { interface lan1; } }
)";

} // namespace

TEST_GROUP(client) {
    cli::FakeDaemon daemon;
    fakes::FakeClock clock;
    fakes::FakeTerminal terminal{clock};

    void setup() override {
        terminal.interactive = false;
    }

    int ask(std::vector<std::string> words, std::string input = {}) {
        if (!input.empty()) {
            terminal.types(std::move(input));
        }
        return cli::start("sekisho", words, {daemon, clock, terminal});
    }
};

TEST(client, a_command_of_the_daemon_is_sent_and_its_answer_printed) {
    LONGS_EQUAL(0, ask({"show", "rules", "--json"}));
    STRCMP_EQUAL("answer\n", terminal.output.c_str());
    LONGS_EQUAL(1, daemon.calls.size());
    STRCMP_EQUAL("local", daemon.calls[0].origin.c_str());
    LONGS_EQUAL(0, terminal.controls); // Ctrl-C ends it, as every program
}

TEST(client, the_exit_status_is_the_daemons) {
    daemon.status = 4;
    LONGS_EQUAL(4, ask({"show", "lifecycle"}));
}

TEST(client, without_words_the_commands_are_listed) {
    LONGS_EQUAL(0, ask({}));
    CHECK(terminal.output.contains("show version"));
    LONGS_EQUAL(0, daemon.calls.size());
}

TEST(client, output_that_nobody_takes_is_a_failure) {
    terminal.takes_nothing = true;
    LONGS_EQUAL(1, ask({"show", "rules"}));
    CHECK(terminal.errors.contains("broken pipe"));
}

TEST(client, an_apply_sends_contents_and_no_name) {
    LONGS_EQUAL(0, ask({"apply", "-"}, std::string(kAccepted)));
    STRCMP_EQUAL(std::string(kAccepted).c_str(), daemon.calls[0].payload.c_str());
    CHECK(daemon.calls[0].words == (std::vector<std::string>{"apply", "-"}));
}

TEST(client, a_file_that_is_not_there_is_named) {
    LONGS_EQUAL(1, ask({"apply", "/nonexistent/clinic.conf"}));
    CHECK(terminal.errors.contains("/nonexistent/clinic.conf"));
    LONGS_EQUAL(0, daemon.calls.size());
}

TEST(client, a_configuration_that_is_too_large_is_not_sent) {
    LONGS_EQUAL(1, ask({"apply", "-"}, std::string(ports::kMostPayload + 1, '#')));
    CHECK(terminal.errors.contains("larger than a configuration may be"));
    LONGS_EQUAL(0, daemon.calls.size());
}

TEST(client, a_daemon_that_does_not_run_is_an_error) {
    daemon.running = false;
    LONGS_EQUAL(1, ask({"show", "version"}));
    CHECK(terminal.errors.contains("control.sock"));
}

TEST(client, check_accepts_and_refuses_without_the_daemon) {
    LONGS_EQUAL(0, ask({"check", "-"}, std::string(kAccepted)));
    CHECK(terminal.output.starts_with("The configuration is accepted, digest "));
    LONGS_EQUAL(1, ask({"check", "-"}, "zones { wan { interfce wan0; } }\n"));
    CHECK(terminal.errors.contains("-:1:15: error:"));
    LONGS_EQUAL(0, daemon.calls.size());
}

TEST(client, render_prints_the_rules_of_a_file_and_of_the_closed_state) {
    LONGS_EQUAL(0, ask({"render", "-"}, std::string(kAccepted)));
    CHECK(terminal.output.contains("table inet sekisho"));
    CHECK(terminal.output.contains("zone.clinic.deny"));
    LONGS_EQUAL(0, ask({"render", "--closed"}));
    CHECK(terminal.output.contains("closed.deny"));
}

TEST(client, a_time_that_is_none_is_refused) {
    LONGS_EQUAL(2, ask({"check", "--now", "tomorrow", "-"}, "x"));
}

TEST(client, what_is_no_command_is_not_understood) {
    LONGS_EQUAL(2, ask({"sh"}));
    CHECK(terminal.errors.contains("unknown command 'sh'"));
}

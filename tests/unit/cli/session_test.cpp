// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/session.hpp"
#include "firmware/cli/start.hpp"
#include "tests/unit/cli/fake_daemon.hpp"
#include "tests/unit/fakes/fake_terminal.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr std::uint32_t kAdmin = 2000;
constexpr std::string_view kConnection = "10.0.1.5 50022 10.0.1.1 22";

using Words = std::vector<std::string>;

} // namespace

/// A session as sshd starts it.
TEST_GROUP(session) {
    cli::FakeDaemon daemon;
    fakes::FakeClock clock;
    fakes::FakeTerminal terminal{clock};

    void setup() override {
        terminal.user = kAdmin;
        terminal.connection = kConnection;
    }

    int start(std::string_view name, const Words& words = {}) {
        return cli::start(name, words, {daemon, clock, terminal});
    }

    int line(std::string text) {
        return start("sekisho", {"-c", std::move(text)});
    }

    void end_is(const std::string& reason) {
        CHECK(!daemon.calls.empty());
        CHECK(daemon.calls.back().words == (Words{"session", "end", reason}));
    }
};

TEST(session, a_login_shell_is_the_prompt_and_tells_where_it_comes_from) {
    terminal.types("show rules\r");
    terminal.types("quit\rshow log\r");
    LONGS_EQUAL(0, start("-sekisho"));
    LONGS_EQUAL(3, daemon.calls.size());
    CHECK(daemon.calls[0].words == (Words{"session", "begin"}));
    CHECK(daemon.calls[1].words == (Words{"show", "rules"}));
    end_is("quit");
    for (const auto& call : daemon.calls) {
        STRCMP_EQUAL("ssh 10.0.1.5 port 50022", call.origin.c_str());
    }
    CHECK(terminal.output.starts_with("Welcome, version 0.1.0\n"));
    CHECK(terminal.output.contains("sekisho> show rules\nanswer\nsekisho> quit\n"));
    LONGS_EQUAL(1, terminal.controls);
}

TEST(session, an_account_without_words_on_a_terminal_gets_the_prompt) {
    terminal.types("quit\r");
    LONGS_EQUAL(0, start("sekisho"));
    end_is("quit");
}

TEST(session, the_superuser_without_words_gets_the_list_of_commands) {
    terminal.user = 0;
    LONGS_EQUAL(0, start("sekisho"));
    CHECK(terminal.output.contains("show version"));
    LONGS_EQUAL(0, daemon.calls.size());
}

TEST(session, ctrl_d_on_an_empty_line_ends_it) {
    terminal.types("show\x15\x04");
    LONGS_EQUAL(0, start("-sekisho"));
    end_is("quit");
}

TEST(session, ctrl_c_gives_up_the_line_and_other_keys_end_nothing) {
    terminal.types("show ru\x03\x1a\r\x1c\rshow log\r");
    LONGS_EQUAL(0, start("-sekisho"));
    LONGS_EQUAL(3, daemon.calls.size());
    CHECK(daemon.calls[1].words == (Words{"show", "log"}));
    CHECK(terminal.output.contains("show ru^C\nsekisho> "));
}

TEST(session, a_hang_up_ends_it_and_is_told) {
    terminal.types("show ru");
    LONGS_EQUAL(0, start("-sekisho"));
    LONGS_EQUAL(2, daemon.calls.size());
    end_is("closed");
}

TEST(session, output_that_nobody_takes_ends_it) {
    terminal.types("show log\rshow rules\r");
    terminal.on_write = [&](std::string_view text) { terminal.takes_nothing = text == "sekisho> "; };
    LONGS_EQUAL(0, start("-sekisho"));
    LONGS_EQUAL(2, daemon.calls.size());
    end_is("closed");
}

TEST(session, without_a_key_for_thirty_minutes_it_ends_after_a_notice) {
    terminal.types("show rules\r");
    terminal.waits_seconds(29 * 60 - 1);
    terminal.types("sho");
    terminal.waits_seconds(40 * 60);
    LONGS_EQUAL(0, start("-sekisho"));
    end_is("idle");
    const std::size_t notice = terminal.output.find("ends in a minute");
    CHECK(notice != std::string::npos);
    CHECK(notice == terminal.output.rfind("ends in a minute"));
    CHECK(terminal.output.substr(notice).contains("sekisho> sho")); // what was typed is shown again
    CHECK(terminal.output.ends_with("no key for 30 minutes.\n"));
}

TEST(session, a_key_after_the_notice_keeps_it) {
    terminal.waits_seconds(29 * 60 + 30);
    terminal.types(" ");
    terminal.waits_seconds(29 * 60 + 30);
    terminal.types("\rquit\r");
    LONGS_EQUAL(0, start("-sekisho"));
    end_is("quit");
}

TEST(session, a_paste_that_nobody_ends_ends_the_session) {
    terminal.types("apply -\rsystem {\r");
    terminal.waits_seconds(31 * 60);
    terminal.types("show rules\r");
    LONGS_EQUAL(0, start("-sekisho"));
    LONGS_EQUAL(2, daemon.calls.size());
    end_is("idle");
}

TEST(session, the_daemon_that_does_not_know_the_account_lets_nobody_in) {
    daemon.refuses_sessions = true;
    terminal.types("show rules\r");
    LONGS_EQUAL(1, start("-sekisho"));
    LONGS_EQUAL(1, daemon.calls.size());
    CHECK(terminal.errors.contains("may not administer"));
    LONGS_EQUAL(1, line("show rules"));
    LONGS_EQUAL(2, daemon.calls.size());
}

TEST(session, without_the_daemon_there_is_none) {
    daemon.running = false;
    LONGS_EQUAL(1, start("-sekisho"));
    LONGS_EQUAL(1, line("help"));
    CHECK(!terminal.output.contains("show version"));
}

TEST(session, files_and_the_products_own_commands_are_not_for_people) {
    terminal.types("check /etc/shadow\rapply /etc/shadow\rrender /etc/shadow\rconsole\rlogin\rsession end\r"
                   "authenticate state\rlease-event bound\rsh\r");
    LONGS_EQUAL(0, start("-sekisho"));
    LONGS_EQUAL(2, daemon.calls.size()); // begin and end
    CHECK(terminal.errors.contains("from its own input only: use -"));
    for (const char* command : {"console", "login", "session", "authenticate", "lease-event", "sh"}) {
        CHECK(terminal.errors.contains(std::string("unknown command '") + command + "'"));
    }
}

TEST(session, a_pasted_configuration_ends_at_a_full_stop) {
    terminal.types("apply -\rsystem {\r\n\thost-name a;\r\n}\r\n.\r\nquit\r\n");
    LONGS_EQUAL(0, start("-sekisho"));
    STRCMP_EQUAL("system {\n\thost-name a;\n}\n", daemon.calls[1].payload.c_str());
    end_is("quit");
}

TEST(session, a_paste_that_is_given_up_does_nothing) {
    terminal.types("apply -\rsystem {\r\x03show rules\r");
    LONGS_EQUAL(0, start("-sekisho"));
    LONGS_EQUAL(3, daemon.calls.size());
    CHECK(daemon.calls[1].words == (Words{"show", "rules"}));
    CHECK(terminal.errors.contains("nothing was done"));
}

TEST(session, a_paste_that_is_too_large_is_refused_at_its_end) {
    const std::string line_of_comment = "#" + std::string(4000, 'x') + "\r";
    terminal.types("apply -\r");
    for (std::size_t size = 0; size <= ports::kMostPayload; size += line_of_comment.size()) {
        terminal.types(line_of_comment);
    }
    terminal.types(".\r");
    LONGS_EQUAL(0, start("-sekisho"));
    LONGS_EQUAL(2, daemon.calls.size());
    CHECK(terminal.errors.contains("larger than a configuration may be"));
}

TEST(session, a_line_that_is_too_long_is_refused_and_the_next_is_read) {
    terminal.types(std::string(65'536, 'x') + "\rshow rules\r");
    LONGS_EQUAL(0, start("-sekisho"));
    CHECK(terminal.errors.contains("the line is too long"));
    LONGS_EQUAL(3, daemon.calls.size());
}

TEST(session, a_pipe_without_terminal_is_read_line_by_line) {
    terminal.interactive = false;
    terminal.types("show rules\n\nshow log");
    LONGS_EQUAL(0, start("-sekisho"));
    LONGS_EQUAL(4, daemon.calls.size());
    STRCMP_EQUAL("answer\nanswer\n", terminal.output.c_str()); // neither greeting nor prompt
    end_is("quit");
}

TEST(session, the_console_of_the_superuser_has_that_origin) {
    terminal.user = 0;
    terminal.connection.clear();
    terminal.types("quit\r");
    LONGS_EQUAL(0, start("sekisho", {"console"}));
    STRCMP_EQUAL("console", daemon.calls[0].origin.c_str());
}

TEST(session, a_long_answer_is_ended_by_ctrl_c) {
    daemon.output = std::string(100'000, 'x');
    terminal.types("show log\r");
    terminal.types("sho\x03show rules\r");
    LONGS_EQUAL(0, start("-sekisho"));
    CHECK(terminal.errors.contains("interrupted"));
    CHECK(terminal.output.contains("show rules")); // typed behind the Ctrl-C
    CHECK(daemon.calls[2].words == (Words{"show", "rules"}));
    CHECK(std::ranges::count(terminal.output, 'x') < 110'000);
}

TEST(session, one_line_runs_and_its_status_is_the_commands) {
    terminal.interactive = false;
    daemon.status = 5;
    LONGS_EQUAL(5, line("show lifecycle --json"));
    LONGS_EQUAL(3, daemon.calls.size());
    CHECK(daemon.calls[0].words == (Words{"session", "begin"}));
    CHECK(daemon.calls[1].words == (Words{"show", "lifecycle", "--json"}));
    STRCMP_EQUAL("ssh 10.0.1.5 port 50022", daemon.calls[1].origin.c_str());
    STRCMP_EQUAL("answer\n", terminal.output.c_str()); // no greeting
    end_is("done");
}

TEST(session, one_line_is_no_shell) {
    terminal.interactive = false;
    for (const char* text :
         {"sh", "scp -t /tmp", "/usr/lib/openssh/sftp-server", "show version; sh", "show version && sh",
          "rsync --server -e.LsfxC . /", "internal-sftp", "", "--socket /tmp/x show version", "-c help"}) {
        LONGS_EQUAL(2, line(text));
        end_is("refused");
    }
    LONGS_EQUAL(20, daemon.calls.size()); // a beginning and an end each
    LONGS_EQUAL(2, line("show \"version"));
}

TEST(session, one_line_reads_no_files_and_runs_no_hidden_command) {
    terminal.interactive = false;
    for (const char* text : {"check /etc/shadow", "render /etc/shadow", "apply /etc/shadow"}) {
        LONGS_EQUAL(1, line(text));
    }
    CHECK(terminal.errors.contains("from its own input only"));
    for (const char* text : {"console", "login", "session end", "authenticate state", "log-page"}) {
        LONGS_EQUAL(2, line(text));
    }
    LONGS_EQUAL(16, daemon.calls.size());
}

TEST(session, one_line_reads_a_configuration_to_the_end_of_its_input) {
    terminal.interactive = false;
    terminal.types("system {\n");
    terminal.types("}\n.\n\x03");
    LONGS_EQUAL(0, line("apply -"));
    STRCMP_EQUAL("system {\n}\n.\n\x03", daemon.calls[1].payload.c_str());
    end_is("done");
}

TEST(session, half_a_configuration_of_a_broken_connection_is_not_applied) {
    terminal.interactive = false;
    terminal.types("system {\n}\n");
    terminal.abandoned = true;
    LONGS_EQUAL(1, line("apply -"));
    LONGS_EQUAL(2, daemon.calls.size());
    CHECK(terminal.errors.contains("nothing was done"));
    end_is("closed");
}

TEST(session, a_configuration_whose_session_is_told_to_end_is_not_applied) {
    terminal.interactive = false;
    terminal.hangs_up = true;
    terminal.types("system {\n}\n");
    LONGS_EQUAL(1, line("apply -"));
    LONGS_EQUAL(2, daemon.calls.size());
    end_is("closed");
}

TEST(session, one_line_on_a_terminal_takes_a_paste) {
    terminal.types("system {\r}\r.\r");
    LONGS_EQUAL(0, line("apply -"));
    STRCMP_EQUAL("system {\n}\n", daemon.calls[1].payload.c_str());
}

TEST(session, more_words_than_one_line_are_no_session) {
    LONGS_EQUAL(2, start("sekisho", {"-c", "show version", "more"}));
    LONGS_EQUAL(0, daemon.calls.size());
}

TEST_GROUP(origin){static void is(const char* wanted, std::string_view connection){
    STRCMP_EQUAL(wanted, cli::origin_of(connection, "local").c_str());
}
}
;

TEST(origin, names_address_and_port) {
    is("ssh 10.0.1.5 port 50022", "10.0.1.5 50022 10.0.1.1 22");
    is("ssh 2001:db8::5 port 1", "2001:db8::5 1 2001:db8::1 65535");
    is("ssh fe80::1%br-clinic port 50022", "fe80::1%br-clinic 50022 fe80::2%br-clinic 22");
}

TEST(origin, is_the_fallback_where_it_is_not_what_sshd_writes) {
    for (const std::string_view connection :
         {"", "10.0.1.5", "10.0.1.5 50022 10.0.1.1", "10.0.1.5 50022 10.0.1.1 22 x", "10.0.1.5  50022 10.0.1.1 22",
          "host 50022 10.0.1.1 22", "10.0.1.5 0 10.0.1.1 22", "10.0.1.5 65536 10.0.1.1 22", "10.0.1.5 -1 10.0.1.1 22",
          "10.0.1.5 50022 x 22", "10.0.1.5\n 50022 10.0.1.1 22", "fe80::1% 5 fe80::2 22", "fe80::1%a\x1b[ 5 fe80::2 22",
          "fe80::1%abcdefghijklmnop 5 fe80::2 22"}) {
        is("local", connection);
    }
}

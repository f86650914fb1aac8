// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/start.hpp"
#include "tests/unit/cli/fake_daemon.hpp"
#include "tests/unit/fakes/fake_terminal.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr std::string_view kPassword = "Gate-of-47-pines";

using Words = std::vector<std::string>;

} // namespace

/// The serial console, as init starts the login.
TEST_GROUP(login) {
    cli::FakeDaemon daemon;
    fakes::FakeClock clock;
    fakes::FakeTerminal terminal{clock};

    int log_in() {
        return cli::start("sekisho", Words{"login"}, {daemon, clock, terminal});
    }

    void has_password() {
        daemon.password = kPassword;
        daemon.state = "ready";
    }

    void types(std::initializer_list<std::string_view> lines) {
        for (const std::string_view text : lines) {
            terminal.types(std::string(text) + "\r");
        }
    }

    /// Nothing that was typed as a password may be seen anywhere but in the call that asks about it.
    void nowhere_but_in_payloads(std::string_view secret) {
        CHECK(!terminal.output.contains(secret));
        CHECK(!terminal.errors.contains(secret));
        for (const auto& call : daemon.calls) {
            for (const std::string& word : call.words) {
                CHECK(!word.contains(secret));
            }
        }
    }

    std::size_t attempts() {
        return static_cast<std::size_t>(std::ranges::count_if(daemon.calls, [](const cli::FakeDaemon::Call& call) {
            return call.words.size() > 1 && call.words[1] == "password";
        }));
    }
};

TEST(login, the_right_password_leads_to_the_prompt_of_the_account) {
    has_password();
    types({"admin", kPassword, "show rules", "quit"});
    LONGS_EQUAL(0, log_in());
    LONGS_EQUAL(2000, terminal.user);
    LONGS_EQUAL(2000, terminal.group);
    LONGS_EQUAL(1, daemon.count({"session", "begin"}));
    LONGS_EQUAL(1, daemon.count({"show", "rules"}));
    LONGS_EQUAL(1, daemon.count({"session", "end", "quit"}));
    for (const auto& call : daemon.calls) {
        STRCMP_EQUAL("console", call.origin.c_str());
    }
    nowhere_but_in_payloads(kPassword);
}

TEST(login, before_it_nothing_tells_the_version) {
    has_password();
    types({"admin", "wrong"});
    log_in();
    CHECK(!terminal.output.contains("version"));
    CHECK(!terminal.output.contains("0.1.0"));
    STRCMP_EQUAL("\nlogin: admin\nPassword: \n",
                 terminal.output.substr(0, terminal.output.find("the account")).c_str());
}

TEST(login, a_wrong_password_waits_as_told_and_asks_again) {
    has_password();
    daemon.wait = "wait 8\n";
    types({"admin", "wrong-and-secret"});
    terminal.waits_seconds(7);
    types({"typed too early"});
    terminal.waits_seconds(2);
    types({"admin", kPassword, "quit"});
    LONGS_EQUAL(0, log_in());
    CHECK(terminal.output.contains("the account or the password is wrong\nPlease wait 8 seconds."));
    LONGS_EQUAL(2, attempts());
    nowhere_but_in_payloads("wrong-and-secret");
    nowhere_but_in_payloads("typed too early");
}

TEST(login, what_was_typed_before_a_prompt_is_forgotten) {
    has_password();
    terminal.types("admin\rwrong\radmin\r" + std::string(kPassword) + "\r");
    terminal.waits_seconds(3);
    types({"admin", "wrong"});
    log_in();
    LONGS_EQUAL(2, attempts());
    LONGS_EQUAL(2, terminal.discards);
    nowhere_but_in_payloads(kPassword);
}

TEST(login, a_password_at_the_wrong_prompt_is_not_sent_as_a_name) {
    has_password();
    types({kPassword, "x"});
    log_in();
    LONGS_EQUAL(1, attempts());
    LONGS_EQUAL(1, daemon.count({"authenticate", "password", "(no account name)"}));
    // shown while it was typed, as any name, but told to nobody
    for (const auto& call : daemon.calls) {
        CHECK(!call.payload.contains(kPassword));
    }
}

TEST(login, noise_is_an_attempt_that_fails) {
    has_password();
    types({std::string(65'536, '\xff'), std::string(65'536, 'x')});
    types({"\x01\x02\x80\xe9\xfe admin", "\xc3\x28\x00\x7f"});
    log_in();
    LONGS_EQUAL(1, attempts()); // a password that is too long is not cut and tried
    LONGS_EQUAL(0, daemon.count({"session", "begin"}));
}

TEST(login, keys_that_end_programs_lead_back_to_it) {
    has_password();
    for (const char* keys : {"\x03", "\x04", "\x1a\x1c\r", "\x03", "admin\x03", "admin\r", "\x03", "admin\r", "\x04"}) {
        terminal.types(keys);
    }
    types({"admin", kPassword, "quit"});
    LONGS_EQUAL(0, log_in());
    LONGS_EQUAL(1, attempts());
    LONGS_EQUAL(1, daemon.count({"session", "begin"}));
}

TEST(login, silence_at_the_prompt_is_no_problem_and_a_half_typed_name_is) {
    has_password();
    terminal.waits_seconds(86'400);
    terminal.types("adm");
    terminal.waits_seconds(61);
    types({"admin"});
    terminal.waits_seconds(61);
    types({"admin", kPassword, "quit"});
    LONGS_EQUAL(0, log_in());
    LONGS_EQUAL(1, attempts());
    const std::size_t first = terminal.output.find("took too long");
    CHECK(first != std::string::npos && terminal.output.find("took too long", first + 1) != std::string::npos);
}

TEST(login, a_name_that_was_taken_back_is_not_half_typed) {
    has_password();
    terminal.types("adm\x15");
    terminal.waits_seconds(300);
    types({"admin", kPassword, "quit"});
    LONGS_EQUAL(0, log_in());
    CHECK(!terminal.output.contains("took too long"));
}

TEST(login, a_hang_up_ends_it) {
    has_password();
    terminal.types("admin\rGate");
    LONGS_EQUAL(1, log_in());
    LONGS_EQUAL(0, attempts());
}

TEST(login, the_superusers_ids_are_never_taken) {
    has_password();
    for (const char* ids : {"user 0\ngroup 2000\n", "user 2000\ngroup 0\n", "user 101\ngroup 2000\n", "user 2000\n", "",
                            "user 4294969296\ngroup 2000\n", "user 2000 \ngroup 2000\n", "users 2000\ngroup 2000\n"}) {
        daemon.ids = ids;
        types({"admin", kPassword});
        LONGS_EQUAL(1, log_in());
        LONGS_EQUAL(0, terminal.user);
    }
    LONGS_EQUAL(0, daemon.count({"session", "begin"}));
}

TEST(login, rights_that_are_not_given_up_are_no_session) {
    has_password();
    terminal.refuses_to_become = true;
    types({"admin", kPassword, "show rules"});
    LONGS_EQUAL(1, log_in());
    LONGS_EQUAL(0, daemon.count({"session", "begin"}));
    CHECK(terminal.errors.contains("were not given up"));
}

TEST(login, a_daemon_that_starts_late_is_waited_for_quietly) {
    has_password();
    daemon.silent_calls = 10;
    terminal.waits_seconds(10);
    types({"admin", kPassword, "quit"});
    LONGS_EQUAL(0, log_in());
    CHECK(!terminal.output.contains("does not answer"));
}

TEST(login, a_daemon_that_does_not_answer_is_told_of_once_and_to_who_asks) {
    daemon.running = false;
    terminal.waits_seconds(300);
    LONGS_EQUAL(1, log_in());
    const std::size_t told = terminal.output.find("does not answer");
    CHECK(told != std::string::npos);
    CHECK(terminal.output.find("does not answer", told + 1) == std::string::npos);
    CHECK(terminal.output.contains("control.sock"));

    fakes::FakeTerminal other(clock);
    other.types("admin\r");
    other.types("\r");
    LONGS_EQUAL(1, cli::start("sekisho", Words{"login"}, {daemon, clock, other}));
    CHECK(other.output.contains("does not answer"));
    CHECK(!other.output.contains("login:"));
}

TEST(login, a_daemon_that_goes_away_in_between_is_told_of_and_the_login_goes_on) {
    has_password();
    terminal.on_write = [&](std::string_view text) {
        if (text == "Password: ") {
            daemon.silent_calls = 2; // the attempt and the question for the state
            terminal.on_write = {};
        }
    };
    types({"admin", kPassword});
    terminal.waits_seconds(5);
    types({"admin", kPassword, "quit"});
    LONGS_EQUAL(0, log_in());
    CHECK(terminal.output.contains("does not answer"));
    LONGS_EQUAL(1, daemon.count({"session", "begin"}));
}

TEST(login, damaged_passwords_let_nobody_in_and_are_told_of) {
    daemon.state = "damaged";
    types({"", "admin", kPassword});
    LONGS_EQUAL(1, log_in());
    CHECK(terminal.output.contains("state/credentials: the digest is wrong"));
    CHECK(!terminal.output.contains("New password"));
    LONGS_EQUAL(0, attempts());
}

TEST(login, the_first_password_is_asked_twice_and_the_session_goes_on_as_admin) {
    types({kPassword, kPassword, "show system", "quit"});
    LONGS_EQUAL(0, log_in());
    STRCMP_EQUAL(std::string(kPassword).c_str(), daemon.password.c_str());
    LONGS_EQUAL(2000, terminal.user);
    LONGS_EQUAL(1, daemon.count({"show", "system"}));
    CHECK(terminal.output.contains("WAN port stays down"));
    CHECK(terminal.output.contains("パスワード"));
    CHECK(terminal.output.contains("13 characters"));
    CHECK(!terminal.output.contains("login:"));
    nowhere_but_in_payloads(kPassword);
}

TEST(login, what_the_daemon_has_to_say_of_the_first_password_is_shown) {
    daemon.first_password_warning = "it is lost with the next start\n";
    types({kPassword, kPassword, "quit"});
    LONGS_EQUAL(0, log_in());
    CHECK(terminal.output.contains("it is lost with the next start"));
    CHECK(!terminal.output.contains("user 2000"));
}

TEST(login, a_first_password_that_the_daemon_refuses_is_asked_again) {
    types({"short", "short", kPassword, kPassword, "quit"});
    LONGS_EQUAL(0, log_in());
    CHECK(terminal.output.contains("it has fewer than 13 characters"));
    STRCMP_EQUAL(std::string(kPassword).c_str(), daemon.password.c_str());
}

TEST(login, two_different_first_passwords_set_nothing) {
    types({kPassword, "Gate-of-47-pinse"});
    LONGS_EQUAL(1, log_in());
    CHECK(daemon.password.empty());
    LONGS_EQUAL(0, daemon.count({"authenticate", "first-password"}));
    CHECK(terminal.output.contains("The two differ"));
}

TEST(login, an_empty_first_password_is_passed_over) {
    types({"", "", kPassword, kPassword, "quit"});
    LONGS_EQUAL(0, log_in());
    LONGS_EQUAL(1, daemon.count({"authenticate", "first-password"}));
}

TEST(login, a_first_password_that_was_set_meanwhile_leads_to_the_login) {
    terminal.on_write = [&](std::string_view text) {
        if (text == "Once more: ") {
            has_password();
        }
    };
    types({"Some-other-0000", "Some-other-0000", "admin", kPassword, "quit"});
    LONGS_EQUAL(0, log_in());
    STRCMP_EQUAL(std::string(kPassword).c_str(), daemon.password.c_str());
    CHECK(terminal.output.contains("login: admin"));
}

TEST(login, is_for_the_superuser_on_a_terminal) {
    terminal.user = 2001;
    LONGS_EQUAL(1, log_in());
    terminal.user = 0;
    terminal.interactive = false;
    LONGS_EQUAL(1, log_in());
    LONGS_EQUAL(0, daemon.calls.size());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/accounts_report.hpp"
#include "firmware/services/authentication.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/fakes/fakes.hpp"
#include "tests/unit/fakes/password_hasher.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::CredentialState;

namespace {

constexpr std::string_view kGood = "vR7.quiet-Lamp";
constexpr std::string_view kOther = "Blue4Kettle.Moth";

} // namespace

TEST_GROUP(authentication) {
    fakes::FakeClock clock;
    fakes::FakeStore store;
    fakes::FakeLogFiles files;
    fakes::FakeHasher hasher;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    services::Credentials credentials{store};
    services::Accounts accounts{store, credentials, log};
    services::Authentication service{{hasher, clock}, accounts, credentials, keeper, log, "Sekisho"};
    int released = 0;

    void setup() override {
        service.host_name_from([] { return std::string("gate-keeper"); });
        service.on_first_password([this] { ++released; });
    }

    ports::ControlResponse ask(std::vector<std::string> operands, std::string_view payload = {}) {
        std::vector<std::string> words{"authenticate"};
        words.insert(words.end(), operands.begin(), operands.end());
        const auto invocation = services::parse_command(words);
        return service.authenticate(*invocation, {{0, 1, "root"}, "console", words, std::string(payload)});
    }
    ports::ControlResponse log_in(std::string_view name, std::string_view password) {
        return ask({"password", std::string(name)}, password);
    }
    /// A router whose admin has kGood, and tanaka kOther; suzuki has no password.
    void set_up() {
        CHECK(credentials.set({"admin", fakes::FakeHasher::made_of(kGood), {}, true}).has_value());
        CHECK(credentials.set({"tanaka", fakes::FakeHasher::made_of(kOther), {}, true}).has_value());
        model::Model model;
        model.accounts = {{.name = "tanaka"}, {.name = "suzuki"}};
        CHECK(accounts.follow(model).has_value());
    }
    /// Whether any line of the log holds the text.
    bool logged(std::string_view text) {
        return files.count(text) > 0;
    }
    std::string last_event() {
        return files.lines.front().back();
    }
};

// ---- the first password

TEST(authentication, a_new_router_says_so) {
    STRCMP_EQUAL("state new\n", ask({"state"}).output.c_str());
}

TEST(authentication, the_first_password_is_set_recorded_and_brings_the_wan_up) {
    const auto response = ask({"first-password"}, kGood);
    LONGS_EQUAL(0, response.exit_status);
    STRCMP_EQUAL("user 2000\ngroup 2000\n", response.output.c_str());
    LONGS_EQUAL(1, released);
    STRCMP_EQUAL("state ready\n", ask({"state"}).output.c_str());
    CHECK(logged("\"password-set\""));
    CHECK(last_event().contains("\"user\":{\"name\":\"admin\"}"));
    CHECK(last_event().contains("\"origin\":\"console\""));
    CHECK_FALSE(logged(kGood));
    CHECK_FALSE(logged("$y$"));
    LONGS_EQUAL(0, log_in("admin", kGood).exit_status);
}

TEST(authentication, a_bad_first_password_is_refused_with_the_reasons) {
    const auto response = ask({"first-password"}, "Sekisho12345");
    LONGS_EQUAL(1, response.exit_status);
    CHECK(response.errors.contains("at least 13 are needed.\n"));
    CHECK(response.errors.contains("name of the product.\n"));
    CHECK(ask({"first-password"}, "my-Gate_Keeper.9x7").errors.contains("host name"));
    CHECK(ask({"first-password"}, "my-Admin.9x7-otters").errors.contains("name of the account"));
    CHECK(ask({"first-password"}, "").errors.contains("0 characters"));
    STRCMP_EQUAL("state new\n", ask({"state"}).output.c_str());
    LONGS_EQUAL(0, released);
    LONGS_EQUAL(0, hasher.calls);
}

TEST(authentication, a_second_first_password_is_refused_and_recorded) {
    LONGS_EQUAL(0, ask({"first-password"}, kGood).exit_status);
    const auto response = ask({"first-password"}, kOther);
    LONGS_EQUAL(1, response.exit_status);
    CHECK(response.errors.contains("was set already"));
    CHECK(last_event().contains("\"reason\":\"not-new\""));
    LONGS_EQUAL(0, log_in("admin", kGood).exit_status);
    LONGS_EQUAL(1, log_in("admin", kOther).exit_status);
    LONGS_EQUAL(1, released);
}

TEST(authentication, a_first_password_that_can_not_be_stored_lets_in_and_leaves_the_wan_down) {
    store.full = true;
    const auto response = ask({"first-password"}, kGood);
    LONGS_EQUAL(0, response.exit_status);
    CHECK(response.errors.contains("no space left"));
    CHECK(response.errors.contains("WAN stays down"));
    LONGS_EQUAL(0, released);
    LONGS_EQUAL(0, log_in("admin", kGood).exit_status);
    CHECK(logged("\"not-stored\""));
}

TEST(authentication, a_first_password_that_can_not_be_hashed_is_not_set) {
    hasher.refuse = true;
    LONGS_EQUAL(1, ask({"first-password"}, kGood).exit_status);
    STRCMP_EQUAL("state new\n", ask({"state"}).output.c_str());
}

TEST(authentication, before_the_first_password_nobody_logs_in) {
    const auto response = log_in("admin", "");
    LONGS_EQUAL(1, response.exit_status);
    CHECK(response.errors.contains("no password was set yet"));
}

// ---- logging in

TEST(authentication, an_account_with_its_password_gets_its_ids) {
    set_up();
    STRCMP_EQUAL("user 2000\ngroup 2000\n", log_in("admin", kGood).output.c_str());
    STRCMP_EQUAL("user 2001\ngroup 2000\n", log_in("tanaka", kOther).output.c_str());
}

TEST(authentication, a_wrong_one_is_refused_recorded_and_delayed) {
    set_up();
    const auto response = log_in("admin", kOther);
    LONGS_EQUAL(1, response.exit_status);
    STRCMP_EQUAL("the account or the password is wrong\n", response.errors.c_str());
    STRCMP_EQUAL("wait 1\n", response.output.c_str());
    CHECK(last_event().contains("\"action\":\"login\""));
    CHECK(last_event().contains("\"outcome\":\"failure\""));
    CHECK(last_event().contains("\"user\":{\"name\":\"admin\"}"));
    CHECK(last_event().contains("\"origin\":\"console\""));
    CHECK_FALSE(logged(kOther));
}

TEST(authentication, an_attempt_before_its_time_is_refused_unchecked) {
    set_up();
    CHECK(log_in("admin", "x").exit_status == 1);
    const int calls = hasher.calls;
    const auto response = log_in("admin", kGood); // even with the right one
    LONGS_EQUAL(1, response.exit_status);
    STRCMP_EQUAL("wait 1\n", response.output.c_str());
    LONGS_EQUAL(calls, hasher.calls);
    LONGS_EQUAL(1, files.count("too-early"));
    CHECK(log_in("tanaka", kOther).output == "wait 1\n"); // the console as a whole waits
    LONGS_EQUAL(1, files.count("too-early"));
    clock.advance_seconds(1);
    LONGS_EQUAL(0, log_in("admin", kGood).exit_status);
}

TEST(authentication, waits_double_and_a_success_ends_them) {
    set_up();
    for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
        CHECK(log_in("admin", "x").output == "wait " + text::to_text(static_cast<std::uint64_t>(wait)) + "\n");
        clock.advance_seconds(wait);
    }
    LONGS_EQUAL(0, log_in("admin", kGood).exit_status);
    CHECK(log_in("admin", "x").output == "wait 1\n");
}

TEST(authentication, an_account_that_is_none_takes_the_same_time_and_wait) {
    set_up();
    for (const char* name : {"nobody-here", "suzuki", "root", "", "Admin", "a b\n"}) {
        const int calls = hasher.calls;
        const auto response = log_in(name, kGood);
        STRCMP_EQUAL("the account or the password is wrong\n", response.errors.c_str());
        STRCMP_EQUAL("wait 1\n", response.output.c_str());
        LONGS_EQUAL(calls + 1, hasher.calls);
        clock.advance_seconds(1);
        LONGS_EQUAL(0, log_in("admin", kGood).exit_status);
    }
}

TEST(authentication, a_removed_account_does_not_log_in_with_its_password) {
    set_up();
    CHECK(accounts.follow(model::Model{}).has_value());
    LONGS_EQUAL(1, log_in("tanaka", kOther).exit_status);
}

TEST(authentication, a_name_is_recorded_in_bounds) {
    set_up();
    std::string name;
    for (int time = 0; time < 1000; ++time) {
        name += "\xe5\xb1\xb1";
    }
    CHECK(log_in(name, "x").exit_status == 1);
    CHECK(last_event().contains("\xe5\xb1\xb1…\"}"));
    CHECK(last_event().size() < 800);
    clock.advance_seconds(60);
    CHECK(log_in("a\"b\x1b[2J\xff", "x").exit_status == 1);
    CHECK(last_event().contains("a\\\"b"));
    CHECK_FALSE(last_event().contains('\x1b'));
}

TEST(authentication, the_time_of_a_password_tells_whether_the_clock_could_be_relied_on) {
    clock.is_synchronised = false;
    LONGS_EQUAL(0, ask({"first-password"}, kGood).exit_status);
    CHECK_FALSE(credentials.find("admin")->clock_synchronised);
}

// ---- damage

TEST(authentication, damaged_credentials_let_nobody_in_and_say_why) {
    set_up();
    store.files["state/credentials"] = "";
    store.files["state/credentials-copy"] = "";
    CHECK_FALSE(credentials.load().has_value());
    const auto state = ask({"state"});
    STRCMP_EQUAL("state damaged\n", state.output.c_str());
    CHECK(state.errors.contains("digest does not match"));
    for (const auto& response : {log_in("admin", kGood), log_in("admin", "")}) {
        LONGS_EQUAL(1, response.exit_status);
        STRCMP_EQUAL("wait 1\n", response.output.c_str());
    }
    clock.advance_seconds(1);
    CHECK(log_in("admin", kGood).errors.contains("no password can be checked"));
    const auto first = ask({"first-password"}, kGood);
    LONGS_EQUAL(1, first.exit_status);
    CHECK(first.errors.contains("digest does not match"));
    LONGS_EQUAL(0, released);
}

TEST(authentication, what_is_no_question_is_not_understood) {
    for (const auto& words : std::vector<std::vector<std::string>>{
             {}, {"stat"}, {"state", "x"}, {"first-password", "x"}, {"password"}, {"password", "a", "b"}}) {
        LONGS_EQUAL(2, ask(words, kGood).exit_status);
    }
}

// ---- show accounts

TEST(authentication, accounts_are_shown_with_what_they_log_in_with) {
    set_up();
    model::Model model;
    model.accounts = {
        {.name = "tanaka",
         .description = "Vendor\x1b[2J",
         .ssh_keys = {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBzrWmAVHw4OqQkJ0LNURtQK8lijA1Ah2YE6Mus+SLtQ"}}};
    CHECK(accounts.follow(model).has_value());
    accounts.note_login("tanaka", Time::from_seconds(1'795'000'000));
    const auto shown = [&](std::vector<std::string> words) {
        return services::show_accounts(*services::parse_command(words), accounts, credentials, 540).output;
    };
    const std::string text = shown({"show", "accounts"});
    CHECK(text.contains("ssh-ed25519 SHA256:HAyIvKVkPF2mqGmrzIlxS2BYdXfXpotw6qPhZEZjyLw"));
    CHECK(text.contains("since 1970-01-01T09:00:00.000000+09:00"));
    CHECK_FALSE(text.contains('\x1b'));
    CHECK(text.contains("2 accounts"));
    const std::string json = shown({"show", "accounts", "--json"});
    CHECK(
        json.contains("{\"name\":\"tanaka\",\"description\":\"Vendor\\u001b[2J\",\"may_log_in\":true,\"user_id\":2001,"
                      "\"password\":true,\"password_since\":\"1970-01-01T00:00:00.000000Z\","
                      "\"password_clock_synchronised\":true,\"ssh_keys\":[{\"type\":\"ssh-ed25519\",\"fingerprint\":"));
    CHECK(json.contains("\"last_login\":\"2026-11-18T"));
    CHECK(json.contains("{\"name\":\"admin\",\"description\":null,"));
    CHECK(json.ends_with("\"credentials\":\"ready\",\"problem\":null}\n"));
    CHECK_FALSE(json.contains("$y$"));
}

TEST(authentication, a_new_router_is_shown_as_one) {
    const auto text = services::show_accounts(*services::parse_command(std::vector<std::string>{"show", "accounts"}),
                                              accounts, credentials, 0);
    CHECK(text.output.contains("no password was set yet"));
}

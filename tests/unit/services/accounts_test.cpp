// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/accounts.hpp"
#include "firmware/services/credentials.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::Accounts;

TEST_GROUP(accounts) {
    fakes::FakeClock clock;
    fakes::FakeStore store;
    fakes::FakeLogFiles files;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    services::Credentials credentials{store};
    std::unique_ptr<Accounts> service;
    int changes = 0;

    void setup() override {
        start();
    }
    void start() {
        service = std::make_unique<Accounts>(store, credentials, log);
        service->on_change([this] { ++changes; });
        service->load();
    }
    Result<void> follow(std::vector<std::string> names) {
        model::Model model;
        for (std::string& name : names) {
            model.accounts.push_back({.name = std::move(name)});
        }
        return service->follow(model);
    }
    std::string name(std::uint32_t id) {
        return service->name_of(id).value_or("-");
    }
};

TEST(accounts, admin_is_there_without_any_configuration) {
    STRCMP_EQUAL("admin", name(2000).c_str());
    CHECK_EQUAL(1, service->logins().size());
    CHECK_EQUAL(2000, service->logins()[0].user_id);
    CHECK_FALSE(service->logins()[0].has_password);
}

TEST(accounts, nobody_else_is) {
    for (const std::uint32_t id : {0u, 1u, 1000u, 1999u, 2001u, 65534u, 0xffffffffu}) {
        CHECK_FALSE(service->name_of(id).has_value());
    }
}

TEST(accounts, names_get_ids_in_the_order_of_their_coming) {
    CHECK(follow({"tanaka", "suzuki"}).has_value());
    STRCMP_EQUAL("tanaka", name(2001).c_str());
    STRCMP_EQUAL("suzuki", name(2002).c_str());
    CHECK(follow({"abe", "suzuki", "tanaka"}).has_value());
    STRCMP_EQUAL("tanaka", name(2001).c_str());
    STRCMP_EQUAL("abe", name(2003).c_str());
}

TEST(accounts, a_removed_account_is_nobody_and_its_id_is_nobody_else_s) {
    CHECK(follow({"tanaka", "suzuki"}).has_value());
    CHECK(follow({"abe"}).has_value());
    CHECK_FALSE(service->name_of(2001).has_value());
    CHECK_FALSE(service->name_of(2002).has_value());
    STRCMP_EQUAL("abe", name(2003).c_str());
    // who it was is known for records
    STRCMP_EQUAL("suzuki", service->recorded_name_of(2002)->c_str());
    CHECK_EQUAL(2, service->logins().size());

    start(); // also after a start, and without what the configuration says
    CHECK_FALSE(service->name_of(2003).has_value());
    CHECK(follow({"sato", "suzuki"}).has_value());
    STRCMP_EQUAL("suzuki", name(2002).c_str()); // the same name: the same id
    STRCMP_EQUAL("sato", name(2004).c_str());
    CHECK_FALSE(service->name_of(2001).has_value());
}

TEST(accounts, an_entry_of_admin_gives_it_keys_and_no_other_id) {
    model::Model model;
    model.accounts = {{.name = "tanaka"}, {.name = "admin", .description = "Vendor", .ssh_keys = {"ssh-ed25519 AAAA"}}};
    CHECK(service->follow(model).has_value());
    const auto logins = service->logins();
    CHECK_EQUAL(2, logins.size());
    STRCMP_EQUAL("admin", logins[0].name.c_str());
    CHECK_EQUAL(2000, logins[0].user_id);
    CHECK(logins[0].ssh_keys == std::vector<std::string>{"ssh-ed25519 AAAA"});
    STRCMP_EQUAL("Vendor", service->configured()[0].description.c_str());
}

TEST(accounts, changes_are_told_and_nothing_else) {
    CHECK(follow({}).has_value());
    LONGS_EQUAL(0, changes);
    CHECK(follow({"tanaka"}).has_value());
    LONGS_EQUAL(1, changes);
    CHECK(follow({"tanaka"}).has_value());
    LONGS_EQUAL(1, changes);
    model::Model model;
    model.accounts = {{.name = "tanaka", .ssh_keys = {"ssh-ed25519 AAAA"}}};
    CHECK(service->follow(model).has_value());
    LONGS_EQUAL(2, changes);
    CHECK(follow({}).has_value());
    LONGS_EQUAL(3, changes);
}

TEST(accounts, a_name_whose_id_can_not_be_written_down_may_not_log_in) {
    CHECK(follow({"tanaka"}).has_value());
    store.full = true;
    CHECK_FALSE(follow({"tanaka", "suzuki"}).has_value());
    STRCMP_EQUAL("tanaka", name(2001).c_str());
    CHECK_FALSE(service->name_of(2002).has_value());
    CHECK(service->why().contains("no space left"));
    store.full = false;
    CHECK(follow({"tanaka", "suzuki"}).has_value());
    STRCMP_EQUAL("suzuki", name(2002).c_str());
    CHECK(service->why().empty());
}

TEST(accounts, a_file_that_can_not_be_read_closes_logins_rather_than_handing_out_ids_anew) {
    CHECK(follow({"tanaka", "suzuki"}).has_value());
    store.files["state/accounts"] += "x";
    store.files["state/accounts-copy"] += "x";
    const auto damaged = store.files;
    start();
    CHECK(follow({"suzuki", "abe"}).has_value());
    STRCMP_EQUAL("admin", name(2000).c_str());
    for (std::uint32_t id = 2001; id < 2005; ++id) {
        CHECK_FALSE(service->name_of(id).has_value());
    }
    CHECK(service->why().contains("digest does not match"));
    CHECK(files.count("digest does not match") == 1);
    CHECK(store.files == damaged);
}

TEST(accounts, a_damaged_file_falls_back_on_its_copy_and_says_so) {
    CHECK(follow({"tanaka"}).has_value());
    store.files["state/accounts"] = "";
    start();
    CHECK(follow({"suzuki", "tanaka"}).has_value());
    STRCMP_EQUAL("tanaka", name(2001).c_str());
    STRCMP_EQUAL("suzuki", name(2002).c_str());
    CHECK(files.count("its copy is used") == 1);
}

TEST(accounts, ids_run_out_and_are_not_begun_anew) {
    store.files["state/accounts"] = accounts::user_ids_text({{"last", accounts::kLastUserId}}).value();
    start();
    CHECK_FALSE(follow({"tanaka", "last"}).has_value());
    STRCMP_EQUAL("last", name(accounts::kLastUserId).c_str());
    CHECK_FALSE(service->id_of("tanaka").has_value());
}

TEST(accounts, logins_say_who_has_a_password) {
    CHECK(credentials.set({"tanaka", "$y$x", {}, true}).has_value());
    CHECK(follow({"suzuki", "tanaka"}).has_value());
    const auto logins = service->logins();
    CHECK_FALSE(logins[0].has_password);
    CHECK_FALSE(logins[1].has_password);
    CHECK_TRUE(logins[2].has_password);
}

TEST(accounts, last_logins_are_of_accounts) {
    service->note_login("admin", Time::from_seconds(5));
    service->note_login("root", Time::from_seconds(6));
    CHECK(service->last_login("admin") == Time::from_seconds(5));
    CHECK_FALSE(service->last_login("root").has_value());
}

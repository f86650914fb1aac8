// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/credentials.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::Credentials;
using services::CredentialState;

namespace {
const accounts::Credential kAdmin{"admin", "$y$one", Time::from_seconds(1'795'000'000), true};
} // namespace

TEST_GROUP(credentials) {
    fakes::FakeStore store;
    Credentials credentials{store};

    bool is(CredentialState state, std::string_view why = {}) {
        return credentials.state() == state && credentials.why().contains(why) &&
               credentials.why().empty() == why.empty();
    }
};

TEST(credentials, a_router_that_never_had_a_password_is_new) {
    store.files["state/factory"] = "";
    CHECK(credentials.load().has_value());
    CHECK(is(CredentialState::fresh));
    CHECK(credentials.find("admin") == nullptr);
}

TEST(credentials, what_is_set_survives_a_start) {
    CHECK(credentials.set(kAdmin)->empty());
    CHECK(is(CredentialState::ready));
    Credentials later(store);
    CHECK(later.load().has_value());
    CHECK(later.state() == CredentialState::ready);
    CHECK(*later.find("admin") == kAdmin);
    CHECK(later.find("tanaka") == nullptr);
}

TEST(credentials, a_new_password_replaces_the_old_one_everywhere) {
    CHECK(credentials.set(kAdmin).has_value());
    CHECK(credentials.set({"admin", "$y$two", {}, false}).has_value());
    for (const auto& [name, text] : store.files) {
        CHECK_FALSE(text.contains("$y$one"));
    }
    STRCMP_EQUAL("$y$two", credentials.find("admin")->hash.c_str());
}

TEST(credentials, a_damaged_file_falls_back_on_its_copy_and_says_so) {
    CHECK(credentials.set(kAdmin).has_value());
    store.files["state/credentials"][100] ^= 1;
    const auto loaded = credentials.load();
    CHECK_FALSE(loaded.has_value());
    CHECK(loaded.error().message().contains("its copy is used"));
    CHECK(is(CredentialState::ready));
    CHECK(credentials.find("admin") != nullptr);
    CHECK(credentials.load().has_value()); // mended
}

TEST(credentials, both_damaged_is_no_new_router) {
    CHECK(credentials.set(kAdmin).has_value());
    store.files["state/factory"] = "";
    for (const char* name : {"state/credentials", "state/credentials-copy"}) {
        store.files[name] = std::string(4096, '\0');
    }
    CHECK_FALSE(credentials.load().has_value());
    CHECK(is(CredentialState::damaged, "digest does not match"));
    CHECK(credentials.find("admin") == nullptr);
}

TEST(credentials, empty_files_are_no_new_router) {
    store.files["state/credentials"] = "";
    CHECK_FALSE(credentials.load().has_value());
    CHECK(is(CredentialState::damaged, "digest"));
    store.files["state/credentials"] = accounts::credentials_text({}).value();
    CHECK_FALSE(credentials.load().has_value());
    CHECK(is(CredentialState::damaged, "no password in it"));
}

TEST(credentials, a_configured_router_without_any_has_lost_them) {
    for (const char* name : {"config/committed.conf", "config/committed-copy.conf", "config/last-good.conf"}) {
        store.files = {{name, "x"}};
        CHECK_FALSE(credentials.load().has_value());
        CHECK(is(CredentialState::damaged, "was configured"));
    }
}

TEST(credentials, what_can_not_be_stored_holds_until_the_end) {
    store.full = true;
    CHECK_FALSE(credentials.set(kAdmin).has_value());
    CHECK(is(CredentialState::ready));
    CHECK(credentials.find("admin") != nullptr);
    store.full = false;
    CHECK(credentials.load().has_value());
    CHECK(is(CredentialState::fresh));
}

TEST(credentials, what_could_not_be_stored_is_tried_again_when_asked) {
    store.full = true;
    CHECK_FALSE(credentials.set(kAdmin).has_value());
    CHECK_FALSE(credentials.store_unsaved().has_value());
    store.full = false;
    CHECK(credentials.store_unsaved() == true);
    CHECK(credentials.store_unsaved() == false);
    Credentials next(store);
    CHECK(next.load().has_value());
    CHECK(next.find("admin") != nullptr);
}

TEST(credentials, what_could_not_be_read_back_is_not_taken) {
    CHECK_FALSE(credentials.set({"admin", "not a hash", {}, true}).has_value());
    CHECK(is(CredentialState::fresh));
}

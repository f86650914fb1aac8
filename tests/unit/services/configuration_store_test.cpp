// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/configuration_store.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::ConfigurationStore;

TEST_GROUP(configuration_store) {
    fakes::FakeStore files;
    ConfigurationStore store{files};
};

TEST(configuration_store, a_committed_text_is_read_back) {
    CHECK(store.prepare("system { }\n").has_value());
    CHECK_FALSE(store.read(ConfigurationStore::kCommitted).has_value());
    CHECK(store.commit().has_value());
    STRCMP_EQUAL("system { }\n", store.read(ConfigurationStore::kCommitted)->c_str());
}

TEST(configuration_store, the_former_commit_becomes_the_last_good_one) {
    for (const char* text : {"one", "two"}) {
        CHECK(store.prepare(text).has_value());
        CHECK(store.commit().has_value());
    }
    STRCMP_EQUAL("two", store.read(ConfigurationStore::kCommitted)->c_str());
    STRCMP_EQUAL("one", store.read(ConfigurationStore::kLastGood)->c_str());
}

TEST(configuration_store, a_changed_byte_is_damage) {
    CHECK(store.prepare("address 10.0.0.1").has_value());
    CHECK(store.commit().has_value());
    files.files["config/committed.conf"].back() = '2';
    const auto text = store.read(ConfigurationStore::kCommitted);
    CHECK_FALSE(text.has_value());
    CHECK(text.error().message().contains("damaged"));
}

TEST(configuration_store, a_file_without_a_digest_is_damage) {
    for (const char* contents : {"", "system { }\n", "# sha256 00\nsystem { }\n"}) {
        files.files["config/committed.conf"] = contents;
        CHECK_FALSE(store.read(ConfigurationStore::kCommitted).has_value());
    }
}

TEST(configuration_store, the_first_commit_ends_the_factory_state) {
    files.files["state/factory"] = "";
    CHECK(store.is_factory());
    CHECK(store.prepare("x").has_value());
    CHECK(store.is_factory());
    CHECK(store.commit().has_value());
    CHECK_FALSE(store.is_factory());
}

TEST(configuration_store, a_commit_that_fails_leaves_the_committed_one) {
    CHECK(store.prepare("one").has_value());
    CHECK(store.commit().has_value());
    CHECK(store.prepare("two").has_value());
    files.refuse_renames_to = "config/committed.conf";
    CHECK_FALSE(store.commit().has_value());
    files.refuse_renames_to.clear();
    STRCMP_EQUAL("one", store.read(ConfigurationStore::kLastGood)->c_str()); // what a start now finds
}

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

TEST(configuration_store, a_mark_beside_a_configuration_is_no_factory_state_and_goes) {
    for (const std::string_view name :
         {ConfigurationStore::kCommitted, ConfigurationStore::kCopy, ConfigurationStore::kLastGood}) {
        files.files = {{"state/factory", ""}, {std::string(name), "damaged"}};
        CHECK_FALSE(store.is_factory());
        CHECK(store.leave_factory_state().has_value());
        CHECK_FALSE(files.exists("state/factory"));
    }
    files.files = {{"state/factory", ""}};
    CHECK(store.leave_factory_state().has_value());
    CHECK(store.is_factory());
}

TEST(configuration_store, what_fails_after_the_switch_is_told_and_the_commit_holds) {
    files.files["state/factory"] = "";
    files.refuse_removal_of = "state/factory";
    files.refuse_writes_to = "config/committed-copy.conf";
    CHECK(store.prepare("one").has_value());
    const auto committed = store.commit();
    CHECK(committed.has_value());
    LONGS_EQUAL(2, committed->size());
    STRCMP_EQUAL("one", store.read(ConfigurationStore::kCommitted)->c_str());
    CHECK_FALSE(store.is_factory());
}

TEST(configuration_store, a_commit_keeps_a_copy_of_itself) {
    for (const char* text : {"one", "two"}) {
        CHECK(store.prepare(text).has_value());
        CHECK(store.commit()->empty());
        STRCMP_EQUAL(text, store.read(ConfigurationStore::kCopy)->c_str());
    }
}

TEST(configuration_store, a_copy_that_can_not_be_written_leaves_none_of_an_older_commit) {
    CHECK(store.prepare("one").has_value());
    CHECK(store.commit().has_value());
    files.refuse_writes_to = "config/committed-copy.conf";
    CHECK(store.prepare("two").has_value());
    CHECK(store.commit().has_value());
    CHECK_FALSE(files.exists(ConfigurationStore::kCopy));
}

TEST(configuration_store, a_commit_over_a_damaged_one_makes_its_copy_the_last_good_one) {
    CHECK(store.prepare("one").has_value());
    CHECK(store.commit().has_value());
    files.files["config/committed.conf"] = "damaged";
    CHECK(store.prepare("two").has_value());
    CHECK(store.commit().has_value());
    STRCMP_EQUAL("two", store.read(ConfigurationStore::kCommitted)->c_str());
    STRCMP_EQUAL("one", store.read(ConfigurationStore::kLastGood)->c_str());
}

TEST(configuration_store, a_commit_over_a_damaged_one_without_a_copy_keeps_the_last_good_one) {
    for (const char* text : {"one", "two", "three"}) {
        CHECK(store.prepare(text).has_value());
        CHECK(store.commit().has_value());
        if (std::string_view(text) == "two") {
            files.files["config/committed.conf"] = "damaged";
            files.files["config/committed-copy.conf"] = "damaged";
        }
    }
    STRCMP_EQUAL("one", store.read(ConfigurationStore::kLastGood)->c_str());
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

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/twin_file.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

/// What begins with "whole" is whole.
Result<void> check(std::string_view text) {
    return text.starts_with("whole") ? Result<void>() : std::unexpected(Error(Domain::account, "file", "is damaged"));
}

} // namespace

TEST_GROUP(twin_file) {
    fakes::FakeStore store;
    services::TwinFile file{store, "state/x", 100};

    std::string text() {
        return *file.read(check)->text;
    }
};

TEST(twin_file, what_was_never_written_is_nothing) {
    const auto reading = file.read(check);
    CHECK(reading.has_value());
    CHECK_FALSE(reading->text.has_value());
    CHECK(reading->trouble.empty());
}

TEST(twin_file, both_hold_what_was_written) {
    CHECK(file.write("whole 1")->empty());
    STRCMP_EQUAL("whole 1", store.files["state/x"].c_str());
    STRCMP_EQUAL("whole 1", store.files["state/x-copy"].c_str());
    STRCMP_EQUAL("whole 1", text().c_str());
}

TEST(twin_file, the_copy_stands_in_for_a_damaged_or_missing_file_and_mends_it) {
    for (const char* damage : {"", "torn", "missing"}) {
        CHECK(file.write("whole 1").has_value());
        if (std::string_view(damage) == "missing") {
            store.files.erase("state/x");
        } else {
            store.files["state/x"] = damage;
        }
        const auto reading = file.read(check);
        STRCMP_EQUAL("whole 1", reading->text->c_str());
        CHECK(reading->trouble.contains("its copy is used"));
        STRCMP_EQUAL("whole 1", store.files["state/x"].c_str());
        CHECK(file.read(check)->trouble.empty());
    }
}

TEST(twin_file, a_damaged_or_older_copy_is_mended_without_a_word) {
    CHECK(file.write("whole 1").has_value());
    for (const char* copy : {"torn", "whole 0"}) {
        store.files["state/x-copy"] = copy;
        CHECK(file.read(check)->trouble.empty());
        STRCMP_EQUAL("whole 1", store.files["state/x-copy"].c_str());
    }
}

TEST(twin_file, both_damaged_is_an_error_that_names_both) {
    store.files["state/x"] = "torn";
    auto reading = file.read(check);
    CHECK_FALSE(reading.has_value());
    CHECK(reading.error().message().contains("is damaged"));
    CHECK(reading.error().message().contains("state/x-copy: is missing"));
    store.files["state/x-copy"] = std::string(200, 'x');
    CHECK(file.read(check).error().message().contains("is too large"));
    STRCMP_EQUAL("torn", store.files["state/x"].c_str()); // nothing is written over it
}

/// A power cut after any step of a write: what is read is the old or the new text, and never the old one again once the
/// new one was there.
TEST(twin_file, a_power_cut_within_a_write) {
    CHECK(file.write("whole 1").has_value());
    store.refuse_writes_to = "state/x"; // cut before the file
    CHECK_FALSE(file.write("whole 2").has_value());
    CHECK_FALSE(store.exists("state/x-copy"));
    store.refuse_writes_to.clear();
    STRCMP_EQUAL("whole 1", text().c_str());
    STRCMP_EQUAL("whole 1", store.files["state/x-copy"].c_str());

    store.refuse_writes_to = "state/x-copy"; // cut before the copy
    CHECK(file.write("whole 2")->contains("no space left"));
    CHECK_FALSE(store.exists("state/x-copy"));
    store.files["state/x"] = "torn";
    CHECK_FALSE(file.read(check).has_value()); // and not "whole 1"
}

TEST(twin_file, a_copy_that_can_not_be_removed_keeps_the_file_as_it_is) {
    CHECK(file.write("whole 1").has_value());
    store.refuse_removal_of = "state/x-copy";
    CHECK_FALSE(file.write("whole 2").has_value());
    STRCMP_EQUAL("whole 1", text().c_str());
}

TEST(twin_file, a_file_that_can_not_be_mended_is_told) {
    store.files["state/x-copy"] = "whole 1";
    store.full = true;
    const auto reading = file.read(check);
    STRCMP_EQUAL("whole 1", reading->text->c_str());
    CHECK(reading->trouble.contains("no space left"));
}

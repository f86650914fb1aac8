// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/storage/file_store.hpp"
#include "tests/unit/drivers/folder_fixture.hpp"

#include <cerrno>
#include <filesystem>

#include <CppUTest/TestHarness.h>
#include <sys/stat.h>

using namespace sekisho;
using namespace sekisho::drivers;

TEST_GROUP(file_store) {
    tests::Folder folder;
    std::unique_ptr<FileStore> store = FileStore::open(folder.path()).value();
};

TEST(file_store, what_is_written_is_read) {
    CHECK_TRUE(store->write("config/committed.conf", "system {}\n").has_value());
    CHECK_TRUE(store->exists("config/committed.conf"));
    STRCMP_EQUAL("system {}\n", store->read("config/committed.conf", 100).value().c_str());
}

TEST(file_store, any_bytes_and_no_bytes) {
    const std::string bytes("\0\xff\n\0", 4);
    CHECK_TRUE(store->write("a", bytes).has_value());
    CHECK_TRUE(store->read("a", 4).value() == bytes);
    CHECK_TRUE(store->write("a", "").has_value());
    CHECK_TRUE(store->read("a", 0).value().empty());
}

TEST(file_store, writing_replaces) {
    CHECK_TRUE(store->write("a", "a longer text").has_value());
    CHECK_TRUE(store->write("a", "short").has_value());
    STRCMP_EQUAL("short", store->read("a", 100).value().c_str());
    CHECK_FALSE(folder.has("a.new"));
}

TEST(file_store, files_are_not_for_everybody) {
    CHECK_TRUE(store->write("config/a", "x").has_value());
    struct stat status{};
    CHECK_EQUAL(0, stat(folder.path("config/a").c_str(), &status));
    CHECK_EQUAL(0, status.st_mode & 07);
    CHECK_EQUAL(0, stat(folder.path("config").c_str(), &status));
    CHECK_EQUAL(0, status.st_mode & 07);
}

TEST(file_store, readable_files_are_for_everybody_whatever_the_umask) {
    const mode_t mask = umask(0077);
    CHECK_TRUE(store->write_readable("ssh/keys/a", "x").has_value());
    umask(mask);
    struct stat status{};
    CHECK_EQUAL(0, stat(folder.path("ssh/keys/a").c_str(), &status));
    CHECK_EQUAL(0644, status.st_mode & 07777);
    for (const char* name : {"ssh", "ssh/keys"}) {
        CHECK_EQUAL(0, stat(folder.path(name).c_str(), &status));
        CHECK_EQUAL(0755, status.st_mode & 07777);
    }
    CHECK_TRUE(store->write("ssh/keys/a", "x").has_value()); // and no longer
    CHECK_EQUAL(0, stat(folder.path("ssh/keys/a").c_str(), &status));
    CHECK_EQUAL(0600, status.st_mode & 07777);
}

TEST(file_store, absent) {
    CHECK_FALSE(store->exists("a"));
    CHECK_FALSE(store->exists("folder/a"));
    CHECK_EQUAL(ENOENT, store->read("a", 1).error().number());
    CHECK_EQUAL(ENOENT, store->read("folder/a", 1).error().number());
    CHECK_TRUE(store->remove("a").has_value());
    CHECK_TRUE(store->remove("folder/a").has_value());
    CHECK_FALSE(folder.has("folder")); // reading makes nothing
    CHECK_FALSE(store->rename("a", "b").has_value());
}

TEST(file_store, larger_than_allowed) {
    CHECK_TRUE(store->write("a", "12345").has_value());
    const auto result = store->read("a", 4);
    CHECK_FALSE(result.has_value());
    STRCMP_EQUAL("storage: a: is larger than 4 bytes", result.error().message().c_str());
    CHECK_TRUE(store->read("a", 5).has_value());
}

TEST(file_store, renames_over_another) {
    CHECK_TRUE(store->write("new-one", "new").has_value());
    CHECK_TRUE(store->write("config/old", "old").has_value());
    CHECK_TRUE(store->rename("new-one", "config/old").has_value());
    CHECK_FALSE(store->exists("new-one"));
    STRCMP_EQUAL("new", store->read("config/old", 10).value().c_str());
}

TEST(file_store, removes) {
    CHECK_TRUE(store->write("a", "x").has_value());
    CHECK_TRUE(store->remove("a").has_value());
    CHECK_FALSE(store->exists("a"));
}

TEST(file_store, names_that_leave_the_folder_are_refused) {
    folder.put("inside/secret", "x");
    FileStore& inside = *store;
    for (const char* name : {"", "/", "/etc/passwd", "..", "../a", "a/../b", ".", "./a", "a/", "/a", "a//b", ".hidden",
                             "-a", "a b", "a\nb", "a.new", "a\\b", "\xff"}) {
        CHECK_FALSE(inside.exists(name));
        CHECK_FALSE(inside.read(name, 100).has_value());
        CHECK_FALSE(inside.write(name, "x").has_value());
        CHECK_FALSE(inside.remove(name).has_value());
        CHECK_FALSE(inside.rename("inside/secret", name).has_value());
        CHECK_FALSE(inside.rename(name, "b").has_value());
    }
    CHECK_FALSE(store->read(std::string("a\0b", 3), 1).has_value());
    CHECK_TRUE(store->exists("inside/secret"));
}

TEST(file_store, symbolic_links_are_not_followed) {
    folder.put("outside", "secret");
    std::filesystem::create_symlink("outside", folder.path("link"));
    std::filesystem::create_directory_symlink("/", folder.path("root"));
    CHECK_FALSE(store->exists("link"));
    CHECK_FALSE(store->read("link", 100).has_value());
    CHECK_FALSE(store->read("root/etc/passwd", 1 << 20).has_value());
    CHECK_FALSE(store->write("root/tmp/a", "x").has_value());
    CHECK_TRUE(store->write("link", "own").has_value()); // replaces the link itself
    STRCMP_EQUAL("secret", folder.get("outside").c_str());
}

TEST(file_store, a_link_in_the_place_of_what_is_written_is_not_followed) {
    folder.put("outside", "secret");
    std::filesystem::create_symlink("outside", folder.path("a.new"));
    CHECK_TRUE(store->write("a", "x").has_value());
    STRCMP_EQUAL("secret", folder.get("outside").c_str());
}

TEST(file_store, what_is_no_file_is_refused) {
    std::filesystem::create_directory(folder.path("folder"));
    CHECK_EQUAL(0, mkfifo(folder.path("fifo").c_str(), 0600));
    CHECK_FALSE(store->exists("folder"));
    CHECK_FALSE(store->read("folder", 100).has_value());
    CHECK_FALSE(store->read("fifo", 100).has_value()); // and doesn't wait for a writer
    CHECK_FALSE(store->write("folder", "x").has_value());
    CHECK_FALSE(folder.has("folder.new"));
}

TEST(file_store, missing_data_folder) {
    CHECK_FALSE(FileStore::open(folder.path("missing")).has_value());
}

TEST(file_store, power_cut_before_the_rename) {
    CHECK_TRUE(store->write("config/committed.conf", "whole").has_value());
    folder.put("config/committed.conf.new", "hal"); // what a power cut leaves
    folder.put("top.new", "");
    folder.put("kept.newer", "x");
    store = FileStore::open(folder.path()).value();
    CHECK_FALSE(folder.has("config/committed.conf.new"));
    CHECK_FALSE(folder.has("top.new"));
    CHECK_TRUE(folder.has("kept.newer"));
    STRCMP_EQUAL("whole", store->read("config/committed.conf", 100).value().c_str());
}

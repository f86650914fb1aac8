// SPDX-License-Identifier: GPL-2.0-or-later
// Storage on a full medium: a tmpfs of 64 KiB, mounted where only this program sees it.
#include "drivers/storage/file_store.hpp"
#include "drivers/storage/log_files.hpp"
#include "tests/unit/drivers/folder_fixture.hpp"

#include <cerrno>

#include <CppUTest/TestHarness.h>
#include <sys/mount.h>

using namespace sekisho;
using namespace sekisho::drivers;

TEST_GROUP(full_disk) {
    tests::Folder folder;

    void setup() override {
        CHECK_EQUAL(0, mount("none", folder.path().c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=64k"));
    }
    void teardown() override {
        CHECK_EQUAL(0, umount2(folder.path().c_str(), MNT_DETACH));
    }
};

TEST(full_disk, the_store_keeps_the_old_contents) {
    auto store = FileStore::open(folder.path()).value();
    CHECK_TRUE(store->write("committed.conf", "old").has_value());
    const auto result = store->write("committed.conf", std::string(100'000, 'x'));
    CHECK_FALSE(result.has_value());
    CHECK_EQUAL(ENOSPC, result.error().number());
    STRCMP_EQUAL("committed.conf", result.error().place().c_str());
    STRCMP_EQUAL("old", store->read("committed.conf", 100).value().c_str());
    CHECK_FALSE(folder.has("committed.conf.new"));
    CHECK_TRUE(store->write("committed.conf", "small enough").has_value());
}

TEST(full_disk, a_line_is_in_the_log_whole_or_not_at_all) {
    auto log = JsonLogFiles::open(folder.path()).value();
    const std::string line = std::string(999, 'x') + "\n";
    std::size_t appended = 0;
    Result<void> result;
    while (appended < 100 && result) {
        result = log->append(line, false);
        appended += result ? 1 : 0;
    }
    CHECK_FALSE(result.has_value());
    CHECK_EQUAL(ENOSPC, result.error().number());
    CHECK_EQUAL(appended * line.size(), log->current_size());
    CHECK_EQUAL(appended * line.size(), folder.get("log/access-000000000000.jsonl").size());
    CHECK_EQUAL(appended, log->last_lines(1000).value().size());

    CHECK_EQUAL(appended, log->rotate(0).value()); // room again
    CHECK_TRUE(log->append(line, true).has_value());
    CHECK_EQUAL(1, log->next_line() - log->first_line());
    CHECK_EQUAL(appended, log->first_line());
}

TEST(full_disk, a_rotation_without_room_for_a_new_file_removes_an_old_one_first) {
    CHECK_EQUAL(0, umount2(folder.path().c_str(), MNT_DETACH));
    // room for the two folders and three files
    CHECK_EQUAL(0, mount("none", folder.path().c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,nr_inodes=5"));
    auto log = JsonLogFiles::open(folder.path()).value();
    CHECK_TRUE(log->append("0\n", false).has_value());
    CHECK_EQUAL(0, log->rotate(2).value());
    CHECK_TRUE(log->append("1\n", false).has_value());
    CHECK_EQUAL(0, log->rotate(2).value());
    CHECK_TRUE(log->append("2\n", false).has_value());
    CHECK_FALSE(log->rotate(3).has_value()); // none may go: the old file goes on
    CHECK_TRUE(log->append("3\n", false).has_value());
    CHECK_EQUAL(1, log->rotate(2).value());
    CHECK_TRUE(log->append("4\n", false).has_value());
    CHECK_EQUAL(4, log->last_lines(10).value().size());
    CHECK_EQUAL(1, log->first_line());
    CHECK_EQUAL(5, log->next_line());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/storage/upload_file.hpp"
#include "tests/unit/drivers/folder_fixture.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <CppUTest/TestHarness.h>
#include <sys/stat.h>

using namespace sekisho;
using namespace sekisho::drivers;

TEST_GROUP(upload_file) {
    tests::Folder folder;
    FileUpload upload{folder.path(), "geo", "upload"};
};

TEST(upload_file, pieces_follow_each_other) {
    CHECK_TRUE(upload.begin().has_value());
    CHECK_TRUE(upload.append("first ").has_value());
    CHECK_TRUE(upload.append({"\0\n", 2}).has_value());
    CHECK_TRUE(upload.finish().has_value());
    CHECK(std::string("first \0\n", 8) == folder.get("geo/upload"));
}

TEST(upload_file, another_beginning_leaves_the_open_file_as_it_is) {
    CHECK_TRUE(upload.begin().has_value());
    CHECK_TRUE(upload.append("former").has_value());
    std::ifstream reader(folder.path("geo/upload"), std::ios::binary);
    CHECK_TRUE(upload.begin().has_value());
    CHECK_TRUE(upload.append("new").has_value());
    const std::string read(std::istreambuf_iterator<char>(reader), {});
    STRCMP_EQUAL("former", read.c_str());
    STRCMP_EQUAL("new", folder.get("geo/upload").c_str());
}

TEST(upload_file, nothing_comes_before_a_beginning_or_after_an_end) {
    CHECK_FALSE(upload.append("x").has_value());
    CHECK_FALSE(upload.finish().has_value());
    CHECK_FALSE(folder.has("geo"));
    CHECK_TRUE(upload.begin().has_value());
    CHECK_TRUE(upload.finish().has_value());
    CHECK_FALSE(upload.append("x").has_value());
    CHECK_FALSE(upload.finish().has_value());
    STRCMP_EQUAL("", folder.get("geo/upload").c_str());
}

TEST(upload_file, no_link_is_followed) {
    folder.put("elsewhere/kept", "kept");
    std::filesystem::create_directories(folder.path("geo"));
    std::filesystem::create_symlink(folder.path("elsewhere/kept"), folder.path("geo/upload"));
    CHECK_TRUE(upload.begin().has_value());
    CHECK_TRUE(upload.append("new").has_value());
    STRCMP_EQUAL("kept", folder.get("elsewhere/kept").c_str());

    std::filesystem::remove_all(folder.path("geo"));
    std::filesystem::create_directory_symlink(folder.path("elsewhere"), folder.path("geo"));
    const auto refused = upload.begin();
    CHECK_FALSE(refused.has_value());
    STRCMP_EQUAL("geo/upload", refused.error().place().c_str());
    CHECK_FALSE(folder.has("elsewhere/upload"));
}

TEST(upload_file, is_for_nobody_else) {
    CHECK_TRUE(upload.begin().has_value());
    struct stat status{};
    CHECK_EQUAL(0, stat(folder.path("geo/upload").c_str(), &status));
    CHECK_EQUAL(0644, status.st_mode & 0777);
}

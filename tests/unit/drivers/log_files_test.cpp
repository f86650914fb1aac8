// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/storage/log_files.hpp"
#include "tests/unit/drivers/folder_fixture.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::drivers;

using Lines = std::vector<std::string>;

TEST_GROUP(log_files) {
    tests::Folder folder;
    std::unique_ptr<JsonLogFiles> log;

    void setup() override {
        reopen();
    }
    void reopen() {
        log = JsonLogFiles::open(folder.path()).value();
    }
    void append(const std::string& line) {
        CHECK_TRUE(log->append(line + "\n", false).has_value());
    }
    Lines last(std::size_t most) {
        return log->last_lines(most).value();
    }
};

TEST(log_files, starts_empty) {
    CHECK_EQUAL(0, log->current_size());
    CHECK_EQUAL(0, log->total_lines());
    CHECK_TRUE(last(10).empty());
    CHECK_EQUAL(0, log->torn_bytes());
}

TEST(log_files, appends_in_order) {
    append("{\"n\":1}");
    CHECK_TRUE(log->append("{\"n\":2}\n", true).has_value());
    CHECK_EQUAL(16, log->current_size());
    CHECK_EQUAL(2, log->total_lines());
    STRCMP_EQUAL("{\"n\":1}\n{\"n\":2}\n", folder.get("log/access.jsonl").c_str());
    CHECK_TRUE((last(10) == Lines{"{\"n\":1}", "{\"n\":2}"}));
    CHECK_TRUE((last(1) == Lines{"{\"n\":2}"}));
    CHECK_TRUE(last(0).empty());
}

TEST(log_files, syncs_whatever_there_is) {
    CHECK_TRUE(log->sync().has_value());
    append("1");
    CHECK_TRUE(log->sync().has_value());
    CHECK_EQUAL(0, log->rotate(1).value());
    CHECK_TRUE(log->sync().has_value());
    CHECK_TRUE((last(10) == Lines{"1"}));
}

TEST(log_files, what_is_not_one_line_is_refused) {
    for (const char* text : {"", "no newline", "two\nlines\n", "\n\n"}) {
        CHECK_FALSE(log->append(text, false).has_value());
    }
    CHECK_EQUAL(0, log->current_size());
}

TEST(log_files, goes_on_after_a_restart) {
    append("1");
    append("2");
    CHECK_EQUAL(0, log->rotate(3).value());
    append("3");
    reopen();
    CHECK_EQUAL(3, log->total_lines());
    CHECK_EQUAL(2, log->current_size());
    append("4");
    CHECK_TRUE((last(10) == Lines{"1", "2", "3", "4"}));
}

TEST(log_files, rotation_keeps_so_many_and_counts_what_goes) {
    append("1");
    append("2");
    CHECK_EQUAL(0, log->rotate(2).value());
    append("3");
    CHECK_EQUAL(0, log->rotate(2).value());
    append("4");
    CHECK_EQUAL(2, log->rotate(2).value()); // the file with 1 and 2
    append("5");
    CHECK_EQUAL(3, log->total_lines());
    STRCMP_EQUAL("5\n", folder.get("log/access.jsonl").c_str());
    STRCMP_EQUAL("4\n", folder.get("log/access.jsonl.1").c_str());
    STRCMP_EQUAL("3\n", folder.get("log/access.jsonl.2").c_str());
    CHECK_FALSE(folder.has("log/access.jsonl.3"));
}

TEST(log_files, fewer_are_kept_than_before) {
    for (const char* line : {"1", "2", "3"}) {
        append(line);
        CHECK_EQUAL(0, log->rotate(5).value());
    }
    append("4");
    CHECK_EQUAL(3, log->rotate(1).value());
    CHECK_TRUE((last(10) == Lines{"4"}));
    CHECK_FALSE(folder.has("log/access.jsonl.2"));
}

TEST(log_files, none_is_kept) {
    append("1");
    append("2");
    CHECK_EQUAL(2, log->rotate(0).value());
    CHECK_EQUAL(0, log->total_lines());
    append("3");
    CHECK_TRUE((last(10) == Lines{"3"}));
}

TEST(log_files, last_lines_reach_over_files) {
    for (const char* line : {"1", "2", "3", "4"}) {
        append(line);
        CHECK_EQUAL(0, log->rotate(9).value());
    }
    append("5");
    append("6");
    CHECK_TRUE((last(4) == Lines{"3", "4", "5", "6"}));
    CHECK_TRUE((last(100) == Lines{"1", "2", "3", "4", "5", "6"}));
}

TEST(log_files, last_lines_of_lines_longer_than_a_block) {
    const std::string first(200'000, 'a');
    const std::string second(65'535, 'b'); // with its newline exactly a block
    const std::string third(3, 'c');
    append(first);
    append(second);
    append(third);
    CHECK_TRUE((last(3) == Lines{first, second, third}));
    CHECK_TRUE((last(2) == Lines{second, third}));
}

TEST(log_files, last_lines_with_empty_ones) {
    append("");
    append("x");
    append("");
    CHECK_TRUE((last(10) == Lines{"", "x", ""}));
}

TEST(log_files, last_lines_are_bounded) {
    const std::string line(1u << 20, 'x');
    for (int i = 0; i < 20; ++i) {
        append(line);
    }
    CHECK_EQUAL(16, last(1000).size());
}

TEST(log_files, power_cut_within_a_line) {
    folder.put("log/access.jsonl", "{\"n\":1}\n{\"n\":2}\n{\"n\":");
    reopen();
    CHECK_EQUAL(5, log->torn_bytes());
    CHECK_EQUAL(2, log->total_lines());
    append("{\"n\":3}");
    STRCMP_EQUAL("{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n", folder.get("log/access.jsonl").c_str());
    reopen();
    CHECK_EQUAL(0, log->torn_bytes());
}

TEST(log_files, power_cut_within_the_first_line) {
    folder.put("log/access.jsonl", "{\"n\":");
    reopen();
    CHECK_EQUAL(5, log->torn_bytes());
    CHECK_EQUAL(0, log->current_size());
    CHECK_TRUE(last(10).empty());
}

TEST(log_files, power_cut_within_a_rotation) {
    log.reset();
    folder.put("log/access.jsonl.3", "1\n");
    folder.put("log/access.jsonl.2", "2\n");
    folder.put("log/access.jsonl", "3\n"); // .1 has been moved to .2, the current one not yet to .1
    folder.put("log/access.jsonl.old", "not ours\n");
    reopen();
    CHECK_EQUAL(3, log->total_lines());
    CHECK_TRUE((last(10) == Lines{"1", "2", "3"}));
    CHECK_EQUAL(0, log->rotate(8).value());
    CHECK_TRUE((last(10) == Lines{"1", "2", "3"}));
    STRCMP_EQUAL("3\n", folder.get("log/access.jsonl.1").c_str());
    CHECK_TRUE(folder.has("log/access.jsonl.old"));
}

TEST(log_files, missing_data_folder) {
    CHECK_FALSE(JsonLogFiles::open(folder.path("missing")).has_value());
}

TEST(log_files, a_folder_in_the_place_of_the_file) {
    tests::Folder other;
    other.put("log/access.jsonl/x", "");
    CHECK_FALSE(JsonLogFiles::open(other.path()).has_value());
}

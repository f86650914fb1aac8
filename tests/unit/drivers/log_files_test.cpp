// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/storage/log_files.hpp"
#include "tests/unit/drivers/folder_fixture.hpp"

#include <array>
#include <filesystem>
#include <fstream>

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
    std::uint64_t kept() {
        return log->next_line() - log->first_line();
    }
    Lines last(std::size_t most) {
        return log->last_lines(most).value();
    }
};

TEST(log_files, starts_empty) {
    CHECK_EQUAL(0, log->current_size());
    CHECK_EQUAL(0, kept());
    CHECK_TRUE(last(10).empty());
    CHECK_EQUAL(0, log->torn_bytes());
}

TEST(log_files, appends_in_order) {
    append("{\"n\":1}");
    CHECK_TRUE(log->append("{\"n\":2}\n", true).has_value());
    CHECK_EQUAL(16, log->current_size());
    CHECK_EQUAL(2, kept());
    STRCMP_EQUAL("{\"n\":1}\n{\"n\":2}\n", folder.get("log/access-000000000000.jsonl").c_str());
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
    CHECK_EQUAL(3, kept());
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
    CHECK_EQUAL(3, kept());
    STRCMP_EQUAL("5\n", folder.get("log/access-000000000004.jsonl").c_str());
    STRCMP_EQUAL("4\n", folder.get("log/access-000000000003.jsonl").c_str());
    STRCMP_EQUAL("3\n", folder.get("log/access-000000000002.jsonl").c_str());
    CHECK_FALSE(folder.has("log/access-000000000000.jsonl"));
    CHECK_EQUAL(2, log->first_line());
    CHECK_EQUAL(5, log->next_line());
}

TEST(log_files, fewer_are_kept_than_before) {
    for (const char* line : {"1", "2", "3"}) {
        append(line);
        CHECK_EQUAL(0, log->rotate(5).value());
    }
    append("4");
    CHECK_EQUAL(3, log->rotate(1).value());
    CHECK_TRUE((last(10) == Lines{"4"}));
    CHECK_FALSE(folder.has("log/access-000000000002.jsonl"));
}

TEST(log_files, none_is_kept) {
    append("1");
    append("2");
    CHECK_EQUAL(2, log->rotate(0).value());
    CHECK_EQUAL(0, kept());
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
    folder.put("log/access-000000000000.jsonl", "{\"n\":1}\n{\"n\":2}\n{\"n\":");
    reopen();
    CHECK_EQUAL(5, log->torn_bytes());
    CHECK_EQUAL(2, kept());
    append("{\"n\":3}");
    STRCMP_EQUAL("{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n", folder.get("log/access-000000000000.jsonl").c_str());
    reopen();
    CHECK_EQUAL(0, log->torn_bytes());
}

TEST(log_files, power_cut_within_the_first_line) {
    folder.put("log/access-000000000000.jsonl", "{\"n\":");
    reopen();
    CHECK_EQUAL(5, log->torn_bytes());
    CHECK_EQUAL(0, log->current_size());
    CHECK_TRUE(last(10).empty());
}

TEST(log_files, power_cut_after_a_rotation_made_a_file) {
    log.reset();
    folder.put("log/access-000000000000.jsonl", "0\n1\n");
    folder.put("log/access-000000000002.jsonl", "2\n");
    folder.put("log/access-000000000003.jsonl", ""); // the oldest has not gone yet
    folder.put("log/access-3.jsonl", "not ours\n");
    folder.put("log/access-000000000001.jsonl.old", "not ours\n");
    reopen();
    CHECK_EQUAL(0, log->first_line());
    CHECK_EQUAL(3, log->next_line());
    append("3");
    STRCMP_EQUAL("3\n", folder.get("log/access-000000000003.jsonl").c_str());
    CHECK_EQUAL(2, log->rotate(2).value());
    CHECK_TRUE((last(10) == Lines{"2", "3"}));
    CHECK_TRUE(folder.has("log/access-3.jsonl"));
    CHECK_TRUE(folder.has("log/access-000000000001.jsonl.old"));
}

TEST(log_files, a_file_of_a_rotation_that_failed_goes) {
    log.reset();
    folder.put("log/access-000000000000.jsonl", "0\n1\n2\n"); // went on
    folder.put("log/access-000000000002.jsonl", "");          // made, and could neither be kept nor removed
    reopen();
    CHECK_EQUAL(3, log->next_line());
    CHECK_FALSE(folder.has("log/access-000000000002.jsonl"));
    append("3");
    STRCMP_EQUAL("0\n1\n2\n3\n", folder.get("log/access-000000000000.jsonl").c_str());
}

TEST(log_files, a_file_that_is_missing_leaves_a_gap_in_the_numbers) {
    log.reset();
    folder.put("log/access-000000000000.jsonl", "0\n1\n");
    folder.put("log/access-000000000005.jsonl", "5\n6\n");
    reopen();
    CHECK_EQUAL(0, log->first_line());
    CHECK_EQUAL(7, log->next_line());
    const auto piece = log->read_from(2, 100).value();
    CHECK_EQUAL(5, piece.first);
    CHECK_TRUE((piece.lines == Lines{"5", "6"}));
}

TEST(log_files, files_that_overlap_are_numbered_by_their_names) {
    log.reset();
    folder.put("log/access-000000000000.jsonl", "0\n1\n2\n3\n");
    folder.put("log/access-000000000002.jsonl", "two\n");
    reopen();
    CHECK_EQUAL(3, log->next_line());
    CHECK_TRUE((log->read_from(0, 100).value().lines == Lines{"0", "1"}));
    CHECK_TRUE((log->read_from(2, 100).value().lines == Lines{"two"}));
}

TEST(log_files, numbers_longer_than_the_names_digits) {
    log.reset();
    folder.put("log/access-999999999999.jsonl", "a\n");
    reopen();
    append("b");
    CHECK_EQUAL(0, log->rotate(1).value());
    append("c");
    STRCMP_EQUAL("c\n", folder.get("log/access-1000000000001.jsonl").c_str());
    reopen();
    CHECK_TRUE((last(10) == Lines{"a", "b", "c"}));
    CHECK_EQUAL(1'000'000'000'002, log->next_line());
}

TEST(log_files, the_numbers_go_on_when_everything_was_removed_by_rotation) {
    append("0");
    append("1");
    CHECK_EQUAL(2, log->rotate(0).value());
    reopen();
    CHECK_EQUAL(2, log->first_line());
    CHECK_EQUAL(2, log->next_line());
    CHECK_EQUAL(0, log->rotate(0).value()); // nothing to begin anew
    append("2");
    const auto piece = log->read_from(0, 100).value();
    CHECK_EQUAL(2, piece.first);
    CHECK_TRUE((piece.lines == Lines{"2"}));
}

TEST(log_files, reads_pieces_by_number) {
    for (int i = 0; i < 10; ++i) {
        append(std::to_string(i));
        if (i % 4 == 3) {
            CHECK_EQUAL(0, log->rotate(9).value());
        }
    }
    Lines all;
    for (std::uint64_t next = 0;;) {
        const auto piece = log->read_from(next, 5).value(); // two and a half lines
        if (piece.lines.empty()) {
            CHECK_EQUAL(10, piece.first);
            break;
        }
        CHECK_EQUAL(next, piece.first);
        CHECK_TRUE(piece.lines.size() <= 2);
        all.insert(all.end(), piece.lines.begin(), piece.lines.end());
        next += piece.lines.size();
    }
    CHECK_TRUE(all == last(100));
    CHECK_TRUE((log->read_from(9, 0).value().lines == Lines{"9"})); // one, however long
    CHECK_EQUAL(12, log->read_from(12, 100).value().first);
}

TEST(log_files, readers_come_to_different_places_of_long_lines) {
    constexpr int kLines = 20;
    const auto line_of = [](int i) {
        return std::string(static_cast<std::size_t>(i) * 7'919, static_cast<char>('a' + i % 26));
    };
    for (int i = 0; i < kLines; ++i) {
        append(line_of(i));
    }
    // more readers than places are remembered, each with a pace of its own, and one that goes backwards
    std::array<std::uint64_t, 12> next{};
    for (int round = 0; round < kLines; ++round) {
        for (std::size_t reader = 0; reader < next.size(); ++reader) {
            const auto piece = log->read_from(next[reader], reader * 50'000).value();
            CHECK_EQUAL(next[reader], piece.first);
            for (const std::string& line : piece.lines) {
                CHECK_TRUE(line == line_of(static_cast<int>(next[reader]++)));
            }
        }
        CHECK_TRUE(log->read_from(static_cast<std::uint64_t>(kLines - 1 - round), 1).value().lines.front() ==
                   line_of(kLines - 1 - round));
    }
    for (const std::uint64_t end : next) {
        CHECK_EQUAL(kLines, end);
    }
}

TEST(log_files, a_reader_at_the_end_goes_on_in_the_new_file) {
    append("0");
    append("1");
    CHECK_EQUAL(2, log->read_from(0, 100).value().lines.size());
    CHECK_EQUAL(2, log->rotate(0).value());
    append("2");
    CHECK_TRUE((log->read_from(2, 100).value().lines == Lines{"2"}));
}

TEST(log_files, half_a_line_is_not_read) {
    append("0");
    {
        std::ofstream file(folder.path("log/access-000000000000.jsonl"), std::ios::app);
        file << "{\"n\":";
    }
    CHECK_TRUE((log->read_from(0, 100).value().lines == Lines{"0"}));
    CHECK_TRUE(log->read_from(1, 100).value().lines.empty());
}

TEST(log_files, a_file_that_became_shorter_is_an_error) {
    append("0");
    append("1");
    std::filesystem::resize_file(folder.path("log/access-000000000000.jsonl"), 2);
    CHECK_FALSE(log->read_from(1, 100).has_value());
}

TEST(log_files, missing_data_folder) {
    CHECK_FALSE(JsonLogFiles::open(folder.path("missing")).has_value());
}

TEST(log_files, a_folder_in_the_place_of_the_file) {
    tests::Folder other;
    other.put("log/access-000000000000.jsonl/x", "");
    CHECK_FALSE(JsonLogFiles::open(other.path()).has_value());
}

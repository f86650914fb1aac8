// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/csv.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho::events;

TEST_GROUP(csv) {
    Event event;

    /// The cell of a text, by an event that holds nothing else.
    std::string cell(const std::string& value) {
        event = {};
        event.set(Field::message, value); // the last column
        const std::string line = to_csv_line(event);
        CHECK_TRUE(line.starts_with(std::string(kFieldCount - 1, ',')));
        CHECK_TRUE(line.ends_with("\r\n"));
        return line.substr(kFieldCount - 1, line.size() - kFieldCount - 1);
    }
};

TEST(csv, the_header_names_the_fields) {
    const std::string header = to_csv_header();
    CHECK_TRUE(header.starts_with("\xef\xbb\xbftimestamp,event.kind,event.category,event.action,"));
    CHECK_TRUE(header.ends_with(",message\r\n"));
}

TEST(csv, a_line_has_a_column_per_field) {
    STRCMP_EQUAL((std::string(kFieldCount - 1, ',') + "\r\n").c_str(), to_csv_line(event).c_str());
    event.set(Field::timestamp, "2026-11-23T04:05:06.000007Z");
    event.set(Field::event_reason, "");
    event.set_number(Field::event_sequence, -17);
    event.set_boolean(Field::clock_synchronised, false);
    event.set(Field::message, "one, two");
    const std::string line = to_csv_line(event);
    CHECK_TRUE(line.starts_with("\"2026-11-23T04:05:06.000007Z\",,,,,\"\",-17,,"));
    CHECK_TRUE(line.contains(",false,"));
    CHECK_TRUE(line.ends_with(",\"one, two\"\r\n"));
}

TEST(csv, quotes_and_what_ends_a_line) {
    STRCMP_EQUAL(R"("a ""quoted"" word")", cell("a \"quoted\" word").c_str());
    STRCMP_EQUAL(R"("a"",""b\x0d\x0ac;d\x00")", cell(std::string("a\",\"b\r\nc;d\0", 11)).c_str());
    STRCMP_EQUAL(R"("\xff \u{202e}\u{2028}\u{feff}\u{0085}")",
                 cell("\xff \xe2\x80\xae\xe2\x80\xa8\xef\xbb\xbf\xc2\x85").c_str());
    STRCMP_EQUAL("\"\xe9\x96\xa2\xe6\x89\x80\"", cell("\xe9\x96\xa2\xe6\x89\x80").c_str());
}

TEST(csv, what_could_be_a_formula_is_none) {
    for (const char* value :
         {"=1+1", "+1", "-1", "@SUM(A1)", "=", " =1", "   +1", "\"=1", "'=1", "\xe3\x80\x80=1", "\xc2\xa0@x",
          "\xef\xbc\x9d"
          "1",
          "\xef\xbc\x8b"
          "1",
          "\xef\xbc\x8d"
          "1",
          "\xef\xbc\xa0"
          "x",
          "\xe2\x88\x92"
          "1",
          "\xe2\x80\x9c=1", "+ address 10.0.0.1\n- address 10.0.0.2"}) {
        CHECK_TEXT(cell(value).starts_with("\"'"), value);
    }
    STRCMP_EQUAL(R"("'\x09=1")", cell("\t=1").c_str());
    STRCMP_EQUAL(R"("'\x0d=1")", cell("\r=1").c_str());
    STRCMP_EQUAL(R"("'\x0a=1")", cell("\n=1").c_str());
    STRCMP_EQUAL(R"("' ""=1")", cell(" \"=1").c_str());
    for (const char* value : {"", "a=1", "1-1", "'", "\" ", "zone.wan.deny", "\xff=1", "\xe2\x80\xae=1"}) {
        CHECK_TEXT(!cell(value).starts_with("\"'="), value);
        CHECK_TEXT(cell(value) == "\"'\"" || !cell(value).starts_with("\"'"), value);
    }
}

TEST(csv, a_text_is_no_longer_than_a_cell) {
    const std::string mark = "\xe2\x80\xa6\"";
    STRCMP_EQUAL(("\"" + std::string(kMostCell - 1, 'x') + "\"").c_str(),
                 cell(std::string(kMostCell - 1, 'x')).c_str());
    STRCMP_EQUAL(("\"" + std::string(kMostCell - 2, 'x') + mark).c_str(), cell(std::string(kMostCell, 'x')).c_str());
    CHECK_TRUE(cell(std::string(64u << 10, '\n')).size() < kMostCell + 10);
    std::string kanji; // three bytes, one code unit
    std::string other; // four bytes, two code units
    for (std::size_t i = 0; i < kMostCell - 1; ++i) {
        kanji += "\xe9\x96\xa2";
        other += "\xf0\xa0\xae\x9f";
    }
    STRCMP_EQUAL(("\"" + kanji + "\"").c_str(), cell(kanji).c_str());
    STRCMP_EQUAL(("\"" + kanji.substr(3) + mark).c_str(), cell(kanji + "\xe9\x96\xa2").c_str());
    CHECK_EQUAL(4 * ((kMostCell - 2) / 2) + 5, cell(other).size());
    CHECK_TRUE(cell(other).ends_with("\x9f" + mark));
}

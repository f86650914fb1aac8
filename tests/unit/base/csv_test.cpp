// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/csv.hpp"
#include "policy/base/text.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

struct Reading {
    std::string rows;   ///< "line:column text|… ;"
    std::string errors; ///< as people see them
};

Reading read(std::string_view bytes) {
    Diagnostics diagnostics;
    csv::Reader reader(bytes, diagnostics);
    Reading reading;
    std::vector<csv::Cell> row;
    while (reader.next(row)) {
        for (const csv::Cell& cell : row) {
            reading.rows += text::concat(text::to_text(cell.place.line), ":", text::to_text(cell.place.column), " ",
                                         cell.text, "|");
        }
        reading.rows += ";";
    }
    reading.errors = diagnostics.text("f");
    return reading;
}

void rows(const char* expected, std::string_view bytes) {
    const Reading reading = read(bytes);
    STRCMP_EQUAL("", reading.errors.c_str());
    STRCMP_EQUAL(expected, reading.rows.c_str());
}

void refused(const char* expected, std::string_view bytes) {
    STRCMP_CONTAINS(expected, read(bytes).errors.c_str());
}

} // namespace

TEST_GROUP(csv){};

TEST(csv, fields_have_their_places) {
    rows("1:1 a|1:3 b|;2:1 c|2:3 |;", "a,b\nc,\n");
    rows("1:1 a|1:3 b|;2:1 c|2:3 d|;", "\xef\xbb\xbf"
                                       "a,b\r\nc,d");
}

TEST(csv, quotes_hold_commas_quotes_and_line_ends) {
    rows("1:1 a,b|1:7 c\"d|;", "\"a,b\",\"c\"\"d\"");
    rows("1:1 a\nb|2:4 c|;3:1 d|;", "\"a\nb\",c\nd\n");
    rows("1:1 |1:4 x|;", "\"\",x");
}

TEST(csv, lines_without_contents_are_passed_over) {
    rows("3:1 a|;", "\n,,\r\na\n\n,\n");
    rows("", "");
    rows("", "\xef\xbb\xbf\r\n");
}

TEST(csv, what_is_no_csv_is_refused_with_its_place) {
    refused("f:2:2: error: a double quote stands within a field", "a\nb\"c");
    refused("f:1:4: error: something stands behind the quote", "\"a\"b,c");
    refused("f:2:3: error: the quote that begins here has no end", "a\nb,\"c\n");
    refused("f:1:2: error: a carriage return (CR) stands alone", "a\rb\r");
}

TEST(csv, what_is_no_utf8_is_refused_whole) {
    refused("f:2:3: error: this is not UTF-8 text: byte 0x8b", "a\nb,\x8b\x00");
    refused("byte 0xff", "\xff\xfe"
                         "a");
    refused("byte 0x00", std::string_view("a\0b", 3));
    STRCMP_EQUAL("", read("a,b\nc,\x8b").rows.c_str());
}

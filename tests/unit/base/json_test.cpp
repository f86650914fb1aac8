// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/json.hpp"

#include <limits>

#include <CppUTest/TestHarness.h>

using namespace sekisho;

TEST_GROUP(json_string){};

TEST(json_string, quotes_plain_text_and_keeps_japanese) {
    CHECK_EQUAL(std::string("\"\""), json_string(""));
    CHECK_EQUAL(std::string("\"web 関所\""), json_string("web 関所"));
}

TEST(json_string, escapes_what_json_and_lines_need) {
    CHECK_EQUAL(std::string(R"("a\"b\\c\n\r\t\b\f\u0001")"), json_string("a\"b\\c\n\r\t\b\f\x01"));
    CHECK_EQUAL(std::string(R"("a\u0000b")"), json_string(std::string_view("a\0b", 3)));
}

TEST(json_string, escapes_what_deceives_a_terminal) {
    CHECK_EQUAL(std::string(R"("\u007f\u009b\u202e\u2066\u200b\ufeff")"),
                json_string("\x7f\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf"));
    CHECK_EQUAL(std::string(R"("\udb40\udc41")"), json_string("\xf3\xa0\x81\x81")); // U+E0041, a tag
}

TEST(json_string, replaces_bytes_that_are_no_utf8) {
    CHECK_EQUAL(std::string("\"a\xef\xbf\xbd\xef\xbf\xbdz\""), json_string("a\xff\xc3z"));
    CHECK_EQUAL(std::string("\"\xef\xbf\xbd\xef\xbf\xbd\""), json_string("\xc0\xaf"));
    CHECK_EQUAL(std::string("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""), json_string("\xed\xa0\x80"));
}

TEST_GROUP(json_writer){};

TEST(json_writer, puts_commas_where_they_belong) {
    JsonWriter json;
    json.begin_object().key("a").number(-1).key("b").begin_array().string("x").boolean(true).null().begin_object();
    json.end_object().end_array().key("c").number_unsigned(std::numeric_limits<std::uint64_t>::max()).end_object();
    CHECK_EQUAL(std::string(R"({"a":-1,"b":["x",true,null,{}],"c":18446744073709551615})"), json.text());
}

TEST(json_writer, quotes_keys) {
    JsonWriter json;
    json.begin_object().key("a\"").number(std::numeric_limits<std::int64_t>::min()).end_object();
    CHECK_EQUAL(std::string(R"({"a\"":-9223372036854775808})"), json.take());
}

TEST(json_writer, writes_numbers_that_come_as_text_bare) {
    for (const char* number : {"0", "-7", "12.50", "18446744073709551616"}) {
        JsonWriter json;
        CHECK_EQUAL(std::string(number), json.number_text(number).text());
    }
}

TEST(json_writer, quotes_a_number_that_is_none) {
    for (const char* number : {"", "-", "007", "1.", ".5", "1,5", "12 ms", "nan", "1}"}) {
        JsonWriter json;
        CHECK_EQUAL(std::string("\"") + number + "\"", json.number_text(number).text());
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/text.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

std::string nearest_to(std::string_view word) {
    return std::string(text::nearest(word, {"protocol", "port", "source", "forward-to", "description", "destination"})
                           .value_or("none"));
}

} // namespace

TEST_GROUP(text_number){};

TEST(text_number, is_written_in_decimal_and_hexadecimal) {
    CHECK_EQUAL(std::string("18446744073709551615"), text::to_text(~std::uint64_t{0}));
    CHECK_EQUAL(std::string("-5"), text::to_text_signed(-5));
    CHECK_EQUAL(std::string("000beef"), text::to_hex(0xbeef, 7));
    CHECK_EQUAL(std::string("port 443/tcp"), text::concat("port ", text::to_text(443), "/tcp"));
}

TEST(text_number, is_read_from_digits_alone) {
    CHECK_EQUAL(443U, text::parse_unsigned("443").value());
    CHECK_EQUAL(7U, text::parse_unsigned("007").value());
    CHECK_TRUE(text::parse_unsigned("18446744073709551615").has_value());
}

TEST(text_number, with_a_sign_a_space_or_too_many_digits_is_refused) {
    for (const char* bad : {"", "+1", "-1", " 1", "1 ", "0x1", "1e3", "18446744073709551616"}) {
        CHECK_FALSE_TEXT(text::parse_unsigned(bad).has_value(), bad);
    }
}

TEST_GROUP(text_pieces){};

TEST(text_pieces, are_joined_and_split) {
    CHECK_EQUAL(std::string("a, b"), text::join({"a", "b"}, ", "));
    CHECK_EQUAL(std::string(), text::join({}, ", "));
    const std::vector<std::string_view> parts = text::split("a,,b,", ',');
    CHECK_EQUAL(4U, parts.size());
    CHECK_TRUE(parts[0] == "a" && parts[1].empty() && parts[2] == "b" && parts[3].empty());
    CHECK_EQUAL(1U, text::split("", ',').size());
}

TEST(text_pieces, are_padded_by_columns_and_not_by_bytes) {
    CHECK_EQUAL(std::string("ab  "), text::pad_right("ab", 4));
    CHECK_EQUAL(std::string("  ab"), text::pad_left("ab", 4));
    CHECK_EQUAL(std::string("关  "), text::pad_right("关", 4));
    CHECK_EQUAL(std::string("é   "), text::pad_right("é", 4));
    CHECK_EQUAL(std::string("longer"), text::pad_right("longer", 4));
}

TEST_GROUP(terminal_escape){};

TEST(terminal_escape, leaves_ordinary_text_alone) {
    CHECK_EQUAL(std::string("C:\\temp 関所 é 🙂"), text::escape_for_terminal("C:\\temp 関所 é 🙂"));
}

TEST(terminal_escape, shows_control_characters) {
    CHECK_EQUAL(std::string("\\x1b[2J\\x0a\\x00\\x7f\\u{009b}"),
                text::escape_for_terminal(std::string_view("\x1b[2J\n\0\x7f\xc2\x9b", 9)));
}

TEST(terminal_escape, shows_what_turns_or_hides_text) {
    CHECK_EQUAL(std::string("\\u{202e}\\u{2066}\\u{200b}\\u{feff}\\u{00ad}\\u{0e0041}"),
                text::escape_for_terminal("\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf\xc2\xad\xf3\xa0\x81\x81"));
}

TEST(terminal_escape, shows_bytes_that_are_no_utf8) {
    CHECK_EQUAL(std::string("\\xff\\xc3(\\xe2\\x80"), text::escape_for_terminal("\xff\xc3(\xe2\x80"));
    CHECK_EQUAL(std::string("\\xc0\\xaf\\xed\\xa0\\x80"), text::escape_for_terminal("\xc0\xaf\xed\xa0\x80"));
    CHECK_EQUAL(std::string("\\xe0\\x80\\xaf"), text::escape_for_terminal("\xe0\x80\xaf"));
    CHECK_EQUAL(std::string("\\xf4\\x90\\x80\\x80"), text::escape_for_terminal("\xf4\x90\x80\x80"));
}

TEST(terminal_escape, applied_twice_changes_nothing_more) {
    const std::string once = text::escape_for_terminal("\x1b\xff\xe2\x80\xae");
    CHECK_EQUAL(once, text::escape_for_terminal(once));
}

TEST_GROUP(spelling){};

TEST(spelling, distance_counts_edits) {
    CHECK_EQUAL(0U, text::edit_distance("port", "port", 3));
    CHECK_EQUAL(3U, text::edit_distance("kitten", "sitting", 5));
    CHECK_EQUAL(4U, text::edit_distance("", "port", 9));
}

TEST(spelling, distance_is_bounded) {
    CHECK_EQUAL(3U, text::edit_distance("kitten", "sitting", 2));
    CHECK_EQUAL(3U, text::edit_distance(std::string(1'000'000, 'a'), "b", 2));
}

TEST(spelling, of_a_near_word_is_found) {
    CHECK_EQUAL(std::string("protocol"), nearest_to("protcol"));
    CHECK_EQUAL(std::string("port"), nearest_to("prt"));
    CHECK_EQUAL(std::string("forward-to"), nearest_to("forwardto"));
    CHECK_EQUAL(std::string("destination"), nearest_to("destinaton"));
}

TEST(spelling, of_a_beginning_is_found_where_it_is_the_only_one) {
    CHECK_EQUAL(std::string("description"), nearest_to("desc"));
    CHECK_EQUAL(std::string("none"), nearest_to("des"));
}

TEST(spelling, of_a_far_word_is_not_guessed) {
    CHECK_EQUAL(std::string("none"), nearest_to("colour"));
    CHECK_EQUAL(std::string("none"), nearest_to("x"));
    CHECK_EQUAL(std::string("none"), nearest_to(""));
}

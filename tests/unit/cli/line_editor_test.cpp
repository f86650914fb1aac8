// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/line_editor.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using cli::Editing;
using cli::LineEditor;
using Outcome = cli::LineEditor::Outcome;

TEST_GROUP(line_editor) {
    LineEditor editor{64};
    std::string echo;

    /// Types until something is decided or everything is typed.
    Outcome type(Editing editing, std::string_view keys) {
        editor.begin(editing);
        echo.clear();
        return go_on(keys);
    }

    Outcome go_on(std::string_view keys) {
        for (const char key : keys) {
            const Outcome outcome = editor.take(key, echo);
            if (outcome != Outcome::more) {
                return outcome;
            }
        }
        return Outcome::more;
    }

    void line_is(const char* wanted) {
        STRCMP_EQUAL(wanted, editor.line().c_str());
    }

    void echo_is(const char* wanted) {
        STRCMP_EQUAL(wanted, echo.c_str());
    }
};

TEST(line_editor, a_line_ends_with_either_sign_and_with_both_once) {
    CHECK(type(Editing::command, "show log\r") == Outcome::line);
    line_is("show log");
    echo_is("show log\n");
    CHECK(type(Editing::command, "\nquit\n") == Outcome::line); // the line feed is the former line's
    line_is("quit");
    CHECK(type(Editing::command, "\n") == Outcome::line);
    line_is("");
}

TEST(line_editor, backspace_takes_back_a_character_with_its_columns) {
    type(Editing::command, "a関\x7f");
    line_is("a");
    echo_is("a関\b \b\b \b");
    go_on("\x08\x08");
    line_is("");
    echo_is("a関\b \b\b \b\b \b");
}

TEST(line_editor, a_word_and_the_line_can_be_taken_back) {
    type(Editing::command, "show log  \x17");
    line_is("show ");
    go_on("x\x15");
    line_is("");
    CHECK(editor.is_empty());
}

TEST(line_editor, a_secret_is_not_shown) {
    CHECK(type(Editing::secret, "päss\x08word\xff\r") == Outcome::line);
    line_is("päsword\xff");
    echo_is("\n");
    STRCMP_EQUAL("", editor.shown().c_str());
}

TEST(line_editor, what_a_terminal_would_act_on_is_kept_and_shown_escaped) {
    type(Editing::command, "a\x01\x9b\xe2\x80\xaeq");
    line_is("a\x01\x9b\xe2\x80\xaeq");
    for (const char c : echo) {
        CHECK(static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f);
    }
    STRCMP_EQUAL(echo.c_str(), editor.shown().c_str());
}

TEST(line_editor, a_character_is_shown_when_it_is_whole) {
    type(Editing::command, "\xe9\x96");
    echo_is("");
    go_on("\xa2");
    echo_is("関");
    type(Editing::command, "\xe9\x96\r");
    echo_is("\\xe9\\x96\n");
}

TEST(line_editor, arrows_and_other_sequences_do_nothing) {
    CHECK(type(Editing::command, "a\x1b[A\x1b[1;5C\x1bOPb\x1bxc\x1b[200~d\r") == Outcome::line);
    line_is("abcd");
    echo_is("abcd\n");
    CHECK(type(Editing::secret, "a\x1b[Ab\r") == Outcome::line);
    line_is("ab");
}

TEST(line_editor, a_sequence_that_is_cut_off_swallows_no_key) {
    CHECK(type(Editing::command, "a\x1b[12\r") == Outcome::line);
    line_is("a");
    CHECK(type(Editing::command, "a\x1b\x03") == Outcome::interrupted);
    CHECK(type(Editing::command, "a\x1b[\x1b[Ab\r") == Outcome::line);
    line_is("ab");
}

TEST(line_editor, a_pasted_text_loses_nothing) {
    type(Editing::text, "\tport 443;\x1b[A");
    line_is("\tport 443;\x1b[A");
    echo_is(" port 443;\\x1b[A");
}

TEST(line_editor, ctrl_c_gives_up_and_ctrl_d_ends_on_an_empty_line_only) {
    CHECK(type(Editing::command, "abc\x03") == Outcome::interrupted);
    line_is("");
    CHECK(type(Editing::command, "\x04") == Outcome::end);
    CHECK(type(Editing::command, "a\x04") == Outcome::more);
    line_is("a\x04");
}

TEST(line_editor, more_than_is_kept_is_told_and_not_shown) {
    CHECK(type(Editing::command, std::string(65, 'x') + "\r") == Outcome::line);
    CHECK(editor.is_too_long());
    LONGS_EQUAL(64, editor.line().size());
    STRCMP_EQUAL((std::string(64, 'x') + "\n").c_str(), echo.c_str());
    CHECK(type(Editing::command, std::string(65, 'x') + "\x15" + "y\r") == Outcome::line);
    CHECK(!editor.is_too_long());
    line_is("y");
}

TEST(line_editor, a_stream_has_no_keys_and_no_echo) {
    CHECK(type(Editing::stream, "a\x03\x15\x1b[A\x7f\r\n") == Outcome::line);
    line_is("a\x03\x15\x1b[A\x7f");
    echo_is("");
}

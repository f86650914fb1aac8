// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/dialogue.hpp"
#include "tests/unit/fakes/fake_terminal.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using cli::Answer;
using cli::Editing;

namespace {

constexpr cli::Patience kShort{.idle_ms = 10'000, .notice_ms = 2'000, .notice = "Soon.\n", .begun_ms = 15'000};

} // namespace

TEST_GROUP(dialogue) {
    fakes::FakeClock clock;
    fakes::FakeTerminal terminal{clock};
    cli::Dialogue dialogue{terminal, clock};

    void setup() override {
        CHECK(dialogue.take_control().has_value());
    }
};

TEST(dialogue, lines_typed_ahead_are_answers_to_the_next_questions) {
    terminal.types("one\rtwo\rthr");
    terminal.types("ee\r");
    for (const char* wanted : {"one", "two", "three"}) {
        const Answer answer = dialogue.ask("? ", Editing::command);
        CHECK(answer.kind == Answer::Kind::line);
        STRCMP_EQUAL(wanted, answer.text.c_str());
    }
    STRCMP_EQUAL("? one\n? two\n? three\n", terminal.output.c_str());
}

TEST(dialogue, every_key_keeps_it_but_a_line_may_not_take_for_ever) {
    for (int i = 0; i < 4; ++i) {
        terminal.types("x");
        terminal.waits_seconds(5);
    }
    CHECK(dialogue.ask("", Editing::command, kShort).kind == Answer::Kind::timed_out);
    CHECK(!terminal.output.contains("Soon."));
}

TEST(dialogue, silence_ends_it_after_the_notice) {
    terminal.waits_seconds(60);
    CHECK(dialogue.ask("? ", Editing::command, kShort).kind == Answer::Kind::timed_out);
    STRCMP_EQUAL("? \nSoon.\n? \n", terminal.output.c_str());
    CHECK(dialogue.latest() == Answer::Kind::timed_out);
}

TEST(dialogue, a_notice_does_not_show_a_secret) {
    terminal.types("secret");
    terminal.waits_seconds(60);
    CHECK(dialogue.ask("? ", Editing::secret, kShort).kind == Answer::Kind::timed_out);
    STRCMP_EQUAL("? \nSoon.\n? \n", terminal.output.c_str());
}

TEST(dialogue, without_control_the_input_is_a_stream) {
    cli::Dialogue plain(terminal, clock);
    terminal.types("a\x03"
                   "b\n");
    STRCMP_EQUAL("a\x03"
                 "b",
                 plain.ask("? ", Editing::command).text.c_str());
    STRCMP_EQUAL("", terminal.output.c_str());
}

TEST(dialogue, a_pause_drops_what_is_typed_and_ends_in_time) {
    terminal.waits_seconds(3);
    terminal.types("secret\r");
    terminal.waits_seconds(10);
    CHECK(dialogue.pause(5'000) == Answer::Kind::timed_out);
    terminal.types("next\r");
    STRCMP_EQUAL("next", dialogue.ask("", Editing::command).text.c_str());
    STRCMP_EQUAL("next\n", terminal.output.c_str());
}

TEST(dialogue, a_pause_of_nothing_is_over) {
    CHECK(dialogue.pause(0) == Answer::Kind::timed_out);
    CHECK(dialogue.pause(1'000) == Answer::Kind::hung_up);
}

TEST(dialogue, an_input_is_read_to_its_end) {
    terminal.interactive = false;
    terminal.types("abc");
    terminal.types("def");
    const auto contents = dialogue.read_all(6, "standard input", true);
    CHECK(contents.has_value());
    STRCMP_EQUAL("abcdef", contents->c_str());
    terminal.types("abcdefg");
    CHECK(!dialogue.read_all(6, "standard input", true).has_value());
}

TEST(dialogue, an_input_that_ends_with_its_connection_is_not_whole) {
    terminal.interactive = false;
    terminal.abandoned = true;
    terminal.types("abc");
    CHECK(!dialogue.read_all(6, "standard input", true).has_value());
    terminal.types("abc"); // a file, whose reader closed the output
    CHECK(dialogue.read_all(6, "standard input", false).has_value());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/diagnostic.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

TEST_GROUP(diagnostics) {
    Diagnostics diagnostics;
};

TEST(diagnostics, without_problems_say_nothing) {
    CHECK_EQUAL(std::string(), diagnostics.text("clinic.conf"));
    CHECK_FALSE(diagnostics.has_errors());
}

TEST(diagnostics, name_place_section_message_and_hint) {
    diagnostics.error({12, 5}, "service web", "unknown parameter 'prot'", "did you mean 'protocol'?");
    CHECK_EQUAL(std::string("clinic.conf:12:5: error: service web: unknown parameter 'prot'\n"
                            "    hint: did you mean 'protocol'?\n"
                            "1 error\n"),
                diagnostics.text("clinic.conf"));
}

TEST(diagnostics, are_sorted_by_place_and_otherwise_keep_their_order) {
    diagnostics.warning({9, 1}, "", "later");
    diagnostics.error({2, 7}, "", "second");
    diagnostics.error({2, 7}, "", "third");
    diagnostics.error({2, 3}, "", "first");
    CHECK_EQUAL(std::string("c:2:3: error: first\nc:2:7: error: second\nc:2:7: error: third\nc:9:1: warning: later\n"
                            "3 errors, 1 warning\n"),
                diagnostics.text("c"));
}

TEST(diagnostics, without_a_place_name_the_file_alone) {
    diagnostics.error({}, "", "is empty");
    CHECK_EQUAL(std::string("c: error: is empty\n1 error\n"), diagnostics.text("c"));
}

TEST(diagnostics, of_warnings_only_are_no_errors) {
    diagnostics.warning({1, 1}, "", "one");
    diagnostics.warning({1, 2}, "", "two");
    CHECK_FALSE(diagnostics.has_errors());
    CHECK_EQUAL(std::string("c:1:1: warning: one\nc:1:2: warning: two\n2 warnings\n"), diagnostics.text("c"));
}

TEST(diagnostics, beyond_the_bound_are_counted_and_not_kept) {
    for (std::size_t line = 1; line <= Diagnostics::kMost + 50; ++line) {
        diagnostics.error({line, 1}, "", "bad");
    }
    CHECK_EQUAL(Diagnostics::kMost, diagnostics.entries().size());
    CHECK_EQUAL(Diagnostics::kMost + 50, diagnostics.error_count());
    CHECK_TRUE(diagnostics.text("c").ends_with("c:200:1: error: bad\n250 errors (the first 200 are shown)\n"));
}

TEST(diagnostics, show_no_byte_that_a_terminal_acts_on) {
    diagnostics.error({1, 1}, "zone \x1b]0;x\a", "line\nbreak", "\x9b");
    CHECK_EQUAL(std::string("c\\x1b:1:1: error: zone \\x1b]0;x\\x07: line\\x0abreak\n    hint: \\x9b\n1 error\n"),
                diagnostics.text("c\x1b"));
}

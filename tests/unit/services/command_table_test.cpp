// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/command_table.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::services;

namespace {
Result<Invocation> parse(std::vector<std::string> words) {
    return parse_command(words);
}
} // namespace

TEST_GROUP(command){};

TEST(command, every_row_parses_as_itself) {
    for (const CommandRow& row : command_table()) {
        auto words = split_line(row.words);
        CHECK(words.has_value());
        if (row.operands == Operands::file) {
            words->push_back("-");
        } else if (row.operands == Operands::address) {
            words->push_back("192.0.2.1");
        } else if (row.operands == Operands::station) {
            words->insert(words->end(), {"lan1", "00:11:22:33:44:55"});
        } else if (row.operands == Operands::name) {
            words->push_back("tanaka");
        }
        for (const OptionRow& option : row.options) {
            if (option.is_needed) {
                words->insert(words->end(), {std::string(option.name), "lan1"});
            }
        }
        const auto invocation = parse_command(*words);
        CHECK(invocation.has_value());
        CHECK(invocation->command->id == row.id);
        CHECK_FALSE(row.help.empty());
    }
}

TEST(command, options_and_values_are_read) {
    const auto invocation = parse({"show", "log", "--json", "--last", "7"});
    CHECK(invocation.has_value());
    CHECK(invocation->has("--json"));
    CHECK(*invocation->value_of("--last") == "7");
    CHECK_FALSE(invocation->has("--by-source"));
}

TEST(command, words_may_be_options) {
    const auto invocation = parse({"show", "access", "sessions", "detail", "role", "port", "--json", "port", "lan1"});
    CHECK_TEXT(invocation.has_value(), "a value may be any word");
    CHECK(invocation->has("detail") && invocation->has("--json"));
    CHECK(*invocation->value_of("port") == "lan1");
    CHECK(*invocation->value_of("role") == "port");
    CHECK(invocation->operands.empty());
    CHECK(parse({"show", "access", "sessions", "prt", "lan1"}).error().message().contains("did you mean 'port'"));
    CHECK(parse({"show", "access", "sessions", "port"}).error().message().contains("needs a value (PORT)"));
    CHECK(parse({"access", "learn", "for", "10m"}).error().message().contains("'access learn' needs port PORT"));
}

TEST(command, a_misspelt_command_names_the_nearest) {
    const auto invocation = parse({"show", "rule"});
    CHECK_FALSE(invocation.has_value());
    CHECK(invocation.error().message().contains("did you mean 'show rules'"));
}

TEST(command, a_misspelt_option_names_the_nearest) {
    CHECK(parse({"show", "rules", "--jsn"}).error().message().contains("did you mean '--json'"));
}

TEST(command, an_option_of_another_command_is_refused) {
    CHECK_FALSE(parse({"show", "rules", "--last", "3"}).has_value());
}

TEST(command, an_option_twice_is_refused) {
    CHECK_FALSE(parse({"show", "rules", "--json", "--json"}).has_value());
}

TEST(command, a_missing_value_is_refused) {
    CHECK_FALSE(parse({"show", "log", "--last"}).has_value());
}

TEST(command, a_missing_file_is_refused) {
    CHECK_FALSE(parse({"check"}).has_value());
}

TEST(command, a_second_file_is_refused) {
    CHECK_FALSE(parse({"check", "a", "b"}).has_value());
}

TEST(command, an_operand_where_none_belongs_is_refused) {
    CHECK_FALSE(parse({"show", "rules", "all"}).has_value());
}

TEST(command, no_word_at_all_is_refused) {
    CHECK_FALSE(parse({}).has_value());
}

TEST(command, control_characters_in_an_unknown_command_are_escaped) {
    const auto invocation = parse({"\x1b[2J"});
    CHECK_FALSE(invocation.error().message().contains("\x1b"));
}

TEST(command, help_lists_what_is_listed_and_nothing_hidden) {
    const std::string help = help_text();
    CHECK(help.contains("show rules"));
    CHECK(help.contains("--last COUNT"));
    CHECK_FALSE(help.contains("lease-event"));
}

TEST(command, a_line_is_split_at_blanks_outside_quotes) {
    const auto words = split_line("  check \"my file\"  --json\t");
    CHECK(words.has_value());
    LONGS_EQUAL(3, words->size());
    STRCMP_EQUAL("my file", (*words)[1].c_str());
    CHECK_FALSE(split_line("check \"my file").has_value());
    LONGS_EQUAL(0, split_line(" \t").value().size());
    LONGS_EQUAL(1, split_line("\"\"").value().size());
}

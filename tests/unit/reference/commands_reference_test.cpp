// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/command_table.hpp"
#include "tests/unit/reference/page_check.hpp"

using namespace sekisho;

TEST_GROUP(commands_reference){};

TEST(commands_reference, every_listed_command_and_option_has_a_row) {
    const std::string page = services::command_reference_page();
    for (const services::CommandRow& row : services::command_table()) {
        CHECK_EQUAL(row.visibility == services::Visibility::listed,
                    page.contains(std::string("`") + std::string(row.words)));
        for (const services::OptionRow& option : row.options) {
            CHECK(page.contains(option.help));
        }
    }
}

TEST(commands_reference, the_page_in_the_tree_is_what_the_table_says) {
    test::check_page(REFERENCE_PAGE, services::command_reference_page());
}

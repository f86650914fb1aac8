// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/event.hpp"
#include "policy/events/reference.hpp"
#include "tests/unit/reference/page_check.hpp"

using namespace sekisho;

TEST_GROUP(events_reference){};

TEST(events_reference, every_field_has_a_row_and_a_meaning) {
    const std::string page = events::reference_page();
    for (const events::FieldRow& row : events::field_table()) {
        CHECK_FALSE(row.help.empty());
        CHECK(page.contains(row.path));
    }
}

TEST(events_reference, the_page_in_the_tree_is_what_the_table_says) {
    test::check_page(REFERENCE_PAGE, events::reference_page());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/reference.hpp"
#include "policy/config/schema.hpp"
#include "tests/unit/config/text_check.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace sekisho::config;

TEST_GROUP(reference_page){};

TEST(reference_page, has_a_line_for_every_parameter) {
    const std::string page = reference_page();
    for (const Parameter& parameter : schema()) {
        CHECK_HOLDS(parameter.help, page);
    }
}

TEST(reference_page, file_in_the_tree_is_what_the_schema_says) {
    if (std::getenv("SEKISHO_REGENERATE") != nullptr) {
        std::ofstream(REFERENCE_PAGE, std::ios::binary) << reference_page();
    }
    std::ifstream file(REFERENCE_PAGE, std::ios::binary);
    CHECK(file.good());
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    CHECK_SAME(reference_page(), text); // differs? the second line of the page says how to write it anew
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/model/fixture.hpp"

#include <fstream>
#include <iterator>

using namespace sekisho;
using namespace sekisho::test;

TEST_GROUP(default_configuration) {
    std::string text;
    void setup() override {
        std::ifstream file(DEFAULT_CONFIGURATION, std::ios::binary);
        text.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
};

TEST(default_configuration, is_accepted_without_a_word) {
    const Checked checked = check_whole(text);
    CHECK_SAME("", checked.report);
    CHECK(checked.model.has_value());
}

TEST(default_configuration, lets_nothing_in) {
    const Checked checked = check_whole(text);
    CHECK(checked.model.has_value());
    CHECK(checked.model->services.empty());
    CHECK(checked.model->find_zone("clinic")->masquerade);
    for (const model::Policy& policy : checked.model->policies) {
        CHECK_SAME("clinic", policy.from);
        CHECK_SAME("wan", policy.to);
    }
}

TEST(default_configuration, its_commented_example_is_accepted) {
    std::string example;
    bool inside = false;
    for (const std::string_view line : text::split(text, '\n')) {
        inside = inside || line.starts_with("# address-list");
        const bool commented = inside && line.starts_with("# ") && !line.starts_with("# Sources");
        example += text::concat(commented ? line.substr(2) : line, "\n");
        inside = inside && line.starts_with("#");
    }
    const Checked checked = check_whole(example);
    CHECK_SAME("", checked.report);
    CHECK_EQUAL(1u, checked.model->services.size());
    CHECK_EQUAL(1u, checked.model->block.lists.size());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/table.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

TEST_GROUP(table) {
    Table table{"rules",
                {{"rule", "Rule"}, {"hits", "Hits", Column::Kind::number}, {"live", "Live", Column::Kind::boolean}},
                {{"service.web", "7", "true"}, {"zone.lan", "12345", "false"}},
                "2 rules"};
};

TEST(table, aligns_its_columns_and_closes_with_the_status) {
    CHECK_EQUAL(std::string("Rule          Hits  Live\n"
                            "service.web      7  yes\n"
                            "zone.lan     12345  no\n"
                            "2 rules\n"),
                table.text());
}

TEST(table, is_one_line_of_json_with_bare_numbers_and_booleans) {
    CHECK_EQUAL(std::string(R"({"rules":[{"rule":"service.web","hits":7,"live":true},)"
                            R"({"rule":"zone.lan","hits":12345,"live":false}]})"
                            "\n"),
                table.json());
}

TEST(table, with_empty_or_missing_cells_shows_a_dash_and_null) {
    table.rows = {{"", "1"}};
    CHECK_EQUAL(std::string("Rule  Hits  Live\n-        1  -\n2 rules\n"), table.text());
    CHECK_EQUAL(std::string("{\"rules\":[{\"rule\":null,\"hits\":1,\"live\":null}]}\n"), table.json());
}

TEST(table, without_rows_still_has_its_header_and_status) {
    table.rows.clear();
    CHECK_EQUAL(std::string("Rule  Hits  Live\n2 rules\n"), table.text());
    CHECK_EQUAL(std::string("{\"rules\":[]}\n"), table.json());
}

TEST(table, with_hostile_cells_escapes_them) {
    table.rows = {{"a\x1b[31m\n", "1; drop", "perhaps"}};
    CHECK_EQUAL(std::string("Rule              Hits  Live\na\\x1b[31m\\x0a  1; drop  perhaps\n2 rules\n"),
                table.text());
    CHECK_EQUAL(std::string(R"({"rules":[{"rule":"a\u001b[31m\n","hits":"1; drop","live":"perhaps"}]})"
                            "\n"),
                table.json());
}

TEST(table, with_japanese_cells_stays_aligned) {
    table.rows = {{"関所", "1", "true"}, {"ab", "2", "true"}};
    CHECK_EQUAL(std::string("Rule  Hits  Live\n関所     1  yes\nab       2  yes\n2 rules\n"), table.text());
}

TEST_GROUP(facts) {
    Facts facts{{{{"version", "Version"}, "0.1.0"},
                 {{"uptime", "Uptime in seconds", Column::Kind::number}, "9"},
                 {{"end", "End of support"}, ""}},
                "supported"};
};

TEST(facts, are_aligned_lines_for_people) {
    CHECK_EQUAL(std::string("Version            0.1.0\nUptime in seconds  9\nEnd of support     -\nsupported\n"),
                facts.text());
}

TEST(facts, are_one_object_for_programs) {
    CHECK_EQUAL(std::string("{\"version\":\"0.1.0\",\"uptime\":9,\"end\":null}\n"), facts.json());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/event.hpp"

#include <set>

#include <CppUTest/TestHarness.h>

using namespace sekisho::events;

TEST_GROUP(field_table){};

TEST(field_table, has_one_named_and_explained_row_per_field) {
    std::set<std::string_view> paths;
    for (std::size_t index = 0; index < kFieldCount; ++index) {
        const FieldRow& row = field_table()[index];
        CHECK_TRUE(row.field == static_cast<Field>(index));
        CHECK_FALSE(row.help.empty());
        CHECK_TRUE(paths.insert(row.path).second);
        CHECK_TRUE(find_field(row.path) == row.field);
    }
}

TEST(field_table, does_not_know_other_names) {
    CHECK_FALSE(find_field("source").has_value());
    CHECK_FALSE(find_field("source.ip.x").has_value());
    CHECK_FALSE(find_field("").has_value());
}

// "source.ip" beside "source": one of the two could not be written
TEST(field_table, has_no_field_that_is_another_ones_object) {
    for (const FieldRow& outer : field_table()) {
        for (const FieldRow& inner : field_table()) {
            CHECK_FALSE(inner.path.starts_with(std::string(outer.path) + "."));
        }
    }
}

TEST_GROUP(event) {
    Event event;
};

TEST(event, holds_one_value_per_field) {
    event.set(Field::rule_id, "a");
    event.set_number(Field::source_port, 1);
    event.set(Field::rule_id, "b");
    CHECK_EQUAL(2U, event.size());
    CHECK_TRUE(event.text(Field::rule_id) == "b");
    CHECK_EQUAL(1, event.number(Field::source_port));
}

TEST(event, without_a_field_is_empty_there) {
    CHECK_FALSE(event.has(Field::message));
    CHECK_TRUE(event.text(Field::message).empty());
    CHECK_EQUAL(0, event.number(Field::source_port));
    CHECK_EQUAL(std::string(), event.shown(Field::message));
}

TEST(event, asked_for_another_kind_is_empty_there) {
    event.set(Field::rule_id, "a");
    event.set_number(Field::source_port, 7);
    CHECK_EQUAL(0, event.number(Field::rule_id));
    CHECK_TRUE(event.text(Field::source_port).empty());
}

TEST(event, shows_every_kind) {
    event.set(Field::rule_id, "a");
    event.set_number(Field::source_port, -7);
    event.set_boolean(Field::clock_synchronised, true);
    CHECK_EQUAL(std::string("a"), event.shown(Field::rule_id));
    CHECK_EQUAL(std::string("-7"), event.shown(Field::source_port));
    CHECK_EQUAL(std::string("true"), event.shown(Field::clock_synchronised));
}

TEST_GROUP(json_line) {
    Event event;
};

TEST(json_line, of_nothing_is_an_empty_object) {
    CHECK_EQUAL(std::string("{}\n"), to_json_line(event));
}

TEST(json_line, nests_objects_in_the_order_of_the_table) {
    event.set(Field::message, "m");
    event.set_boolean(Field::clock_synchronised, false);
    event.set_number(Field::source_nat_port, 4);
    event.set(Field::source_nat_ip, "203.0.113.1");
    event.set(Field::source_ip, "10.0.1.5");
    event.set(Field::interface_ingress, "lan1");
    event.set(Field::zone_egress, "wan");
    event.set(Field::timestamp, "t");
    event.set(Field::destination_ip, "198.51.100.7");
    CHECK_EQUAL(
        std::string(
            R"({"@timestamp":"t","observer":{"ingress":{"interface":{"name":"lan1"}},"egress":{"zone":"wan"}},)"
            R"("source":{"ip":"10.0.1.5","nat":{"ip":"203.0.113.1","port":4}},"destination":{"ip":"198.51.100.7"},)"
            R"("sekisho":{"clock":{"synchronised":false}},"message":"m"})"
            "\n"),
        to_json_line(event));
}

TEST(json_line, of_every_field_opens_and_closes_each_object_once) {
    for (const FieldRow& row : field_table()) {
        switch (row.kind) {
        case FieldKind::text:
            event.set(row.field, "x");
            break;
        case FieldKind::number:
            event.set_number(row.field, 1);
            break;
        case FieldKind::boolean:
            event.set_boolean(row.field, true);
            break;
        }
    }
    const std::string line = to_json_line(event);
    int depth = 0;
    std::vector<std::set<std::string>> names(1);
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (line[at] == '{') {
            ++depth;
            names.emplace_back();
        } else if (line[at] == '}') {
            --depth;
            names.pop_back();
        } else if (line[at] == '"') {
            const std::size_t end = line.find('"', at + 1);
            if (line[end + 1] == ':') {
                CHECK_TRUE(names.back().insert(line.substr(at, end - at)).second);
            }
            at = end;
        }
    }
    CHECK_EQUAL(0, depth);
}

TEST(json_line, with_hostile_values_stays_one_valid_line) {
    event.set(Field::message, "a\"}\n{\"b\":\x1b[2J\xff\xe2\x80\xae");
    CHECK_EQUAL(std::string("{\"message\":\"a\\\"}\\n{\\\"b\\\":\\u001b[2J\xef\xbf\xbd\\u202e\"}\n"),
                to_json_line(event));
}

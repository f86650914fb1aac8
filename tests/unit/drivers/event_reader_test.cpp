// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/json/event_reader.hpp"

#include <limits>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using events::Event;
using events::Field;

TEST_GROUP(event_reader) {
    drivers::YyjsonEventReader reader;

    void refuse(const std::string& line, const char* message) {
        const auto result = reader.read(line);
        CHECK_FALSE(result.has_value());
        STRCMP_EQUAL(message, result.error().message().c_str());
    }
};

TEST(event_reader, every_field_comes_back) {
    Event event;
    std::int64_t number = 40'000;
    for (const auto& row : events::field_table()) {
        switch (row.kind) {
        case events::FieldKind::text:
            event.set(row.field, std::string("text of ") + std::string(row.path) + " \"\\\n\t診療所");
            break;
        case events::FieldKind::number:
            event.set_number(row.field, ++number);
            break;
        case events::FieldKind::boolean:
            event.set_boolean(row.field, true);
            break;
        }
    }
    const std::string line = to_json_line(event);
    const auto result = reader.read(line);
    CHECK_TRUE(result.has_value());
    CHECK_EQUAL(event.size(), result->size());
    STRCMP_EQUAL(line.c_str(), to_json_line(*result).c_str());
}

TEST(event_reader, numbers_at_their_bounds) {
    for (const std::int64_t number : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0},
                                      std::numeric_limits<std::int64_t>::max()}) {
        Event event;
        event.set_number(Field::event_sequence, number);
        CHECK_TRUE(reader.read(to_json_line(event)).value().number(Field::event_sequence) == number);
    }
}

TEST(event_reader, unknown_members_are_left_out) {
    const auto result = reader.read(R"({"message":"hello","rule":{"id":"r1","colour":"red"},"later":[1,{"a":2}]})");
    CHECK_TRUE(result.has_value());
    CHECK_EQUAL(2, result->size());
    STRCMP_EQUAL("r1", std::string(result->text(Field::rule_id)).c_str());
}

TEST(event_reader, an_empty_object_is_an_empty_event) {
    CHECK_EQUAL(0, reader.read("{}\n").value().size());
}

TEST(event_reader, a_path_through_something_else_is_absent) {
    CHECK_EQUAL(0, reader.read(R"({"rule":"r1","source":[],"event":7})").value().size());
}

TEST(event_reader, text_where_a_number_belongs) {
    refuse(R"({"event":{"sequence":"7"}})", "event: event.sequence: is no whole number of 64 bits");
}

TEST(event_reader, fraction_or_too_large_where_a_number_belongs) {
    refuse(R"({"event":{"sequence":1.5}})", "event: event.sequence: is no whole number of 64 bits");
    refuse(R"({"event":{"sequence":9223372036854775808}})", "event: event.sequence: is no whole number of 64 bits");
    refuse(R"({"event":{"sequence":1e400}})", "event: byte 21: number is infinity when parsed as double");
}

TEST(event_reader, number_where_text_belongs) {
    refuse(R"({"message":7})", "event: message: is no text");
}

TEST(event_reader, null_where_text_belongs) {
    refuse(R"({"message":null})", "event: message: is no text");
}

TEST(event_reader, text_where_a_boolean_belongs) {
    refuse(R"({"sekisho":{"clock":{"synchronised":"true"}}})",
           "event: sekisho.clock.synchronised: is neither true nor false");
}

TEST(event_reader, what_is_no_json) {
    for (const char* line :
         {"", "\n", "{", "{\"message\":\"x\"", "{'message':'x'}", "{\"message\":\"x\",}", "{} {}", "{}x",
          "{\"message\":NaN}", "{\"message\":\"\x01\"}", "{\"message\":\"\xff\"}", "\xef\xbb\xbf{}", "// x\n{}"}) {
        CHECK_FALSE(reader.read(line).has_value());
    }
    CHECK_FALSE(reader.read(std::string("{}\0", 3)).has_value());
}

TEST(event_reader, what_is_no_object) {
    refuse("[]", "event: line: is no JSON object");
    refuse("7", "event: line: is no JSON object");
}

TEST(event_reader, too_deep) {
    std::string line = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
    refuse(line, "event: line: is nested too deeply");
    line = "{\"a\":" + std::string(15, '[') + std::string(15, ']') + "}"; // 16 in all
    CHECK_TRUE(reader.read(line).has_value());
    CHECK_TRUE(
        reader.read("{\"message\":\"" + std::string(100, '[') + "\\\"" + std::string(100, '{') + "\"}").has_value());
}

TEST(event_reader, too_long) {
    refuse("{\"message\":\"" + std::string(300'000, 'x') + "\"}", "event: line: is longer than 262144 bytes");
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/rfc5424.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho::events;

namespace {

const SyslogContext kContext{"clinic", "Sekisho", "0.1.0"};

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t place = text.find(part); place != std::string_view::npos; place = text.find(part, place + 1)) {
        ++found;
    }
    return found;
}

} // namespace

TEST_GROUP(rfc5424) {
    Event event;

    std::string encoded() {
        const std::string message = to_rfc5424(event, kContext);
        CHECK_TRUE(message.size() <= kMostSyslogMessage);
        CHECK_TRUE(message.find('\n') == std::string::npos);
        return message;
    }
    /// What stands before the first blank.
    std::string priority() {
        return encoded().substr(0, encoded().find(' '));
    }
};

TEST(rfc5424, a_denied_connection_whole) {
    event.set(Field::timestamp, "2026-11-23T04:05:06.000007Z");
    event.set(Field::event_kind, "event");
    event.set(Field::event_category, "network");
    event.set(Field::event_action, "connection-denied");
    event.set(Field::event_outcome, "failure");
    event.set(Field::event_reason, "no-service");
    event.set_number(Field::event_sequence, 17);
    event.set(Field::boot_id, "b-1");
    event.set(Field::rule_id, "zone.wan.deny");
    event.set(Field::transport, "tcp");
    event.set(Field::source_ip, "203.0.113.9");
    event.set_number(Field::source_port, 4022);
    event.set(Field::destination_ip, "198.51.100.2");
    event.set_number(Field::destination_port, 22);
    event.set_boolean(Field::clock_synchronised, true);
    STRCMP_EQUAL("<133>1 2026-11-23T04:05:06.000007Z clinic sekisho - connection-denied "
                 "[timeQuality tzKnown=\"1\" isSynced=\"1\"][origin software=\"Sekisho\" swVersion=\"0.1.0\"]"
                 "[meta sequenceId=\"17\"][event@32473 event.kind=\"event\" event.category=\"network\" "
                 "event.outcome=\"failure\" event.reason=\"no-service\" event.sequence=\"17\" host.boot.id=\"b-1\" "
                 "rule.id=\"zone.wan.deny\" network.transport=\"tcp\" source.ip=\"203.0.113.9\" source.port=\"4022\" "
                 "destination.ip=\"198.51.100.2\" destination.port=\"22\"] "
                 "\xef\xbb\xbf"
                 "denied tcp 203.0.113.9 port 4022 to 198.51.100.2 port 22: no-service",
                 encoded().c_str());
}

TEST(rfc5424, an_empty_event) {
    STRCMP_EQUAL("<134>1 - - sekisho - - [timeQuality tzKnown=\"1\" isSynced=\"0\"][origin][event@32473]",
                 to_rfc5424(event, {}).c_str());
}

TEST(rfc5424, the_priority_tells_category_outcome_and_alerts) {
    const auto set = [&](const char* category, const char* outcome, const char* kind) {
        event.set(Field::event_category, category);
        event.set(Field::event_outcome, outcome);
        event.set(Field::event_kind, kind);
    };
    set("network", "success", "event");
    STRCMP_EQUAL("<134>1", priority().c_str());
    set("authentication", "failure", "alert");
    STRCMP_EQUAL("<84>1", priority().c_str());
    set("authentication", "success", "event");
    STRCMP_EQUAL("<85>1", priority().c_str());
    set("configuration", "success", "event");
    STRCMP_EQUAL("<109>1", priority().c_str());
    set("host", "", "alert");
    STRCMP_EQUAL("<28>1", priority().c_str());
    set("host", "", "event");
    STRCMP_EQUAL("<30>1", priority().c_str());
    set("weather", "success", "event");
    STRCMP_EQUAL("<134>1", priority().c_str());
}

TEST(rfc5424, the_message_field_is_the_text) {
    event.set(Field::event_action, "connection-denied");
    event.set(Field::message, "several \xe9\x96\xa2\xe6\x89\x80\nlines");
    CHECK_TRUE(encoded().ends_with("] \xef\xbb\xbfseveral \xe9\x96\xa2\xe6\x89\x80\\x0alines"));
    CHECK_EQUAL(1, count(encoded(), "several"));
}

TEST(rfc5424, a_text_made_of_what_a_record_bears) {
    event.set(Field::event_action, "connection-accepted");
    event.set(Field::transport, "icmp");
    event.set(Field::source_ip, "fd00::1");
    event.set(Field::destination_ip, "fd00::2");
    CHECK_TRUE(encoded().ends_with("] \xef\xbb\xbf"
                                   "accepted icmp fd00::1 to fd00::2"));
    event.set(Field::event_action, "apply");
    CHECK_TRUE(encoded().ends_with("\"]")); // nothing to say
}

TEST(rfc5424, values_are_escaped) {
    event.set(Field::rule_id, R"(a"b\c]d)");
    CHECK_TRUE(encoded().contains(R"( rule.id="a\"b\\c\]d"])"));
    event.set(Field::rule_id, "\n\r\t\x1b\x7f\xc2\x9b\xe2\x80\xae\xff\xef\xbb\xbf");
    CHECK_TRUE(encoded().contains(R"( rule.id="\\x0a\\x0d\\x09\\x1b\\x7f\\u{009b}\\u{202e}\\xff\\u{feff}"])"));
}

TEST(rfc5424, a_value_that_looks_like_a_message_stays_a_value) {
    event.set(Field::user_name, "x\"][event@32473 user.name=\"root\"] \n<85>1 - - sekisho - login -");
    event.set(Field::message, "] [event@32473 user.name=\"root\"]");
    CHECK_TRUE(encoded().contains(
        R"( user.name="x\"\][event@32473 user.name=\"root\"\] \\x0a<85>1 - - sekisho - login -"] )"));
}

TEST(rfc5424, what_the_header_cannot_hold_becomes_a_parameter) {
    for (const char* time : {"", "yesterday", "2026-11-23 04:05:06Z", "2026-11-23t04:05:06Z", "2026-11-23T04:05:06",
                             "2026-11-23T04:05:06.Z", "2026-11-23T04:05:06.1234567Z", "2026-02-30T04:05:06Z",
                             "2026-11-23T04:05:60Z", "2026-11-23T04:05:06Z\n", "2026-11-23T04:05:06+9:00"}) {
        event.set(Field::timestamp, time);
        CHECK_TEXT(encoded().starts_with("<134>1 - clinic"), time);
        CHECK_TEXT(encoded().contains("[event@32473 @timestamp=\""), time);
    }
    for (const char* time : {"2026-11-23T04:05:06Z", "2026-11-23T04:05:06.1+09:00"}) {
        event.set(Field::timestamp, time);
        CHECK_TEXT(encoded().starts_with("<134>1 2026"), time);
        CHECK_TEXT(encoded().contains("[event@32473]"), time);
    }
    for (const char* action : {"", "-", "log in", "login\n", "\xe9\x96\xa2", "a-name-of-more-than-thirty-two-ch"}) {
        event.set(Field::event_action, action);
        CHECK_TEXT(encoded().contains(" clinic sekisho - - [timeQuality"), action);
        CHECK_TEXT(encoded().contains("[event@32473 event.action=\""), action);
    }
    event.set(Field::event_action, "a-name-of-exactly-thirty-two-cha");
    CHECK_TRUE(encoded().contains(" - a-name-of-exactly-thirty-two-cha [timeQuality"));
    CHECK_TRUE(to_rfc5424(event, {"two words", "", ""}).starts_with("<134>1 2026-11-23T04:05:06.1+09:00 - sekisho"));
}

TEST(rfc5424, the_origin_is_bounded) {
    const std::string message = to_rfc5424(event, {"h", std::string(60, 's'), std::string(31, 'v') + "\"x"});
    CHECK_TRUE(message.contains("[origin software=\"" + std::string(48, 's') + "\" swVersion=\"" +
                                std::string(31, 'v') + "\"]"));
}

TEST(rfc5424, the_sequence_id_begins_anew_after_its_largest) {
    for (const auto& [sequence, id] : {std::pair{std::int64_t{1}, "\"1\""},
                                       {std::int64_t{2'147'483'647}, "\"2147483647\""},
                                       {std::int64_t{2'147'483'648}, "\"1\""}}) {
        event.set_number(Field::event_sequence, sequence);
        CHECK_TRUE(encoded().contains(std::string("[meta sequenceId=") + id + "]"));
    }
    event.set_number(Field::event_sequence, 0);
    CHECK_FALSE(encoded().contains("[meta"));
    event.set_number(Field::event_sequence, -5);
    CHECK_FALSE(encoded().contains("[meta"));
}

TEST(rfc5424, a_long_value_is_cut_and_named) {
    event.set(Field::rule_id, "zone.wan.deny");
    event.set(Field::config_diff, std::string(64u << 10, '\n'));
    const std::string message = encoded();
    CHECK_TRUE(message.size() > kMostSyslogMessage - 200);
    CHECK_TRUE(message.contains(" rule.id=\"zone.wan.deny\" "));
    CHECK_TRUE(message.ends_with("\\\\x0a\" truncated=\"sekisho.config.diff\"]")); // no half of an escape
}

TEST(rfc5424, a_cut_leaves_whole_characters_and_short_values) {
    std::string kanji;
    for (int i = 0; i < 20'000; ++i) {
        kanji += "\xe9\x96\xa2";
    }
    event.set(Field::config_diff, kanji + "end");
    event.set(Field::user_name, "x" + kanji);
    event.set(Field::message, "xx" + kanji);
    event.set(Field::source_ip, "203.0.113.9");
    const std::string message = encoded();
    CHECK_TRUE(message.size() > kMostSyslogMessage - 300);
    CHECK_TRUE(message.contains(" source.ip=\"203.0.113.9\""));
    CHECK_TRUE(message.contains("\xe9\x96\xa2\" truncated=\"user.name sekisho.config.diff message\"] \xef\xbb\xbfxx"));
    CHECK_TRUE(message.ends_with("\xe9\x96\xa2"));
}

TEST(rfc5424, all_values_long_at_once) {
    for (const FieldRow& row : field_table()) {
        if (row.kind == FieldKind::text) {
            event.set(row.field, std::string(64u << 10, '"'));
        } else if (row.kind == FieldKind::number) {
            event.set_number(row.field, INT64_MIN);
        }
    }
    const std::string message =
        to_rfc5424(event, {std::string(255, 'h'), std::string(100, '"'), std::string(100, '"')});
    CHECK_TRUE(message.size() <= kMostSyslogMessage);
    for (const FieldRow& row : field_table()) {
        if (row.kind == FieldKind::text && row.syslog != SyslogPlace::text) {
            CHECK_TRUE(message.contains(" " + std::string(row.path) + "=\"\\\""));
        }
    }
}

TEST(rfc5424, what_just_fits_is_not_cut) {
    event.set(Field::message, "m");
    const std::size_t rest = encoded().size() - 1;
    event.set(Field::message, std::string(kMostSyslogMessage - rest, 'm'));
    CHECK_EQUAL(kMostSyslogMessage, encoded().size());
    CHECK_FALSE(encoded().contains("truncated"));
    event.set(Field::message, std::string(kMostSyslogMessage - rest + 1, 'm'));
    CHECK_TRUE(encoded().contains(" truncated=\"message\"]") ||
               encoded().contains("[event@32473 truncated=\"message\"]"));
}

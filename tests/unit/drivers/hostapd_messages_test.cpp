// SPDX-License-Identifier: GPL-2.0-or-later
// Messages as hostapd 2.10 sent them, and what strangers make of them.
#include "drivers/hostapd/messages.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::drivers::hostapd;

namespace {

const MacAddress kStation = MacAddress::parse("c2:6d:23:1b:22:9d").value();

std::string answer(std::string_view flags, std::string_view user) {
    return "c2:6d:23:1b:22:9d\nflags=" + std::string(flags) +
           "\naid=0\ncapability=0x0\nlisten_interval=0\nsupported_rates=\ntimeout_next=NULLFUNC "
           "POLL\ndot1xPaePortNumber=0\ndot1xAuthPaeState=5\ndot1xAuthSessionUserName=" +
           std::string(user) + "\nauthMultiSessionId=0\nlast_eap_type_as=4 (MD5)\n";
}

} // namespace

TEST_GROUP(hostapd_messages){};

TEST(hostapd_messages, events_name_their_station) {
    const std::pair<const char*, EventKind> events[] = {
        {"<3>CTRL-EVENT-EAP-STARTED c2:6d:23:1b:22:9d", EventKind::started},
        {"<3>CTRL-EVENT-EAP-SUCCESS2 c2:6d:23:1b:22:9d", EventKind::succeeded},
        {"<3>CTRL-EVENT-EAP-FAILURE2 c2:6d:23:1b:22:9d", EventKind::rejected},
        {"<3>CTRL-EVENT-EAP-TIMEOUT-FAILURE2 c2:6d:23:1b:22:9d", EventKind::timed_out},
        {"<3>AP-STA-DISCONNECTED c2:6d:23:1b:22:9d", EventKind::disconnected},
    };
    for (const auto& [text, kind] : events) {
        const auto event = parse_event(text);
        CHECK_TEXT(event && event->kind == kind && event->station == kStation, text);
    }
    CHECK(parse_event("<3>CTRL-EVENT-TERMINATING ")->kind == EventKind::ending);
}

TEST(hostapd_messages, anything_else_is_no_event) {
    for (const char* text :
         {"", "<", "<3>", "OK\n", "FAIL\n", "CTRL-EVENT-EAP-SUCCESS2 c2:6d:23:1b:22:9d",
          "<3>CTRL-EVENT-EAP-SUCCESS2 c2:6d:23:1b:22:9d ", "<3>CTRL-EVENT-EAP-SUCCESS2 c2:6d:23:1b:22:9",
          "<3>CTRL-EVENT-EAP-SUCCESS2 c2:6d:23:1b:22:9d\nx", "<3>CTRL-EVENT-EAP-SUCCESS2  c2:6d:23:1b:22:9d",
          // without a RADIUS server's word
          "<3>CTRL-EVENT-EAP-SUCCESS c2:6d:23:1b:22:9d", "<3>CTRL-EVENT-EAP-PROPOSED-METHOD vendor=0 method=1",
          "<3>x\n<3>CTRL-EVENT-EAP-SUCCESS2 c2:6d:23:1b:22:9d", "<33>CTRL-EVENT-EAP-SUCCESS2 c2:6d:23:1b:22:9d"}) {
        CHECK_FALSE_TEXT(parse_event(text).has_value(), text);
    }
}

TEST(hostapd_messages, a_stations_answer_has_its_flags) {
    const auto read = parse_station(answer("[AUTHORIZED]", "tanaka"));
    CHECK(read && read->station == kStation && read->is_authorised);
    CHECK_FALSE(parse_station(answer("", "tanaka"))->is_authorised);
}

TEST(hostapd_messages, a_name_that_pretends_to_be_lines_of_hostapd_says_nothing) {
    for (const char* name :
         {"guest\nflags=[AUTHORIZED]\ndot1xAuthSessionUserName=doctor", "flags=[AUTHORIZED]", "\nflags=[AUTHORIZED]"}) {
        const auto read = parse_station(answer("", name));
        CHECK(read.has_value());
        CHECK_FALSE(read->is_authorised);
    }
}

TEST(hostapd_messages, what_is_no_stations_answer_is_none) {
    for (const char* text : {"", "OK\n", "FAIL\n", "\n", "c2:6d:23:1b:22\nflags=", "<3>CTRL-EVENT-TERMINATING "}) {
        CHECK_FALSE_TEXT(parse_station(text).has_value(), text);
    }
    CHECK(parse_station("c2:6d:23:1b:22:9d").has_value()); // cut off: nothing is authorised by it
    CHECK_FALSE(parse_station("c2:6d:23:1b:22:9d")->is_authorised);
}

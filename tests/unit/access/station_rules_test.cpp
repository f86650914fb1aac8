// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/access/station_rules.hpp"

#include <vector>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using access::Cause;

namespace {

MacAddress parsed(const char* text) {
    return MacAddress::parse(text).value();
}

} // namespace

TEST_GROUP(station_rules) {
    std::vector<MacAddress> own{parsed("00:11:22:33:44:55")};
};

TEST(station_rules, what_no_device_has_is_refused) {
    for (const char* text : {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:80:c2:00:00:03", "33:33:00:00:00:01",
                             "00:00:5e:00:01:0a", "03:11:22:33:44:55"}) {
        CHECK_TEXT(access::why_no_device(parsed(text), own) == Cause::reserved_address, text);
    }
    CHECK(access::why_no_device(own[0], own) == Cause::own_address);
}

TEST(station_rules, what_a_device_may_have_is_not) {
    for (const char* text : {"00:11:22:33:44:56", "02:11:22:33:44:55", "fe:ff:ff:ff:ff:ff", "00:00:5f:00:01:0a"}) {
        CHECK_FALSE_TEXT(access::why_no_device(parsed(text), own).has_value(), text);
    }
}

TEST(station_rules, made_up_addresses_are_known) {
    CHECK_TRUE(parsed("02:11:22:33:44:55").is_locally_administered());
    CHECK_TRUE(parsed("da:a1:19:00:00:01").is_locally_administered());
    CHECK_FALSE(parsed("00:11:22:33:44:55").is_locally_administered());
}

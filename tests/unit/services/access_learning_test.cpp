// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/access_learning.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/fakes/clinic_access.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using fakes::typed;

TEST_GROUP(access_learning) {
    fakes::ClinicAccess clinic;
    services::AccessLearning learning{clinic.access, clinic.keeper, clinic.log};

    void setup() override {
        clinic.begin();
    }

    ports::ControlResponse learn(std::string_view line) {
        return learning.learn(typed(line), clinic.request(), 540);
    }
    std::string shown(std::string_view line = "show access learned") {
        return learning.show(typed(line), 540).output;
    }
};

TEST(access_learning, times_are_from_ten_seconds_to_a_day) {
    CHECK(services::read_learning_time("10m") == access::Ticks::of_seconds(600));
    CHECK(services::read_learning_time("24h") == access::Ticks::of_seconds(86'400));
    CHECK(services::read_learning_time("10s") == access::Ticks::of_seconds(10));
    for (const char* text : {"", "10", "m", "9s", "25h", "-1m", "1d", "99999999999999999999s", "10m "}) {
        CHECK_FALSE(services::read_learning_time(text).has_value());
    }
}

TEST(access_learning, what_appears_is_listed_as_entries_and_not_admitted) {
    LONGS_EQUAL(0, learn("access learn port lan2 for 10m").exit_status);
    clinic.seen(clinic.stranger);
    clinic.seen(clinic.stranger, "lan1");
    CHECK(clinic.table.leases.empty());
    const std::string text = shown();
    STRCMP_CONTAINS("\ndevice 00:16:3e:00:00:99 { name \"seen on lan2 ", text.c_str());
    STRCMP_CONTAINS("port lan2; }\n", text.c_str());
    CHECK_FALSE(text.contains("port lan1; }")); // seen lately, and not learnt
    STRCMP_CONTAINS("2 seen; lan2 learns until ", text.c_str());
    LONGS_EQUAL(1, clinic.files.count(R"("action":"access-learn")"));
    LONGS_EQUAL(1, clinic.files.count(R"("name":"tanaka")"));
}

TEST(access_learning, a_closed_port_learns_and_an_open_one_has_nothing_to_tell) {
    LONGS_EQUAL(0, learn("access learn port lan3").exit_status);
    clinic.seen(clinic.stranger, "lan3");
    STRCMP_CONTAINS("port lan3; }", shown("show access learned port lan3").c_str());
    STRCMP_CONTAINS("is open", learn("access learn port lan4").errors.c_str());
    STRCMP_CONTAINS("has no port 'lan9'", learn("access learn port lan9").errors.c_str());
    LONGS_EQUAL(2, learn("access learn port lan3 for ever").exit_status);
}

TEST(access_learning, randomised_addresses_are_comments) {
    LONGS_EQUAL(0, learn("access learn port lan2").exit_status);
    clinic.seen(clinic.made_up);
    STRCMP_CONTAINS("\n# a randomised address", shown().c_str());
    STRCMP_CONTAINS("\n# device 02:16:3e:00:00:99 {", shown().c_str());
    STRCMP_CONTAINS(R"("randomised":true)", shown("show access learned --json").c_str());
}

TEST(access_learning, the_list_stays_when_the_time_is_over_and_takes_no_more) {
    LONGS_EQUAL(0, learn("access learn port lan2 for 1m").exit_status);
    clinic.seen(clinic.stranger);
    clinic.loop.advance(61'000, clinic.clock);
    clinic.seen(MacAddress::parse("00:16:3e:00:00:98").value());
    const std::string text = shown();
    STRCMP_CONTAINS("lan2 learnt until ", text.c_str());
    STRCMP_CONTAINS("\ndevice 00:16:3e:00:00:99", text.c_str());
    CHECK_FALSE(text.contains("\ndevice 00:16:3e:00:00:98"));
    LONGS_EQUAL(0, learn("access learn port lan2").exit_status);
    CHECK_FALSE(shown().contains("\ndevice "));
}

TEST(access_learning, registered_devices_and_the_routers_own_addresses_are_no_news) {
    LONGS_EQUAL(0, learn("access learn port lan3").exit_status);
    clinic.seen(clinic.desk, "lan3");
    clinic.seen(clinic.bridge, "lan3");
    const std::string text = shown();
    STRCMP_CONTAINS("desk", text.c_str());
    STRCMP_CONTAINS("1 seen", text.c_str());
    CHECK_FALSE(text.contains("\ndevice "));
}

TEST(access_learning, guests_are_listed_too) {
    clinic.port(1).guest_role = "visitor";
    clinic.follow();
    clinic.seen(clinic.stranger);
    LONGS_EQUAL(1, clinic.access.sessions().size());
    LONGS_EQUAL(0, learn("access learn port lan2").exit_status);
    STRCMP_CONTAINS("\ndevice 00:16:3e:00:00:99", shown().c_str()); // though it is not told of any more
}

TEST(access_learning, a_flood_of_addresses_pushes_out_the_oldest) {
    clinic.seen(clinic.stranger);
    clinic.seen(clinic.stranger, "lan1");
    for (unsigned number = 0; number < services::AccessLearning::kMostStations; ++number) {
        clinic.clock.monotonic += 1'000;
        MacAddress mac = clinic.made_up;
        mac.bytes[3] = static_cast<std::uint8_t>(number >> 8);
        mac.bytes[4] = static_cast<std::uint8_t>(number);
        clinic.seen(mac);
    }
    STRCMP_CONTAINS(text::concat(text::to_text(services::AccessLearning::kMostStations + 1), " seen").c_str(),
                    shown().c_str());
    CHECK_FALSE(shown("show access learned port lan2").contains("00:16:3e:00:00:99"));
    CHECK(shown("show access learned port lan1").contains("00:16:3e:00:00:99"));
}

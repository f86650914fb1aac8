// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/device_names.hpp"
#include "tests/unit/fakes/clinic_access.hpp"
#include "tests/unit/fakes/dhcp_request.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::DeviceNames;

TEST_GROUP(device_names) {
    fakes::ClinicAccess clinic;
    DeviceNames names{clinic.store, clinic.loop, clinic.log, clinic.access};

    void setup() override {
        clinic.begin();
        clinic.seen(clinic.desk);
        clinic.access.on_request([this](const auto& record) { names.take(record); });
    }

    void asks(const MacAddress& mac, std::string_view name) {
        std::vector<std::uint8_t> options{12, static_cast<std::uint8_t>(name.size())};
        options.insert(options.end(), name.begin(), name.end());
        const auto packet = fakes::dhcp_request(options);
        events::LogRecord record;
        record.prefix = ruleset::kRequestPrefix;
        record.ingress_interface = "lan2";
        record.source_mac = mac;
        record.packet = packet;
        clinic.frames.on_record(record);
    }

    std::size_t alarms() const {
        std::size_t count = 0;
        for (const std::string& line : clinic.files.all_lines()) {
            count += line.contains("host-name-changed") ? 1 : 0;
        }
        return count;
    }
};

TEST(device_names, another_name_is_an_alarm_each_time) {
    asks(clinic.desk, "desk-1");
    asks(clinic.desk, "desk-1");
    LONGS_EQUAL(0, alarms());
    asks(clinic.desk, "kali");
    asks(clinic.desk, "kali");
    LONGS_EQUAL(1, alarms());
    STRCMP_CONTAINS(R"(calls itself \"kali\", before \"desk-1\")", clinic.files.all_lines().back().c_str());
    STRCMP_CONTAINS(R"("kind":"alert")", clinic.files.all_lines().back().c_str());
    asks(clinic.desk, "desk-1");
    LONGS_EQUAL(2, alarms());
}

TEST(device_names, who_is_not_in_force_names_nobody) {
    asks(clinic.stranger, "a");
    asks(clinic.stranger, "b");
    STRCMP_EQUAL("", names.name_of(clinic.stranger).c_str());
    LONGS_EQUAL(0, alarms());
}

TEST(device_names, who_has_proved_itself_may_change_its_name) {
    clinic.port(1).mode = model::AccessMode::dot1x;
    clinic.model.access.users.push_back(
        {.name = "sato", .place = {}, .role = {}, .expires = {}, .certificates = {}, .note = {}});
    clinic.follow();
    clinic.radius.acceptances[{"lan2", clinic.stranger}] = {.user = "sato", .valid_for = {}};
    clinic.authenticators.tell(access::Authenticated{{"lan2", clinic.stranger}, {}, {}});
    CHECK(clinic.access.find_session({"lan2", clinic.stranger}).has_value());
    asks(clinic.stranger, "a");
    asks(clinic.stranger, "b");
    STRCMP_EQUAL("b", names.name_of(clinic.stranger).c_str());
    LONGS_EQUAL(0, alarms());
}

TEST(device_names, names_outlive_a_boot) {
    asks(clinic.desk, "desk\n00:16:3e:00:00:51 x");
    clinic.loop.advance(60'000, clinic.clock);
    DeviceNames later{clinic.store, clinic.loop, clinic.log, clinic.access};
    CHECK(later.load().has_value());
    STRCMP_EQUAL("desk\\x0a00:16:3e:00:00:51 x", later.name_of(clinic.desk).c_str());
    STRCMP_EQUAL("", later.name_of(clinic.unit).c_str());
    clinic.store.files["access/host-names"] += "damaged\n00:16:3e:00:00:51 unit\n00:16:3e";
    DeviceNames latest{clinic.store, clinic.loop, clinic.log, clinic.access};
    CHECK(latest.load().has_value());
    STRCMP_EQUAL("unit", latest.name_of(clinic.unit).c_str());
}

TEST(device_names, a_long_name_is_cut) {
    asks(clinic.desk, std::string(200, 'x'));
    LONGS_EQUAL(64, names.name_of(clinic.desk).size());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/access_report.hpp"
#include "tests/unit/fakes/clinic_access.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using fakes::typed;

TEST_GROUP(access_report) {
    fakes::ClinicAccess clinic;
    services::DeviceNames names{clinic.store, clinic.loop, clinic.log, clinic.access};

    void setup() override {
        clinic.begin();
        clinic.seen(clinic.desk);
        clinic.seen(clinic.unit);
    }

    ports::ControlResponse sessions(std::string_view line) {
        return services::show_access_sessions(typed(line), clinic.access, names, clinic.clock.wall, 540);
    }
    std::string shown(std::string_view line) {
        const auto response = sessions(line);
        CHECK_TEXT(response.exit_status == 0, response.errors.c_str());
        return response.output;
    }
    std::string ports() {
        return services::show_access_ports(typed("show access ports"), clinic.access).output;
    }
};

TEST(access_report, sessions_are_shown_by_port_address_and_role) {
    STRCMP_CONTAINS("2 in force", shown("show access sessions").c_str());
    STRCMP_CONTAINS("1 of 2 in force", shown("show access sessions mac 00-16-3E-00-00-50").c_str());
    STRCMP_CONTAINS("CR unit", shown("show access sessions role modality port lan2").c_str());
    STRCMP_CONTAINS("0 of 2 in force", shown("show access sessions role modality mac 00:16:3e:00:00:50").c_str());
    STRCMP_CONTAINS("0 of 2 in force", shown("show access sessions port lan1").c_str());
}

TEST(access_report, a_name_that_is_none_is_no_empty_list) {
    STRCMP_EQUAL("argument: port-access has no port 'lan22'; did you mean 'lan2'?\n",
                 sessions("show access sessions port lan22").errors.c_str());
    STRCMP_CONTAINS("no role 'offices'", sessions("show access sessions role offices").errors.c_str());
    STRCMP_CONTAINS("is not a MAC address", sessions("show access sessions mac desk").errors.c_str());
    STRCMP_CONTAINS("\\x1b", sessions("show access sessions port \x1b[2J").errors.c_str());
}

TEST(access_report, detail_tells_everything) {
    const std::string text = shown("show access sessions mac 00:16:3e:00:00:51 detail");
    for (const char* part :
         {"Last result         registered", "Owner               radiology", "Note                ask first",
          "Configuration line  42", "weak: a MAC address can be forged"}) {
        STRCMP_CONTAINS(part, text.c_str());
    }
    const std::string json = shown("show access sessions detail --json");
    STRCMP_CONTAINS(R"("last_result":"registered")", json.c_str());
    STRCMP_CONTAINS(R"("line":42)", json.c_str());
    CHECK_FALSE(shown("show access sessions --json").contains("owner"));
}

TEST(access_report, the_last_result_follows_what_is_decided) {
    clinic.loop.advance(3'600'000, clinic.clock);
    STRCMP_CONTAINS(R"("last_result":"renewed")", shown("show access sessions detail --json").c_str());
}

TEST(access_report, what_a_stranger_wrote_is_escaped) {
    clinic.device(0).name = "desk\x1b[2J";
    clinic.follow();
    CHECK_FALSE(shown("show access sessions").contains('\x1b'));
    CHECK_FALSE(shown("show access sessions detail").contains('\x1b'));
}

TEST(access_report, different_roles_behind_one_cable_are_not_separated) {
    STRCMP_CONTAINS("modality office", ports().c_str());
    STRCMP_CONTAINS("lan2: devices with different roles are behind one cable, not separated from each other",
                    ports().c_str());
    clinic.access.clear({"lan2", clinic.unit});
    CHECK_FALSE(ports().contains("not separated"));
}

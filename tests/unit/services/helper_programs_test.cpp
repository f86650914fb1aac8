// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/helper_programs.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

TEST_GROUP(helper_programs) {
    fakes::FakeProcesses processes;
    fakes::FakeStore run_store;
    services::HelperPrograms helpers{processes, run_store, {}};
    model::Model model;

    static model::Interface wan(bool dhcp) {
        return {.name = "wan0",
                .place = {},
                .is_bridge = false,
                .ports = {},
                .dhcp = dhcp,
                .addresses = {},
                .gateways = {}};
    }
};

TEST(helper_programs, time_servers_start_chrony_with_kernel_synchronisation) {
    model.time_servers.push_back({"198.51.100.123", {}});
    CHECK(helpers.follow(model).has_value());
    CHECK(processes.programs.contains("chronyd"));
    CHECK(run_store.files["chrony.conf"].contains("server 198.51.100.123 iburst\n"));
    CHECK(run_store.files["chrony.conf"].contains("rtcsync\n"));
}

TEST(helper_programs, chrony_opens_no_port) {
    model.time_servers.push_back({"ntp.nict.jp", {}});
    CHECK(helpers.follow(model).has_value());
    CHECK(run_store.files["chrony.conf"].contains("\nport 0\n"));
    CHECK(run_store.files["chrony.conf"].contains("\ncmdport 0\n"));
}

TEST(helper_programs, no_time_server_ends_chrony) {
    model.time_servers.push_back({"198.51.100.123", {}});
    CHECK(helpers.follow(model).has_value());
    model.time_servers.clear();
    CHECK(helpers.follow(model).has_value());
    CHECK_FALSE(processes.programs.contains("chronyd"));
}

TEST(helper_programs, a_server_name_that_is_more_than_one_word_is_refused) {
    for (const char* name : {"ntp.nict.jp\nallow all", "a b", "", "#x"}) {
        CHECK_FALSE(services::chrony_configuration({{name, {}}}, "/run/sekisho").has_value());
    }
}

TEST(helper_programs, a_dhcp_client_runs_only_where_one_is_configured) {
    model.interfaces.push_back(wan(true));
    CHECK(helpers.follow(model).has_value());
    CHECK(processes.programs.contains("udhcpc wan0"));
    model.interfaces.front() = wan(false);
    CHECK(helpers.follow(model).has_value());
    CHECK(processes.programs.empty());
}

TEST(helper_programs, the_dhcp_client_asks_for_no_static_routes) {
    model.interfaces.push_back(wan(true));
    CHECK(helpers.follow(model).has_value());
    const auto& argv = processes.programs["udhcpc wan0"];
    CHECK(std::ranges::find(argv, "-o") != argv.end()); // no default option list
    CHECK(std::ranges::find(argv, "staticroutes") == argv.end());
}

TEST(helper_programs, no_dhcp_client_runs_while_the_wan_is_held_down) {
    model.interfaces.push_back(wan(true));
    helpers.hold_wan(true);
    CHECK(helpers.follow(model).has_value());
    CHECK(processes.programs.empty());
    helpers.hold_wan(false);
    CHECK(helpers.follow(model).has_value());
    CHECK(processes.programs.contains("udhcpc wan0"));
    helpers.hold_wan(true);
    CHECK(helpers.follow(model).has_value());
    CHECK(processes.programs.empty());
}

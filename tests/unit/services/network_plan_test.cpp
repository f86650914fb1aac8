// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/network_plan.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::check_lease;
using services::LeaseReport;
using services::parse_lease_report;

TEST_GROUP(lease) {
    model::Model model;

    void setup() override {
        model.interfaces.push_back({.name = "wan0",
                                    .place = {},
                                    .is_bridge = false,
                                    .ports = {},
                                    .dhcp = true,
                                    .addresses = {},
                                    .gateways = {}});
        model.interfaces.push_back({.name = "br-clinic",
                                    .place = {},
                                    .is_bridge = true,
                                    .ports = {"lan1"},
                                    .dhcp = false,
                                    .addresses = {*InterfaceAddress::parse("10.0.1.1/24")},
                                    .gateways = {}});
        model.zones.push_back({.name = "wan", .place = {}, .interfaces = {"wan0"}, .masquerade = false});
        model.zones.push_back({.name = "clinic", .place = {}, .interfaces = {"br-clinic"}, .masquerade = true});
    }

    static LeaseReport offered() {
        return {"bound", "wan0", "192.168.77.20", "255.255.255.0", "192.168.77.1", "192.168.77.1 9.9.9.9"};
    }
};

TEST(lease, an_ordinary_lease_is_taken) {
    const auto lease = check_lease(offered(), model);
    CHECK(lease.has_value());
    STRCMP_EQUAL("192.168.77.20/24", lease->leased.address.text().c_str());
    STRCMP_EQUAL("192.168.77.1", lease->leased.gateway->text().c_str());
    LONGS_EQUAL(2, lease->name_servers.size());
}

TEST(lease, a_network_that_overlaps_an_inside_one_is_refused_naming_both) {
    LeaseReport report = offered();
    report.address = "10.0.0.20";
    report.mask = "255.255.0.0";
    report.router = "10.0.0.1";
    const auto lease = check_lease(report, model);
    CHECK_FALSE(lease.has_value());
    CHECK(lease.error().message().contains("10.0.0.0/16"));
    CHECK(lease.error().message().contains("10.0.1.0/24"));
}

TEST(lease, a_router_off_the_offered_network_is_refused) {
    LeaseReport report = offered();
    report.router = "10.0.1.1";
    CHECK_FALSE(check_lease(report, model).has_value());
}

TEST(lease, a_router_that_is_no_other_host_is_refused) {
    LeaseReport report = offered();
    for (const char* router : {"192.168.77.0", "192.168.77.255", "192.168.77.20"}) {
        report.router = router;
        const auto lease = check_lease(report, model);
        CHECK_FALSE(lease.has_value());
        CHECK(lease.error().message().contains("is no other host's address on 192.168.77.0/24"));
    }
    report.router = "192.168.77.254";
    CHECK(check_lease(report, model).has_value());
}

TEST(lease, both_addresses_of_a_point_to_point_network_are_hosts) {
    LeaseReport report = offered();
    report.mask = "255.255.255.254";
    report.router = "192.168.77.21";
    CHECK(check_lease(report, model).has_value());
    report.mask = "255.255.255.255";
    report.router = "";
    CHECK(check_lease(report, model).has_value());
}

TEST(lease, the_edges_of_a_network_are_no_addresses) {
    LeaseReport report = offered();
    for (const char* address : {"192.168.77.0", "192.168.77.255"}) {
        report.address = address;
        CHECK_FALSE(check_lease(report, model).has_value());
    }
}

TEST(lease, a_network_wider_than_any_is_refused) {
    LeaseReport report = offered();
    report.address = "172.16.0.5";
    report.router = "172.16.0.1";
    report.mask = "254.0.0.0";
    CHECK_FALSE(check_lease(report, model).has_value());
    report.mask = "255.0.0.0";
    CHECK(check_lease(report, model).has_value());
}

TEST(lease, a_mask_with_holes_is_refused) {
    LeaseReport report = offered();
    for (const char* mask : {"255.0.255.0", "0.0.0.0", "", "24", "ffff::"}) {
        report.mask = mask;
        CHECK_FALSE(check_lease(report, model).has_value());
    }
}

TEST(lease, an_address_that_no_host_has_is_refused) {
    LeaseReport report = offered();
    for (const char* address : {"127.0.0.1", "224.0.0.1", "0.0.0.0", "0.1.2.3", "255.255.255.255", "2001:db8::1",
                                "192.168.77.20; reboot", ""}) {
        report.address = address;
        CHECK_FALSE(check_lease(report, model).has_value());
    }
}

TEST(lease, an_interface_without_a_client_is_refused) {
    LeaseReport report = offered();
    report.interface = "br-clinic";
    CHECK_FALSE(check_lease(report, model).has_value());
    report.interface = "eth9";
    CHECK_FALSE(check_lease(report, model).has_value());
}

TEST(lease, name_servers_that_are_no_addresses_are_left_out) {
    LeaseReport report = offered();
    report.name_servers = "evil\nnameserver 192.168.77.1 1.1.1.1 8.8.8.8 9.9.9.9 4.4.4.4";
    LONGS_EQUAL(3, check_lease(report, model)->name_servers.size());
}

TEST(lease, words_that_the_client_does_not_send_are_refused) {
    CHECK(parse_lease_report(std::vector<std::string>{"bound", "interface=wan0", "ip=1.2.3.4"}).has_value());
    CHECK_FALSE(parse_lease_report(std::vector<std::string>{}).has_value());
    CHECK_FALSE(parse_lease_report(std::vector<std::string>{"reboot"}).has_value());
    CHECK_FALSE(parse_lease_report(std::vector<std::string>{"bound", "interface"}).has_value());
    CHECK_FALSE(parse_lease_report(std::vector<std::string>{"bound", "staticroutes=0.0.0.0/1 10.0.0.1"}).has_value());
}

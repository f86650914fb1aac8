// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/model/fixture.hpp"

using namespace sekisho;
using namespace sekisho::model;
using namespace sekisho::test;

namespace {

/// A clinic whose bridge has these statements beside its addresses.
Checked check_bridge(std::string_view statements, std::string_view more = {}) {
    return check_whole(text::concat(
        "system { name-server 198.51.100.53; } interfaces { interface wan0 { address 198.51.100.2/24; gateway "
        "198.51.100.1; } bridge br-clinic { port lan1; port lan2; address 10.0.1.1/24; address fd00:1::1/64; ",
        statements,
        " } bridge br-office { port lan3; address 10.0.2.1/24; } } zones { wan { interface wan0; } clinic { interface "
        "br-clinic; interface br-office; } }\n",
        more));
}

Model accepted_bridge(std::string_view statements, std::string_view more = {}) {
    Checked checked = check_bridge(statements, more);
    CHECK_SAME("", checked.report);
    return checked.model ? *std::move(checked.model) : Model{};
}

std::string refused_bridge(std::string_view statements, std::string_view more = {}) {
    const Checked checked = check_bridge(statements, more);
    CHECK_FALSE(checked.model.has_value());
    return checked.report;
}

std::string device(std::string_view statements) {
    return text::concat("port-access { role office { } port lan1 { mode mab; role office; } port lan3 { mode mab; role "
                        "office; } device 00:16:3e:00:00:20 { name \"CR unit\"; ",
                        statements, " } }\n");
}

} // namespace

TEST_GROUP(dhcp_model){};

TEST(dhcp_model, a_server_gives_its_ranges_for_an_hour) {
    const Model model = accepted_bridge("dhcp-server { range 10.0.1.100-10.0.1.199; range 10.0.1.64/28; }");
    const Interface& bridge = *model.find_interface("br-clinic");
    CHECK_EQUAL(2u, bridge.dhcp_server->ranges.size());
    CHECK_SAME("10.0.1.100-10.0.1.199", bridge.dhcp_server->ranges[0].text());
    CHECK_EQUAL(3600u, bridge.dhcp_server->lease_seconds);
    CHECK_FALSE(bridge.dns_forwarder);
    CHECK_FALSE(model.find_interface("br-office")->dhcp_server.has_value());
    CHECK_EQUAL(600u, accepted_bridge("dhcp-server { range 10.0.1.100; lease-time 600; }")
                          .find_interface("br-clinic")
                          ->dhcp_server->lease_seconds);
}

TEST(dhcp_model, ranges_that_can_not_be_given_are_refused) {
    const auto report = [](std::string_view range) {
        return refused_bridge(text::concat("dhcp-server { range ", range, "; }"));
    };
    STRCMP_CONTAINS("is on no network of br-clinic", report("10.0.2.100-10.0.2.110").c_str());
    STRCMP_CONTAINS("is on no network of br-clinic", report("10.0.1.100-10.0.2.10").c_str());
    STRCMP_CONTAINS("holds the router's own address 10.0.1.1", report("10.0.1.1-10.0.1.10").c_str());
    STRCMP_CONTAINS("the broadcast address", report("10.0.1.200-10.0.1.255").c_str());
    STRCMP_CONTAINS("the address of the network itself", report("10.0.1.0/24").c_str());
    STRCMP_CONTAINS("is IPv6", report("fd00:1::100-fd00:1::200").c_str());
    STRCMP_CONTAINS("overlaps another range",
                    refused_bridge("dhcp-server { range 10.0.1.100-10.0.1.120; range 10.0.1.120; }").c_str());
}

TEST(dhcp_model, the_wan_is_served_by_nobody) {
    const auto report = [](std::string_view statement) {
        const Checked checked =
            check_whole(text::concat("interfaces { interface wan0 { address 198.51.100.2/24; ", statement,
                                     " } interface lan1 { address 10.0.1.1/24; } } zones { wan { interface wan0; } "
                                     "clinic { interface lan1; } }"));
        CHECK_FALSE(checked.model.has_value());
        return checked.report;
    };
    STRCMP_CONTAINS("not for zone wan", report("dhcp-server { range 198.51.100.100; }").c_str());
    STRCMP_CONTAINS("no DNS questions from zone wan", report("dns-forwarder;").c_str());
}

TEST(dhcp_model, what_serves_nobody_is_warned_of) {
    STRCMP_CONTAINS("no addresses to give", check_bridge("dhcp-server { }").report.c_str());
    accepted_bridge("dhcp-server { }", device("address 10.0.1.20;"));
    STRCMP_CONTAINS("no name server to ask",
                    check_whole("interfaces { interface wan0 { address 198.51.100.2/24; } interface lan1 { address "
                                "10.0.1.1/24; dns-forwarder; } } zones { wan { interface wan0; } clinic { interface "
                                "lan1; } }")
                        .report.c_str());
}

TEST(dhcp_model, a_device_has_addresses_of_both_families) {
    const Model model = accepted_bridge("dhcp-server { range 10.0.1.100-10.0.1.199; } dns-forwarder;",
                                        device("port lan1; address 10.0.1.20; address fd00:1::20;"));
    CHECK(model.find_interface("br-clinic")->dns_forwarder);
    const Device& found = model.access.devices.at(0);
    CHECK_EQUAL(2u, found.addresses.size());
    CHECK_SAME("10.0.1.20", found.addresses[0].text());
    CHECK_SAME("fd00:1::20", found.addresses[1].text());
    CHECK(model.home_of(found.addresses[0])->name == "br-clinic");
}

TEST(dhcp_model, addresses_that_are_no_devices_are_refused) {
    const auto report = [](std::string_view statements) {
        return refused_bridge("dhcp-server { range 10.0.1.100-10.0.1.199; }", device(statements));
    };
    STRCMP_CONTAINS("is the router's own on br-clinic", report("address 10.0.1.1;").c_str());
    STRCMP_CONTAINS("is the router's own on br-clinic", report("address fd00:1::1;").c_str());
    STRCMP_CONTAINS("is on no network of an inside zone", report("address 198.51.100.9;").c_str());
    STRCMP_CONTAINS("the broadcast address", report("address 10.0.1.255;").c_str());
    STRCMP_CONTAINS("is a link-local address", report("address fe80::1;").c_str());
    STRCMP_CONTAINS("is a multicast address", report("address 224.0.0.1;").c_str());
    STRCMP_CONTAINS("is in the range 10.0.1.100-10.0.1.199 of br-clinic", report("address 10.0.1.150;").c_str());
    STRCMP_CONTAINS("port lan3 does not belong to", report("port lan3; address 10.0.1.20;").c_str());
}

TEST(dhcp_model, an_address_belongs_to_one_device) {
    const std::string report =
        refused_bridge("", device("address 10.0.1.20; } device 00:16:3e:00:00:21 { name \"desk\"; address 10.0.1.20;"));
    STRCMP_CONTAINS("is already that of device 00:16:3e:00:00:20", report.c_str());
}

TEST(dhcp_model, source_binding_reports_unless_told_otherwise) {
    CHECK(accepted_bridge("", device("")).access.ports.at(0).source_binding == SourceBinding::report);
    const Model model = accepted_bridge("", "port-access { port lan1 { mode closed; source-binding enforce; } port "
                                            "lan3 { mode open; source-binding off; } }");
    CHECK(model.access.ports.at(0).source_binding == SourceBinding::enforce);
    CHECK(model.access.ports.at(1).source_binding == SourceBinding::off);
}

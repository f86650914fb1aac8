// SPDX-License-Identifier: GPL-2.0-or-later
// Interfaces, zones and the networks on them.
#include "tests/unit/model/fixture.hpp"

using namespace sekisho;
using namespace sekisho::model;
using namespace sekisho::test;

namespace {

/// The report of a configuration made of interfaces and zones alone, which must be refused.
std::string refused_network(std::string_view interfaces, std::string_view zones) {
    const Checked checked = check_whole(text::concat("interfaces { ", interfaces, " }\nzones { ", zones, " }"));
    CHECK_FALSE(checked.model.has_value());
    return checked.report;
}

constexpr std::string_view kWan = "interface wan0 { dhcp; } ";
constexpr std::string_view kZones = "wan { interface wan0; } clinic { interface lan1; }";

std::string refused_inside(std::string_view statements) {
    return refused_network(text::concat(kWan, "interface lan1 { ", statements, " }"), kZones);
}

std::string refused_wan(std::string_view statements) {
    return refused_network(text::concat("interface wan0 { ", statements, " }"), "wan { interface wan0; }");
}

} // namespace

TEST_GROUP(model_zones){};

TEST(model_zones, least_configuration) {
    const Checked checked = check_whole("interfaces { interface wan0 { dhcp; } } zones { wan { interface wan0; } }");
    CHECK_SAME("", checked.report);
    CHECK(checked.model->find_interface("wan0")->dhcp);
}

TEST(model_zones, wan_is_missing) {
    CHECK_HOLDS("c:2:1: error: zones: zone wan is missing", refused_network(kWan, "clinic { interface wan0; }"));
}

TEST(model_zones, reserved_names) {
    CHECK_HOLDS("'router' can't be the name of a zone",
                refused_network(text::concat(kWan, "interface lan1 { address 10.0.1.1/24; }"),
                                "wan { interface wan0; } router { interface lan1; }"));
    CHECK_HOLDS("'none' can't be the name of a zone",
                refused_network(text::concat(kWan, "interface lan1 { address 10.0.1.1/24; }"),
                                "wan { interface wan0; } none { interface lan1; }"));
}

TEST(model_zones, interface_in_two_zones) {
    CHECK_HOLDS("c:2:44: error: zones guest: interface wan0 is already in zone wan (line 2)",
                refused_network(kWan, "wan { interface wan0; }    guest { interface wan0; }"));
}

TEST(model_zones, interface_in_no_zone) {
    CHECK_HOLDS(
        "c:1:39: error: interfaces interface lan1: the interface is in no zone",
        refused_network(text::concat(kWan, "interface lan1 { address 10.0.1.1/24; }"), "wan { interface wan0; }"));
}

TEST(model_zones, unknown_interface_with_the_nearest) {
    CHECK_HOLDS("zones clinic: there is no interface or bridge 'lan2'\n    hint: did you mean 'lan1'?",
                refused_network(text::concat(kWan, "interface lan1 { address 10.0.1.1/24; }"),
                                "wan { interface wan0; } clinic { interface lan2; }"));
}

TEST(model_zones, port_of_a_bridge_is_no_interface_of_a_zone) {
    CHECK_HOLDS("hint: it is a port of bridge br0: name the bridge",
                refused_network(text::concat(kWan, "bridge br0 { port lan1; address 10.0.1.1/24; }"),
                                "wan { interface wan0; } clinic { interface lan1; }"));
}

TEST(model_zones, masquerade_of_wan_router_or_nobody) {
    CHECK_HOLDS("nat: zone wan can't be masqueraded", refused("nat { masquerade wan; }"));
    CHECK_HOLDS("nat: zone router can't be masqueraded", refused("nat { masquerade router; }"));
    CHECK_HOLDS("nat: masquerade: there is no zone 'clinik'\n    hint: did you mean 'clinic'?",
                refused("nat { masquerade clinik; }"));
}

TEST(model_zones, names_that_differ_in_case) {
    CHECK_HOLDS(
        "zones Clinic: the name differs only in upper and lower case from zones clinic",
        refused_network(text::concat(kWan, "interface a { address 10.0.1.1/24; } interface b { address 10.0.2.1/24; }"),
                        "wan { interface wan0; } clinic { interface a; } Clinic { interface b; }"));
}

TEST_GROUP(model_interfaces){};

TEST(model_interfaces, port_with_two_uses) {
    CHECK_HOLDS("c:1:92: error: interfaces bridge br0: 'lan1' can't be a port of bridge br0: it is an interface of its "
                "own (line 1)",
                refused_network(
                    text::concat(
                        kWan, "interface lan1 { address 10.0.1.1/24; } bridge br0 { port lan1; address 10.0.2.1/24; }"),
                    "wan { interface wan0; } a { interface lan1; } b { interface br0; }"));
    CHECK_HOLDS(
        "'lan1' can't be a port of bridge br1: it is a port of bridge br0",
        refused_network(
            text::concat(
                kWan, "bridge br0 { port lan1; address 10.0.1.1/24; } bridge br1 { port lan1; address 10.0.2.1/24; }"),
            "wan { interface wan0; } a { interface br0; } b { interface br1; }"));
    CHECK_HOLDS(
        "'x' can't be a bridge: it is an interface of its own",
        refused_network(
            text::concat(kWan, "interface x { address 10.0.1.1/24; } bridge x { port lan1; address 10.0.2.1/24; }"),
            "wan { interface wan0; } a { interface x; }"));
}

TEST(model_interfaces, addresses_that_no_interface_can_have) {
    CHECK_HOLDS("address 10.0.1.0/24 is the address of the network itself", refused_inside("address 10.0.1.0/24;"));
    CHECK_HOLDS("address 10.0.1.255/24 is the broadcast address of its network",
                refused_inside("address 10.0.1.255/24;"));
    CHECK_HOLDS("address fd00:1::/64 is the network's anycast address", refused_inside("address fd00:1::/64;"));
    CHECK_HOLDS("address 224.0.0.5/24 is a multicast address", refused_inside("address 224.0.0.5/24;"));
    CHECK_HOLDS("address 127.0.0.1/8 is a loopback address", refused_inside("address 127.0.0.1/8;"));
    CHECK_HOLDS("address ::1/128 is a loopback address", refused_inside("address ::1/128;"));
    CHECK_HOLDS("address 0.0.0.0/24 is the unspecified address", refused_inside("address 0.0.0.0/24;"));
    CHECK_HOLDS("(0.0.0.0/8)", refused_inside("address 0.0.0.9/24;"));
    CHECK_HOLDS("is a reserved address", refused_inside("address 255.255.255.254/24;"));
    CHECK_HOLDS("address fe80::1/64 is a link-local address, which every interface has by itself",
                refused_inside("address fe80::1/64;"));
    CHECK_HOLDS("is an IPv4 address in IPv6 notation", refused_inside("address ::ffff:10.0.1.1/120;"));
    CHECK_HOLDS("is on a network that is too large", refused_inside("address 10.0.1.1/7;"));
    CHECK_HOLDS("is on a network that is too large", refused_inside("address fd00:1::1/15;"));
}

TEST(model_interfaces, both_addresses_of_a_point_to_point_network_are_hosts) {
    for (const char* address : {"198.51.100.0/31", "198.51.100.1/31", "198.51.100.7/32", "2001:db8::/127"}) {
        CHECK_SAME("", check_whole(text::concat("interfaces { interface wan0 { address ", address,
                                                "; } } zones { wan { interface wan0; } }"))
                           .report);
    }
}

TEST(model_interfaces, missing_addresses) {
    CHECK_HOLDS("interfaces interface wan0: an interface of zone wan needs an address or dhcp", refused_wan(""));
    CHECK_HOLDS("interfaces interface lan1: an interface of an inside zone needs an address", refused_inside(""));
}

TEST(model_interfaces, gateway_and_dhcp_are_for_the_wan) {
    CHECK_HOLDS("dhcp is only for zone wan; lan1 is in zone clinic", refused_inside("dhcp;"));
    CHECK_HOLDS("a gateway is only for zone wan; lan1 is in zone clinic",
                refused_inside("address 10.0.1.1/24; gateway 10.0.1.254;"));
}

TEST(model_interfaces, gateway_must_be_a_neighbour) {
    CHECK_HOLDS("gateway 198.51.101.1 is on no network of wan0",
                refused_wan("address 198.51.100.2/24; gateway 198.51.101.1;"));
    CHECK_HOLDS("gateway 198.51.100.2 is the router's own address",
                refused_wan("address 198.51.100.2/24; gateway 198.51.100.2;"));
    CHECK_HOLDS("gateway 198.51.100.255 is the broadcast address of its network",
                refused_wan("address 198.51.100.2/24; gateway 198.51.100.255;"));
    CHECK_HOLDS("gateway 198.51.100.3 is a second one for IPv4",
                refused_wan("address 198.51.100.2/24; gateway 198.51.100.1; gateway 198.51.100.3;"));
    CHECK_SAME("", check_whole("interfaces { interface wan0 { address 2001:db8::2/64; gateway fe80::1; } } zones { wan "
                               "{ interface wan0; } }")
                       .report);
}

TEST(model_interfaces, dhcp_beside_what_the_lease_brings) {
    CHECK_HOLDS("dhcp beside an IPv4 address", refused_wan("dhcp; address 198.51.100.2/24;"));
    CHECK_HOLDS("gateway 198.51.100.1 beside dhcp",
                refused_wan("dhcp; address 198.51.100.2/24; gateway 198.51.100.1;"));
    CHECK_SAME("", check_whole("interfaces { interface wan0 { dhcp; address 2001:db8::2/64; gateway 2001:db8::1; } } "
                               "zones { wan { interface wan0; } }")
                       .report);
}

TEST(model_interfaces, two_ways_to_the_internet) {
    CHECK_HOLDS(
        "interfaces interface wan1: a second way to the internet for IPv4; the first is wan0 (line 1)",
        refused_network("interface wan0 { dhcp; } interface wan1 { address 198.51.100.2/24; gateway 198.51.100.1; }",
                        "wan { interface wan0; interface wan1; }"));
}

TEST(model_interfaces, overlapping_networks) {
    const std::string inside =
        refused_network(text::concat(kWan, "interface a { address 10.0.1.1/24; } interface b { address 10.0.0.1/16; }"),
                        "wan { interface wan0; } x { interface a; } y { interface b; }");
    CHECK_HOLDS("error: interfaces interface b: network 10.0.0.0/16 overlaps 10.0.1.0/24 of a (line 1)", inside);
    CHECK_HOLDS("to join ports into one network, use a bridge", inside);
    const std::string outside =
        refused_network("interface wan0 { address 10.0.1.2/24; } interface lan1 { address 10.0.1.1/24; }", kZones);
    CHECK_HOLDS("network 10.0.1.0/24 overlaps 10.0.1.0/24 of wan0", outside);
    CHECK_HOLDS("an inside network can't also be outside", outside);
    CHECK_HOLDS("network 10.0.0.0/16 overlaps 10.0.1.0/24 of lan1",
                refused_inside("address 10.0.1.1/24; address 10.0.0.1/16;"));
}

TEST(model_interfaces, several_addresses_on_one_network) {
    CHECK_SAME("", check_whole(text::concat("interfaces { ", kWan,
                                            "interface lan1 { address 10.0.1.1/24; address 10.0.1.2/24; } } zones { ",
                                            kZones, " }"))
                       .report);
}

TEST(model_interfaces, too_many) {
    std::string interfaces(kWan);
    std::string addresses;
    for (unsigned number = 0; number < 128; ++number) {
        interfaces +=
            text::concat("interface i", text::to_text(number), " { address 10.0.", text::to_text(number), ".1/24; } ");
        addresses += text::concat("address 10.0.1.", text::to_text(number + 1), "/24; ");
    }
    CHECK_HOLDS("more than 128 interfaces and bridges", refused_network(interfaces, "wan { interface wan0; }"));
    CHECK_HOLDS("more than 16 addresses on one interface", refused_inside(addresses));
}

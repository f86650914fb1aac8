// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/model/fixture.hpp"

using namespace sekisho;
using namespace sekisho::model;
using namespace sekisho::test;

namespace {

constexpr std::string_view kOffice = "role office { } port lan1 { mode mab; role office; } ";

Model accepted_access(std::string_view text) {
    return accepted(text::concat("port-access { ", kOffice, text, " }\n"));
}

std::string refused_access(std::string_view text) {
    return refused(text::concat("port-access { ", text, " }\n"));
}

} // namespace

TEST_GROUP(port_access_model){};

TEST(port_access_model, defaults_are_for_several_devices_each_by_its_own_entry) {
    const Model model = accepted_access("");
    const AccessPort& port = model.access.ports.at(0);
    CHECK(port.mode == AccessMode::mab && port.host_mode == HostMode::multi_auth && port.moves == Moves::refuse);
    CHECK_EQUAL(8u, port.max_devices);
    CHECK_EQUAL(60u, port.quiet_period);
    CHECK_EQUAL(3600u, port.reauthentication);
    CHECK(!port.guest_role);
}

TEST(port_access_model, devices_are_found_by_their_address_however_it_was_written) {
    const Model model = accepted_access("device 00-11-22-33-44-AA { name \"CR unit\"; port lan1; role office; } "
                                        "device 00:11:22:33:44:55 { name \"desk\"; expires 2027-03-31; }");
    const Device* device = model.access.find_device(MacAddress::parse("00:11:22:33:44:aa").value());
    CHECK(device != nullptr);
    CHECK_SAME("CR unit", device->name);
    CHECK_SAME("lan1", device->port.value());
    CHECK_SAME("office", device->role.value());
    CHECK(model.access.find_device(MacAddress::parse("00:11:22:33:44:55").value())->expires.has_value());
    CHECK(model.access.find_device(MacAddress::parse("00:11:22:33:44:56").value()) == nullptr);
}

TEST(port_access_model, every_setting_of_a_port_is_read) {
    const Model model = accepted("port-access { role office { } role visitor { } port lan1 { mode mab; host-mode "
                                 "single-host; moves follow; maximum-devices 3; role office; guest-role visitor; "
                                 "quiet-period 5; reauthentication 0; } }\n");
    const AccessPort& port = model.access.ports.at(0);
    CHECK(port.host_mode == HostMode::single_host && port.moves == Moves::follow);
    CHECK_EQUAL(3u, port.max_devices);
    CHECK_EQUAL(5u, port.quiet_period);
    CHECK_EQUAL(0u, port.reauthentication);
    CHECK_SAME("visitor", port.guest_role.value());
}

TEST(port_access_model, a_port_that_admits_needs_a_role) {
    STRCMP_CONTAINS("role is missing", refused_access("port lan1 { mode mab; }").c_str());
    accepted("port-access { port lan1 { mode closed; } }\n");
}

TEST(port_access_model, ports_that_are_not_a_lan_bridges_are_refused) {
    STRCMP_CONTAINS("no port of a bridge", refused_access("port wan0 { mode closed; }").c_str());
    STRCMP_CONTAINS("there is no port 'lan9'", refused_access("port lan9 { mode closed; }").c_str());
}

TEST(port_access_model, silence_and_sleep_are_read) {
    const Model model = accepted("port-access { role office { } port lan1 { mode mab; role office; inactivity 600; } "
                                 "device 00:11:22:33:44:55 { name \"x\"; port lan1; inactivity never; wake yes; } "
                                 "device 00:11:22:33:44:56 { name \"y\"; } }\n");
    LONGS_EQUAL(600, model.access.ports.at(0).inactivity);
    CHECK(model.access.devices.at(0).never_inactive && model.access.devices.at(0).is_woken);
    CHECK_FALSE(model.access.devices.at(1).never_inactive || model.access.devices.at(1).is_woken);
    LONGS_EQUAL(0, accepted_access("").access.ports.at(0).inactivity);
    STRCMP_CONTAINS("wake needs the device's port",
                    refused_access("device 00:11:22:33:44:55 { name \"x\"; wake yes; }").c_str());
}

TEST(port_access_model, devices_with_different_roles_on_one_port_are_warned_of) {
    const auto report_of = [](std::string_view port) {
        return check(text::concat("port-access { role office { } role modality { } port lan1 { ", port,
                                  " } device 00:11:22:33:44:55 { name \"x\"; port lan1; role modality; } "
                                  "device 00:11:22:33:44:56 { name \"y\"; port lan1; role office; } }\n"))
            .report;
    };
    STRCMP_CONTAINS("devices with different roles (modality, office) belong to this port, where they are not separated",
                    report_of("mode mab; role office;").c_str());
    for (const char* port : {"mode mab; role office; host-mode single-host;", "mode closed;", "mode open;",
                             "mode mab; role office; maximum-devices 1;"}) {
        STRCMP_EQUAL("", report_of(port).c_str());
    }
}

TEST(port_access_model, addresses_that_no_device_has_are_refused) {
    for (const char* mac : {"01:80:c2:00:00:03", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}) {
        STRCMP_CONTAINS("no device has this MAC address",
                        refused_access(text::concat("device ", mac, " { name \"x\"; }")).c_str());
    }
}

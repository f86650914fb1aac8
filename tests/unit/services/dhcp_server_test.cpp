// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/dhcp_leases.hpp"
#include "firmware/services/dhcp_server.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

model::Interface bridge() {
    model::Interface interface;
    interface.name = "br-clinic";
    interface.is_bridge = true;
    interface.addresses = {InterfaceAddress::parse("10.0.1.1/24").value(),
                           InterfaceAddress::parse("fd00:1::1/64").value()};
    interface.dhcp_server = model::DhcpServer{.place = {}, .ranges = {IpRange::parse("10.0.1.100-10.0.1.199").value()}};
    interface.dns_forwarder = true;
    return interface;
}

model::Model clinic() {
    model::Model model;
    model.interfaces = {bridge()};
    model::Device device;
    device.mac = MacAddress::parse("00:16:3e:00:00:20").value();
    device.addresses = {IpAddress::parse("10.0.1.20").value(), IpAddress::parse("fd00:1::20").value(),
                        IpAddress::parse("10.0.2.20").value()};
    model.access.devices = {device};
    return model;
}

std::string written(const model::Model& model, const services::DhcpServerPaths& paths = {}) {
    const auto text = services::dnsmasq_configuration(model, paths);
    CHECK(text.has_value());
    return text.value_or("");
}

} // namespace

TEST_GROUP(dhcp_server) {
    fakes::FakeProcesses processes;
    fakes::FakeStore run_store;
    services::DhcpServer server{processes, run_store, {}};
};

TEST(dhcp_server, gives_ranges_and_the_addresses_of_devices) {
    const std::string text = written(clinic());
    for (const char* line :
         {"\ninterface=br-clinic\n", "\ndhcp-range=10.0.1.100,10.0.1.199,255.255.255.0,3600\n",
          "\ndhcp-host=00:16:3e:00:00:20,10.0.1.20\n", "\ndhcp-lease-max=101\n", "\nport=53\n", "\nbind-dynamic\n",
          "\nexcept-interface=lo\n", "\ndhcp-authoritative\n", "\ndhcp-leasefile=/run/sekisho/dhcp-leases\n"}) {
        STRCMP_CONTAINS(line, text.c_str());
    }
    CHECK_FALSE(text.contains("fd00"));
    CHECK_FALSE(text.contains("10.0.2.20")); // no server there
}

TEST(dhcp_server, names_come_from_the_routers_name_servers_alone) {
    const std::string text = written(clinic());
    for (const char* line : {"\nno-hosts\n", "\nresolv-file=/run/resolv.conf\n", "\ndomain-needed\n", "\nbogus-priv\n",
                             "\nstop-dns-rebind\n", "\ndhcp-ignore-names\n"}) {
        STRCMP_CONTAINS(line, text.c_str());
    }
    CHECK_FALSE(text.contains("script"));
}

TEST(dhcp_server, without_a_range_only_devices_are_served) {
    model::Model model = clinic();
    model.interfaces[0].dhcp_server->ranges.clear();
    STRCMP_CONTAINS("\ndhcp-range=10.0.1.0,static,255.255.255.0,3600\ndhcp-host=", written(model).c_str());
}

TEST(dhcp_server, without_a_forwarder_no_port_is_open_and_the_name_servers_are_told_of) {
    model::Model model = clinic();
    model.interfaces[0].dns_forwarder = false;
    model.system.name_servers = {IpAddress::parse("198.51.100.53").value(), IpAddress::parse("2001:db8::53").value()};
    const std::string text = written(model);
    STRCMP_CONTAINS("\nport=0\n", text.c_str());
    STRCMP_CONTAINS("\ndhcp-option=tag:br-clinic,option:dns-server,198.51.100.53\n", text.c_str());
}

TEST(dhcp_server, a_forwarder_alone_gives_no_addresses) {
    model::Model model = clinic();
    model.interfaces[0].dhcp_server.reset();
    const std::string text = written(model);
    STRCMP_CONTAINS("\ninterface=br-clinic\nno-dhcp-interface=br-clinic\n", text.c_str());
    CHECK_FALSE(text.contains("dhcp-range"));
}

TEST(dhcp_server, what_can_not_be_quoted_is_refused) {
    for (const char* name : {"lan1\ndhcp-script=/bin/sh", "lan*", "lan1,lan2", "lan 1", "", "lan#1", "\"lan1\""}) {
        model::Model model = clinic();
        model.interfaces[0].name = name;
        CHECK_FALSE(services::dnsmasq_configuration(model, {}).has_value());
    }
    for (const char* folder : {"/run/a b", "run", "/run\nuser=root", "/run,x"}) {
        services::DhcpServerPaths paths;
        paths.run_directory = folder;
        CHECK_FALSE(services::dnsmasq_configuration(clinic(), paths).has_value());
    }
}

TEST(dhcp_server, runs_while_something_is_to_be_served) {
    CHECK(server.follow(clinic()).has_value());
    CHECK(processes.programs["dnsmasq"] ==
          (std::vector<std::string>{"/usr/sbin/dnsmasq", "--conf-file=/run/sekisho/dnsmasq.conf"}));
    STRCMP_CONTAINS("interface=br-clinic", run_store.files["dnsmasq.conf"].c_str());
    CHECK(server.follow(model::Model{}).has_value());
    CHECK(processes.programs.empty());
}

TEST(dhcp_server, is_stopped_when_its_configuration_can_not_be_written) {
    CHECK(server.follow(clinic()).has_value());
    run_store.refuse_writes_to = "dnsmasq.conf";
    model::Model model = clinic();
    model.interfaces[0].dns_forwarder = false;
    CHECK_FALSE(server.follow(model).has_value());
    CHECK(processes.programs.empty());
}

TEST(dhcp_server, leases_are_read_as_far_as_they_are_whole) {
    const auto leases = services::read_leases("1764129834 00:16:3e:00:00:50 10.0.1.150 * *\n"
                                              "0 00:16:3e:00:00:20 10.0.1.20 * 01:00:16:3e:00:00:20\n"
                                              "duid 00:01:00:01:2c\n"
                                              "1764129834 06-00:16:3e:00:00:51 10.0.1.151 * *\n"
                                              "1764129834 123 fd00:1::50 * 00:01\n"
                                              "1764129834 nonsense 10.0.1.152 * *\n"
                                              "1764129834 00:16:3e:00:00:53 10.0.1.1");
    CHECK_EQUAL(2u, leases.size());
    STRCMP_EQUAL("10.0.1.20", leases[0].address.text().c_str());
    STRCMP_EQUAL("00:16:3e:00:00:50", leases[1].mac.text().c_str());
    CHECK(services::read_leases("").empty());
}

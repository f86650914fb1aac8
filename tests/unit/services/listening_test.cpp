// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/listening.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

TEST_GROUP(listening) {
    model::Model model;

    ports::Comparison row(const ports::Listener& listener) {
        const auto rows = services::compare_listeners(model, {&listener, 1});
        LONGS_EQUAL(1, rows.size());
        return rows.front();
    }
    void local_service(std::uint16_t port) {
        model::Service service;
        service.name = "here";
        service.ports = {{port, port}};
        model.services.push_back(service);
    }
};

TEST(listening, of_a_stranger_differs_and_is_named) {
    const auto found = row({.is_tcp = true, .port = 23, .program = "telnetd", .is_own = false});
    STRCMP_EQUAL("listening on tcp port 23", found.item.c_str());
    STRCMP_EQUAL("none", found.expected.c_str());
    STRCMP_EQUAL("telnetd", found.found.c_str());
}

TEST(listening, for_ssh_matches_where_it_is_configured) {
    const ports::Listener ssh{.is_tcp = true, .port = 22, .program = "sshd", .is_own = true};
    CHECK_FALSE(row(ssh).matches());
    model.management.ssh_zones = {"clinic"};
    CHECK(row(ssh).matches());
    model.management.ssh_port = 2222;
    CHECK_FALSE(row(ssh).matches());
}

TEST(listening, at_the_port_of_ssh_by_a_stranger_differs) {
    model.management.ssh_zones = {"clinic"};
    CHECK_FALSE(row({.is_tcp = true, .port = 22, .program = "socat", .is_own = false}).matches());
}

TEST(listening, for_a_service_of_the_router_matches_and_for_a_forwarded_one_does_not) {
    local_service(8022);
    const ports::Listener listener{.is_tcp = true, .port = 8022, .program = "socat", .is_own = false};
    CHECK(row(listener).matches());
    CHECK_FALSE(row({.is_tcp = false, .port = 8022, .program = "socat", .is_own = false}).matches());
    model.services.front().forward_v4 = IpAddress::parse("10.0.1.20").value();
    CHECK_FALSE(row(listener).matches());
}

TEST(listening, of_servers_for_inside_matches_where_they_are_configured) {
    const ports::Listener dhcp{.is_tcp = false, .port = 67, .program = "dnsmasq", .is_own = true};
    const ports::Listener dns{.is_tcp = true, .port = 53, .program = "dnsmasq", .is_own = true};
    CHECK_FALSE(row(dns).matches());
    model::Interface interface;
    interface.dhcp_server = model::DhcpServer{};
    interface.dns_forwarder = true;
    model.interfaces.push_back(interface);
    STRCMP_EQUAL("DHCP server", row(dhcp).found.c_str());
    STRCMP_EQUAL("DNS forwarder", row(dns).found.c_str());
}

TEST(listening, of_our_own_questions_is_nothing_to_tell) {
    STRCMP_EQUAL("listening", row({.is_tcp = false, .port = 40123, .program = "chronyd", .is_own = true}).item.c_str());
    CHECK_FALSE(row({.is_tcp = false, .port = 40123, .program = "nc", .is_own = false}).matches());
}

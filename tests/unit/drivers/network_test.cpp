// SPDX-License-Identifier: GPL-2.0-or-later
// Against the kernel, in a network namespace of the program's own; wan0, lan0, lan1 and so on are veth ends there. What
// the driver did is read back with ip(8).
#include "drivers/network/kernel_network.hpp"
#include "drivers/network/reconciler.hpp"
#include "drivers/system/files.hpp"
#include "tests/unit/drivers/loop_fixture.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::drivers;

namespace {

std::string output_of(const std::string& command) {
    std::string text;
    if (FILE* pipe = popen(command.c_str(), "r")) {
        char block[4096];
        while (const std::size_t count = fread(block, 1, sizeof block, pipe)) {
            text.append(block, count);
        }
        pclose(pipe);
    }
    return text;
}

model::Interface plain(const std::string& name, std::initializer_list<const char*> addresses,
                       std::initializer_list<const char*> gateways = {}) {
    model::Interface interface;
    interface.name = name;
    for (const char* address : addresses) {
        interface.addresses.push_back(InterfaceAddress::parse(address).value());
    }
    for (const char* gateway : gateways) {
        interface.gateways.push_back(IpAddress::parse(gateway).value());
    }
    return interface;
}

model::Interface bridge(const std::string& name, std::vector<std::string> ports,
                        std::initializer_list<const char*> addresses = {}) {
    model::Interface interface = plain(name, addresses);
    interface.is_bridge = true;
    interface.ports = std::move(ports);
    return interface;
}

ports::LeasedAddress lease(const std::string& name, const char* address, const char* gateway) {
    return {name, InterfaceAddress::parse(address).value(), IpAddress::parse(gateway).value()};
}

} // namespace

TEST_GROUP(network) {
    std::unique_ptr<UvEventLoop> loop;
    std::unique_ptr<KernelNetwork> network;

    void setup() override {
        loop = UvEventLoop::create().value();
        network = std::make_unique<KernelNetwork>(*loop);
        for (const char* name : {"wan0", "lan0", "lan1"}) {
            const std::string end(name);
            run("ip link add " + end + " type veth peer name far-" + end);
            run("ip link set far-" + end + " up");
        }
    }
    void teardown() override {
        network.reset();
        loop.reset();
        for (const char* name : {"wan0", "lan0", "lan1", "lan2", "br0", "br1"}) {
            output_of(std::string("ip link del ") + name + " 2>&1");
        }
    }

    static void run(const std::string& command) {
        CHECK_EQUAL_TEXT(0, std::system(command.c_str()), command.c_str());
    }
    std::vector<std::string> configure(const ports::NetworkPlan& plan) {
        auto result = network->configure(plan);
        if (!result) {
            FAIL(result.error().message().c_str());
        }
        return *std::move(result);
    }
    ports::LinkStatus link(const std::string& name) {
        auto links = network->links().value();
        for (auto& status : links) {
            if (status.name == name) {
                return status;
            }
        }
        FAIL(("no link " + name).c_str());
        return {};
    }
    bool has_address(const std::string& name, const char* address) {
        const auto addresses = link(name).addresses;
        return std::find(addresses.begin(), addresses.end(), InterfaceAddress::parse(address).value()) !=
               addresses.end();
    }
    static std::string setting(const std::string& path) {
        auto text = read_file("/proc/sys/net/" + path, 100, Domain::network).value();
        return text.substr(0, text.find('\n'));
    }
    static std::string default_routes(int family) {
        return output_of("ip -" + std::to_string(family) + " route show default");
    }
};

TEST(network, plain_interface_gets_addresses_of_both_families) {
    CHECK_TRUE(configure({{plain("lan0", {"10.0.1.1/24", "2001:db8:1::1/64"})}, {}}).empty());
    CHECK_TRUE(link("lan0").up);
    CHECK_TRUE(link("lan0").carrier);
    CHECK_TRUE(has_address("lan0", "10.0.1.1/24"));
    CHECK_TRUE(has_address("lan0", "2001:db8:1::1/64"));
    const std::string shown = output_of("ip -4 addr show dev lan0");
    CHECK_TRUE(shown.find("brd 10.0.1.255") != std::string::npos);
    CHECK_TRUE(shown.find("proto 0xc7") != std::string::npos);
    CHECK_TRUE(link("lo").up);
}

TEST(network, doing_it_again_changes_nothing) {
    const ports::NetworkPlan plan{
        {plain("wan0", {"198.51.100.2/24", "2001:db8:2::2/64"}, {"198.51.100.1", "2001:db8:2::1"}),
         bridge("br0", {"lan0", "lan1"}, {"10.0.1.1/24", "2001:db8:1::1/64"})},
        {}};
    configure(plan);
    int changes = 0;
    // addresses that are being checked for duplicates change by themselves
    CHECK_TRUE(tests::run_until(*loop, [] { return output_of("ip -6 addr show tentative").empty(); }));
    CHECK_TRUE(network->watch([&] { ++changes; }).has_value());
    configure(plan);
    auto pause = loop->make_timer([&] { loop->stop(); });
    pause->start_once(300);
    loop->run();
    CHECK_EQUAL(0, changes);
}

TEST(network, an_address_of_ours_that_the_plan_lacks_is_removed) {
    configure({{plain("lan0", {"10.0.1.1/24", "10.0.1.2/24", "2001:db8:1::1/64"})}, {}});
    run("ip addr add 192.0.2.9/24 dev lan0"); // somebody else's stays
    configure({{plain("lan0", {"10.0.1.2/24"})}, {}});
    CHECK_FALSE(has_address("lan0", "10.0.1.1/24"));
    CHECK_TRUE(has_address("lan0", "10.0.1.2/24")); // was secondary to the one that went
    CHECK_FALSE(has_address("lan0", "2001:db8:1::1/64"));
    CHECK_TRUE(has_address("lan0", "192.0.2.9/24"));
}

TEST(network, a_daemon_that_starts_anew_knows_what_is_ours) {
    configure({{plain("lan0", {"10.0.1.1/24"}), bridge("br0", {"lan1"}, {"10.0.2.1/24"})}, {}});
    network = std::make_unique<KernelNetwork>(*loop);
    configure({{plain("wan0", {"198.51.100.2/24"})}, {}});
    CHECK_FALSE(link("lan0").up);
    CHECK_TRUE(link("lan0").addresses.empty());
    CHECK_FALSE(link("lan1").up);
    STRCMP_EQUAL("", link("lan1").bridge.c_str());
    CHECK_TRUE(output_of("ip link show br0 2>/dev/null").empty());
}

TEST(network, links_of_others_are_left_alone) {
    run("ip link add br1 type bridge && ip link set br1 up && ip link set lan1 master br1 && ip link set lan1 up");
    configure({{plain("lan0", {"10.0.1.1/24"})}, {}});
    CHECK_TRUE(link("br1").up);
    STRCMP_EQUAL("br1", link("lan1").bridge.c_str());
}

TEST(network, an_address_that_is_there_already_becomes_ours) {
    run("ip addr add 10.0.1.1/24 dev lan0 && ip addr add 2001:db8:1::1/64 dev lan0");
    configure({{plain("lan0", {"10.0.1.1/24", "2001:db8:1::1/64"})}, {}});
    configure({{plain("lan0", {})}, {}});
    CHECK_FALSE(has_address("lan0", "10.0.1.1/24"));
    CHECK_FALSE(has_address("lan0", "2001:db8:1::1/64"));
}

TEST(network, a_changed_prefix_length) {
    configure({{plain("lan0", {"10.0.1.1/24", "2001:db8:1::1/64"})}, {}});
    configure({{plain("lan0", {"10.0.1.1/16", "2001:db8:1::1/48"})}, {}});
    CHECK_TRUE(has_address("lan0", "10.0.1.1/16"));
    CHECK_TRUE(has_address("lan0", "2001:db8:1::1/48"));
    CHECK_FALSE(has_address("lan0", "10.0.1.1/24"));
    CHECK_FALSE(has_address("lan0", "2001:db8:1::1/64"));
}

TEST(network, an_address_moves_to_another_interface) {
    configure({{plain("lan0", {"10.0.1.1/24", "2001:db8:1::1/64"}), plain("lan1", {})}, {}});
    configure({{plain("lan0", {}), plain("lan1", {"10.0.1.1/24", "2001:db8:1::1/64"})}, {}});
    CHECK_FALSE(has_address("lan0", "10.0.1.1/24"));
    CHECK_TRUE(has_address("lan1", "10.0.1.1/24"));
    CHECK_TRUE(has_address("lan1", "2001:db8:1::1/64"));
}

TEST(network, bridge_with_ports) {
    configure({{bridge("br0", {"lan0", "lan1"}, {"10.0.1.1/24"})}, {}});
    CHECK_TRUE(link("br0").is_bridge);
    CHECK_TRUE(link("br0").up);
    CHECK_TRUE(has_address("br0", "10.0.1.1/24"));
    for (const char* port : {"lan0", "lan1"}) {
        STRCMP_EQUAL("br0", link(port).bridge.c_str());
        CHECK_TRUE(link(port).up);
        STRCMP_EQUAL("1", setting(std::string("ipv6/conf/") + port + "/disable_ipv6").c_str());
        CHECK_TRUE(link(port).addresses.empty());
    }
    const std::string shown = output_of("ip -d link show br0");
    CHECK_TRUE(shown.find("stp_state 0") != std::string::npos);
    CHECK_TRUE(shown.find("vlan_filtering 0") != std::string::npos);
}

TEST(network, the_bridges_mac_is_its_own_and_fixed) {
    configure({{bridge("br0", {"lan0"})}, {}});
    const auto mac = link("br0").mac;
    CHECK_EQUAL(0x02, mac->bytes[0] & 0x03); // locally administered, unicast
    CHECK_FALSE(mac == link("lan0").mac);
    configure({{bridge("br0", {"lan1"})}, {}});
    CHECK_TRUE(mac == link("br0").mac);
}

TEST(network, bridge_macs_differ_by_name_and_machine_only) {
    network::Link first;
    first.name = "eth0";
    first.permanent_mac = MacAddress{{2, 0, 0, 0, 0, 1}};
    network::Link second;
    second.name = "eth1";
    second.permanent_mac = MacAddress{{2, 0, 0, 0, 0, 2}};
    const auto mac = network::bridge_mac("br0", {first, second});
    CHECK_TRUE(mac == network::bridge_mac("br0", {second, first}));
    CHECK_FALSE(mac == network::bridge_mac("br1", {first, second}));
    CHECK_FALSE(mac == network::bridge_mac("br0", {second}));
}

TEST(network, an_address_that_another_host_has_is_told_and_tried_again) {
    const ports::NetworkPlan plan{{plain("lan0", {"2001:db8:1::1/64"})}, {}};
    run("ip link set far-lan0 up && ip addr add 2001:db8:1::1/64 dev far-lan0 nodad");
    configure(plan);
    const auto is_duplicate = [] { return !output_of("ip -6 addr show dev lan0 dadfailed").empty(); };
    CHECK_TRUE(tests::run_until(*loop, is_duplicate));
    const auto sentences = configure(plan);
    CHECK_EQUAL(1, sentences.size());
    STRCMP_EQUAL("interface lan0: another host has the address 2001:db8:1::1; it is tried again", sentences[0].c_str());
    run("ip addr del 2001:db8:1::1/64 dev far-lan0");
    configure(plan); // in case that the other was still there for the attempt before
    CHECK_TRUE(tests::run_until(*loop, [] {
        return output_of("ip -6 addr show dev lan0 tentative").empty() &&
               output_of("ip -6 addr show dev lan0 to 2001:db8:1::1").contains("2001:db8:1::1");
    }));
    CHECK_TRUE(configure(plan).empty());
}

TEST(network, a_port_leaves_its_bridge) {
    configure({{bridge("br0", {"lan0", "lan1"})}, {}});
    configure({{bridge("br0", {"lan0"}), plain("lan1", {"10.0.2.1/24", "2001:db8:2::1/64"})}, {}});
    STRCMP_EQUAL("", link("lan1").bridge.c_str());
    CHECK_TRUE(has_address("lan1", "10.0.2.1/24"));
    CHECK_TRUE(has_address("lan1", "2001:db8:2::1/64"));
    STRCMP_EQUAL("0", setting("ipv6/conf/lan1/disable_ipv6").c_str());
}

TEST(network, a_port_changes_its_bridge) {
    configure({{bridge("br0", {"lan0", "lan1"})}, {}});
    configure({{bridge("br1", {"lan1"}), bridge("br0", {"lan0"})}, {}});
    STRCMP_EQUAL("br1", link("lan1").bridge.c_str());
    STRCMP_EQUAL("br0", link("lan0").bridge.c_str());
}

TEST(network, an_interface_that_becomes_a_port_loses_its_addresses) {
    configure({{plain("lan0", {"10.0.1.1/24", "2001:db8:1::1/64"})}, {}});
    configure({{bridge("br0", {"lan0"}, {"10.0.1.1/24"})}, {}});
    CHECK_TRUE(link("lan0").addresses.empty());
    CHECK_TRUE(has_address("br0", "10.0.1.1/24"));
}

TEST(network, absent_interfaces_are_told_and_configured_when_they_appear) {
    const ports::NetworkPlan plan{{plain("lan2", {"10.0.3.1/24"}), bridge("br0", {"lan0", "usb0"}, {"10.0.1.1/24"})},
                                  {}};
    const auto absent = configure(plan);
    CHECK_EQUAL(2, absent.size());
    STRCMP_EQUAL("interface lan2 is absent; it is configured when it appears", absent[0].c_str());
    STRCMP_EQUAL("interface usb0, port of br0, is absent; it is configured when it appears", absent[1].c_str());
    CHECK_TRUE(has_address("br0", "10.0.1.1/24"));
    bool changed = false;
    CHECK_TRUE(network->watch([&] { changed = true; }).has_value());
    run("ip link add lan2 type veth peer name far-lan2");
    CHECK_TRUE(tests::run_until(*loop, [&] { return changed; }));
    CHECK_EQUAL(1, configure(plan).size());
    CHECK_TRUE(has_address("lan2", "10.0.3.1/24"));
}

TEST(network, configured_gateways) {
    configure({{plain("wan0", {"198.51.100.2/24", "2001:db8:2::2/64"}, {"198.51.100.1", "2001:db8:2::1"})}, {}});
    CHECK_TRUE(default_routes(4).find("default via 198.51.100.1 dev wan0 proto 199 metric 100") == 0);
    CHECK_TRUE(default_routes(6).find("default via 2001:db8:2::1 dev wan0 proto 199 metric 100") == 0);
    configure({{plain("wan0", {"198.51.100.2/24", "2001:db8:2::2/64"}, {"198.51.100.254"})}, {}});
    CHECK_TRUE(default_routes(4).find("default via 198.51.100.254 dev wan0 proto 199 metric 100") == 0);
    CHECK_TRUE(default_routes(4).find("198.51.100.1 ") == std::string::npos);
    STRCMP_EQUAL("", default_routes(6).c_str());
}

TEST(network, a_link_local_gateway) {
    configure({{plain("wan0", {"2001:db8:2::2/64"}, {"fe80::1"})}, {}});
    CHECK_TRUE(default_routes(6).find("default via fe80::1 dev wan0 proto 199 metric 100") == 0);
}

TEST(network, a_lease_comes_changes_and_ends) {
    ports::NetworkPlan plan{{plain("wan0", {})}, {lease("wan0", "203.0.113.10/24", "203.0.113.1")}};
    configure(plan);
    CHECK_TRUE(has_address("wan0", "203.0.113.10/24"));
    CHECK_TRUE(default_routes(4).find("default via 203.0.113.1 dev wan0 proto 199 metric 200") == 0);
    plan.leases = {lease("wan0", "203.0.114.77/22", "203.0.114.1")};
    configure(plan);
    CHECK_FALSE(has_address("wan0", "203.0.113.10/24"));
    CHECK_TRUE(has_address("wan0", "203.0.114.77/22"));
    CHECK_TRUE(default_routes(4).find("default via 203.0.114.1 dev wan0 proto 199 metric 200") == 0);
    plan.leases.clear();
    configure(plan);
    CHECK_TRUE(default_routes(4).empty());
    CHECK_FALSE(has_address("wan0", "203.0.114.77/22"));
    CHECK_TRUE(link("wan0").up);
}

TEST(network, a_lease_of_a_single_address_with_a_gateway_elsewhere) {
    configure({{plain("wan0", {})}, {lease("wan0", "203.0.113.10/32", "192.0.2.1")}});
    CHECK_TRUE(default_routes(4).find("default via 192.0.2.1 dev wan0 proto 199 metric 200 onlink") == 0);
}

TEST(network, routes_of_others_are_left_alone) {
    run("ip addr add 10.9.0.1/24 dev lan1 && ip link set lan1 up && ip route add default via 10.9.0.2 metric 500");
    configure({{plain("wan0", {"198.51.100.2/24"}, {"198.51.100.1"})}, {}});
    configure({{plain("wan0", {"198.51.100.2/24"})}, {}});
    CHECK_TRUE(default_routes(4).find("default via 10.9.0.2 dev lan1 metric 500") == 0);
}

TEST(network, what_fails_does_not_stop_the_rest) {
    // the kernel refuses a gateway that is a multicast address
    const auto result =
        network->configure({{plain("wan0", {"198.51.100.2/24"}, {"224.0.0.1"}), plain("lan0", {"10.0.1.1/24"})}, {}});
    CHECK_FALSE(result.has_value());
    STRCMP_EQUAL("wan0", result.error().place().c_str());
    CHECK_TRUE(has_address("lan0", "10.0.1.1/24"));
    CHECK_TRUE(link("lan0").up);
}

TEST(network, a_plain_interface_in_the_place_of_a_bridge) {
    const auto result = network->configure({{bridge("lan0", {"lan1"})}, {}});
    CHECK_FALSE(result.has_value());
    STRCMP_EQUAL("network: lan0: is there and is no bridge", result.error().message().c_str());
}

TEST(network, neighbours_are_not_believed) {
    configure({{plain("wan0", {"198.51.100.2/24"}), bridge("br0", {"lan0"})}, {}});
    for (const std::string link : {"all", "default", "wan0", "br0", "lan0"}) {
        for (const char* name : {"accept_redirects", "secure_redirects", "send_redirects", "accept_source_route"}) {
            STRCMP_EQUAL("0", setting("ipv4/conf/" + link + "/" + name).c_str());
        }
        STRCMP_EQUAL("1", setting("ipv4/conf/" + link + "/rp_filter").c_str());
        STRCMP_EQUAL("1", setting("ipv4/conf/" + link + "/arp_ignore").c_str());
        STRCMP_EQUAL("2", setting("ipv4/conf/" + link + "/arp_announce").c_str());
        for (const char* name : {"accept_ra", "autoconf", "accept_redirects"}) {
            STRCMP_EQUAL("0", setting("ipv6/conf/" + link + "/" + name).c_str());
        }
        STRCMP_EQUAL("-1", setting("ipv6/conf/" + link + "/accept_source_route").c_str());
    }
}

TEST(network, forwarding_on_and_off) {
    const bool has_tracking =
        read_file("/proc/sys/net/netfilter/nf_conntrack_tcp_loose", 100, Domain::network).has_value();
    const auto on = network->set_forwarding(true);
    if (!has_tracking) {
        CHECK_FALSE(on.has_value());
        STRCMP_EQUAL("0", setting("ipv4/ip_forward").c_str());
        return;
    }
    CHECK_TRUE(on.has_value());
    STRCMP_EQUAL("1", setting("ipv4/ip_forward").c_str());
    STRCMP_EQUAL("1", setting("ipv6/conf/all/forwarding").c_str());
    STRCMP_EQUAL("0", setting("netfilter/nf_conntrack_tcp_loose").c_str());
    CHECK_TRUE(network->set_forwarding(false).has_value());
    STRCMP_EQUAL("0", setting("ipv4/ip_forward").c_str());
    STRCMP_EQUAL("0", setting("ipv6/conf/all/forwarding").c_str());
    // a host's defaults would come back with forwarding off
    STRCMP_EQUAL("0", setting("ipv4/conf/all/accept_redirects").c_str());
}

TEST(network, links_show_what_has_passed) {
    configure({{plain("lan0", {"10.0.1.1/24"})}, {}});
    run("ip link set far-lan0 address 02:00:00:00:00:99");
    run("ip neigh add 10.0.1.2 lladdr 02:00:00:00:00:99 dev lan0");
    output_of("ping -c 1 -W 1 10.0.1.2");
    const auto status = link("lan0");
    CHECK_TRUE(status.sent_bytes > 0);
    CHECK_TRUE(status.mac.has_value());
    CHECK_TRUE(status.index > 0);
    CHECK_FALSE(status.is_bridge);
}

TEST(network, a_burst_of_changes_is_joined) {
    int calls = 0;
    CHECK_TRUE(network->watch([&] { ++calls; }).has_value());
    for (int i = 0; i < 5; ++i) {
        run("ip link set lan0 up && ip link set lan0 down");
    }
    CHECK_TRUE(tests::run_until(*loop, [&] { return calls > 0; }));
    CHECK_TRUE(calls < 10);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/model/sensitive_ports.hpp"
#include "tests/unit/model/fixture.hpp"

using namespace sekisho;
using namespace sekisho::model;
using namespace sekisho::test;

namespace {

constexpr std::string_view kSource = " source { address-list vendor; } ";

std::string refused_service(std::string_view statements) {
    return refused(text::concat("service s { ", statements, kSource, "}"));
}

/// A service on a port of the router whose sources are these entries.
std::string with_sources(std::string_view port, std::string_view entries) {
    return text::concat("address-list x { ", entries, " }\nservice s { protocol tcp; port ", port,
                        "; forward-to 10.0.1.20; source { address-list x; } }");
}

} // namespace

TEST_GROUP(service_accepted){};

TEST(service_accepted, forwarded_in_both_families) {
    const Model model =
        accepted("service web { description \"x\"; from wan; from clinic; protocol tcp; port 443; forward-to "
                 "10.0.1.20; forward-to fd00:1::20; forward-port 8443; source { address-list vendor; } log none; }");
    const Service& service = model.services[0];
    CHECK_SAME("web", service.name);
    CHECK_EQUAL(2u, service.from.size());
    CHECK_SAME("10.0.1.20", service.forward_v4->text());
    CHECK_SAME("fd00:1::20", service.forward_v6->text());
    CHECK_EQUAL(8443, *service.forward_port);
    CHECK(service.log == LogAccepted::no);
    CHECK(service.is_forwarded());
    CHECK_SAME("vendor", service.source_lists.at(0));
    CHECK(service.place == (Place{2, 1}));
}

TEST(service_accepted, local_and_from_the_wan_by_default) {
    const Model model = accepted("service vpn { protocol udp; port 51820; source { address-list vendor; } }");
    CHECK_EQUAL(1u, model.services[0].from.size());
    CHECK_SAME("wan", model.services[0].from[0]);
    CHECK_FALSE(model.services[0].is_forwarded());
    CHECK(model.services[0].log == LogAccepted::yes);
}

TEST(service_accepted, two_services_to_one_inside_port) {
    accepted(
        "address-list four { address 192.0.2.1; }\n"
        "service a { protocol tcp; port 8443; forward-to 10.0.1.20; forward-port 443; source { address-list four; } }\n"
        "service b { protocol tcp; port 9443; forward-to 10.0.1.20; forward-port 443; source { address-list vendor; } "
        "}");
}

TEST(service_accepted, one_port_for_several_ipv6_hosts_and_protocols) {
    accepted("address-list six { address 2001:db8:200::/48; }\n"
             "service a { protocol tcp; port 443; forward-to fd00:1::20; source { address-list six; } }\n"
             "service b { protocol tcp; port 443; forward-to fd00:1::21; source { address-list six; } }\n"
             "service c { protocol udp; port 443; forward-to fd00:1::20; source { address-list six; } }");
}

TEST_GROUP(service_refused){};

TEST(service_refused, without_a_source_list) {
    CHECK_HOLDS("c:2:1: error: service s: a service from the WAN must say who may use it",
                refused("service s { protocol tcp; port 443; forward-to 10.0.1.20; }"));
}

TEST(service_refused, unknown_list) {
    CHECK_HOLDS("service s source: there is no address-list 'vendr'\n    hint: did you mean 'vendor'?",
                refused("service s { protocol tcp; port 443; source { address-list vendr; } }"));
}

TEST(service_refused, zones) {
    CHECK_HOLDS("service s: a service is for the WAN, and 'from' leaves it out",
                refused_service("from clinic; protocol tcp; port 443;"));
    CHECK_HOLDS("service s: from router: the router itself needs no service",
                refused_service("from wan; from router; protocol tcp; port 443;"));
    CHECK_HOLDS("service s: from: there is no zone 'wlan'\n    hint: did you mean 'wan'?",
                refused_service("from wlan; protocol tcp; port 443;"));
}

TEST(service_refused, ports) {
    CHECK_HOLDS("service s: protocol tcp needs a port", refused_service("protocol tcp; forward-to 10.0.1.20;"));
    CHECK_HOLDS("service s: protocol gre has no ports", refused_service("protocol gre; port 443;"));
    CHECK_HOLDS("port 443-450 overlaps another port statement here",
                refused_service("protocol tcp; port 445; port 443-450;"));
}

TEST(service_refused, forwarding) {
    CHECK_HOLDS("c:2:59: error: service s: forward-to 10.0.9.1 is in no inside network\n    hint: inside networks: "
                "10.0.1.0/24, 10.0.2.0/24, fd00:1::/64",
                refused_service("protocol tcp; port 443;            forward-to 10.0.9.1;"));
    CHECK_HOLDS("forward-to 198.51.100.7 is in no inside network",
                refused_service("protocol tcp; port 443; forward-to 198.51.100.7;"));
    CHECK_HOLDS("forward-to 10.0.1.1 is the router's own address",
                refused_service("protocol tcp; port 443; forward-to 10.0.1.1;"));
    CHECK_HOLDS("forward-to 10.0.1.255 is the broadcast address",
                refused_service("protocol tcp; port 443; forward-to 10.0.1.255;"));
    CHECK_HOLDS("forward-to 10.0.1.21 is a second IPv4 host",
                refused_service("protocol tcp; port 443; forward-to 10.0.1.20; forward-to 10.0.1.21;"));
    CHECK_HOLDS("protocol icmp can't be forwarded to an address of the other family",
                refused_service("protocol icmp; forward-to fd00:1::20;"));
}

TEST(service_refused, forward_port) {
    CHECK_HOLDS("forward-port without forward-to", refused_service("protocol tcp; port 443; forward-port 8443;"));
    CHECK_HOLDS("forward-port needs exactly one port",
                refused_service("protocol tcp; port 80; port 443; forward-to 10.0.1.20; forward-port 8443;"));
    CHECK_HOLDS("forward-port needs exactly one port",
                refused_service("protocol tcp; port 80-90; forward-to 10.0.1.20; forward-port 8443;"));
}

TEST_GROUP(service_width){};

TEST(service_width, as_good_as_any_ipv4) {
    CHECK_HOLDS(
        "c:3:58: error: service s source: the lists together admit 4294967296 IPv4 addresses, which is as good as any",
        refused(with_sources("80", "address 0.0.0.0/0;")));
    CHECK_HOLDS("admit 4294967296 IPv4 addresses",
                refused(with_sources("80", "address 0.0.0.0/1; address 128.0.0.0/1;")));
    CHECK_HOLDS("admit 16777217 IPv4 addresses", refused(with_sources("80", "address 12.0.0.0/8; address 13.0.0.0;")));
    accepted(with_sources("80", "address 12.0.0.0/8;"));
}

TEST(service_width, union_counts_once_and_over_all_lists) {
    CHECK_HOLDS("warning", warned(with_sources("80", "address 12.0.0.0/8; address 12.0.0.0/9;")));
    CHECK_HOLDS("admit 33554432 IPv4 addresses",
                refused("address-list x { address 12.0.0.0/8; } address-list y { address 13.0.0.0/8; }\nservice s { "
                        "protocol tcp; port 80; forward-to 10.0.1.20; source { address-list x; address-list y; } }"));
}

TEST(service_width, expiry_narrows_nothing) {
    CHECK_HOLDS("admit 4294967296 IPv4 addresses",
                refused(with_sources(
                    "80", "address 0.0.0.0/1 { expires 2027-01-01; } address 128.0.0.0/1 { expires 2020-01-01; }")));
}

TEST(service_width, as_good_as_any_ipv6) {
    constexpr std::string_view kAny = "half of the global IPv6 addresses or more";
    CHECK_HOLDS(kAny, refused(with_sources("80", "address ::/0;")));
    CHECK_HOLDS(kAny, refused(with_sources("80", "address 2000::/4;")));
    CHECK_HOLDS(kAny, refused(with_sources("80", "address 2000::/5; address 2800::/5;")));
    CHECK_HOLDS("closed over IPv4", warned(with_sources("80", "address 2000::/5; address fc00::/7;")));
}

TEST_GROUP(service_sensitive){};

TEST(service_sensitive, table_covers_what_the_product_promises) {
    for (const unsigned port : {22,   23,   104,  139,  445,  1433, 1521, 2575, 2762,  3306,
                                3389, 4242, 5432, 5900, 5999, 5985, 5986, 6379, 11112, 27017}) {
        const auto number = static_cast<std::uint16_t>(port);
        CHECK(find_sensitive(Protocol::tcp, {number, number}) != nullptr);
    }
    CHECK(find_sensitive(Protocol::tcp, {443, 443}) == nullptr);
    CHECK(find_sensitive(Protocol::udp, {22, 22}) == nullptr);
    CHECK(find_sensitive(Protocol::udp, {3389, 3389}) != nullptr);
    CHECK(find_sensitive(Protocol::tcp, {3000, 4000}) != nullptr);
    CHECK(find_sensitive(Protocol::esp, {0, 65535}) == nullptr);
}

TEST(service_sensitive, needs_narrow_sources) {
    CHECK_HOLDS("service s source: the service leads to Remote Desktop (RDP); for that, the lists together admit too "
                "many IPv4 addresses: 65537",
                refused(with_sources("3389", "address 203.0.0.0/16; address 12.0.0.0;")));
    accepted(with_sources("3389", "address 203.0.0.0/16;"));
    CHECK_HOLDS("leads to SSH; for that, the lists together admit too many IPv6 addresses",
                refused(with_sources("22", "address 192.0.2.1; address 2001:db8::/31;")));
    accepted(with_sources("22", "address 192.0.2.1; address 2001:db8::/32;"));
}

TEST(service_sensitive, the_inside_port_is_judged) {
    constexpr std::string_view kWide = "address-list x { address 203.0.0.0/15; }\n";
    CHECK_HOLDS("leads to Remote Desktop",
                refused(text::concat(kWide, "service s { protocol tcp; port 50443; forward-to 10.0.1.20; forward-port "
                                            "3389; source { address-list x; } }")));
    accepted(text::concat(
        kWide,
        "service s { protocol tcp; port 3389; forward-to 10.0.1.20; forward-port 8443; source { address-list x; } }"));
    CHECK_HOLDS(
        "leads to Windows file sharing",
        refused(text::concat(
            kWide, "service s { protocol tcp; port 400-500; forward-to 10.0.1.20; source { address-list x; } }")));
}

TEST_GROUP(service_families){};

TEST(service_families, one_that_the_lists_lack_is_warned_of) {
    constexpr std::string_view kFour = "address-list four { address 192.0.2.1; }\n";
    CHECK_HOLDS("c:3:81: warning: service s source: the lists have no IPv6 address: the service is closed over IPv6",
                warned(text::concat(kFour, "service s { protocol tcp; port 80; forward-to 10.0.1.20; forward-to "
                                           "fd00:1::20; source { address-list four; } }")));
    CHECK_HOLDS("closed over IPv6",
                warned(text::concat(kFour, "service s { protocol tcp; port 80; source { address-list four; } }")));
    CHECK_SAME("", warned(text::concat(kFour, "service s { protocol icmp; source { address-list four; } }")));
    CHECK_SAME("",
               warned(text::concat(
                   kFour, "service s { protocol tcp; port 80; forward-to 10.0.1.20; source { address-list four; } }")));
    CHECK_SAME("",
               warned(text::concat(
                   kFour, "service s { protocol tcp; port 80; source { address-list four; address-list vendor; } }")));
}

TEST_GROUP(service_overlaps){};

TEST(service_overlaps, one_outside_port_for_two_services) {
    CHECK_HOLDS(
        "c:3:1: error: service b: tcp port 443 already belongs to service a (line 2)",
        refused("service a { protocol tcp; port 443; forward-to 10.0.1.20; source { address-list vendor; } }\nservice "
                "b { protocol tcp; port 443; forward-to 10.0.1.21; source { address-list vendor; } }"));
    CHECK_HOLDS("service b: tcp port 8005 already belongs to service a",
                refused("service a { protocol tcp; port 8000-8010; forward-to 10.0.1.20; source { address-list vendor; "
                        "} }\nservice b { protocol tcp; port 8005-8020; source { address-list vendor; } }"));
    CHECK_HOLDS("service b: gre already belongs to service a",
                refused("service a { protocol gre; source { address-list vendor; } }\nservice b { protocol gre; "
                        "forward-to 10.0.1.2; source { address-list vendor; } }"));
}

TEST(service_overlaps, a_narrow_range_inside_a_wide_one_is_found) {
    CHECK_HOLDS(
        "service c: tcp port 300 already belongs to service a",
        refused("service a { protocol tcp; port 100-1000; forward-to 10.0.1.20; source { address-list vendor; } }\n"
                "service b { protocol udp; port 200; forward-to 10.0.1.20; source { address-list vendor; } }\n"
                "service c { protocol tcp; port 300; forward-to 10.0.1.20; source { address-list vendor; } }"));
}

TEST(service_overlaps, one_ipv6_host_and_inside_port) {
    const std::string report = refused("service a { protocol tcp; port 8443; forward-to 10.0.1.20; forward-to "
                                       "fd00:1::20; forward-port 443; source { address-list vendor; } }\n"
                                       "service b { protocol tcp; port 9443; forward-to 10.0.1.20; forward-to "
                                       "fd00:1::20; forward-port 443; source { address-list vendor; } }");
    CHECK_HOLDS("service b: tcp port 443 of fd00:1::20 already belongs to service a (line 2)", report);
    CHECK_HOLDS("1 error", report);
}

TEST_GROUP(service_many){};

TEST(service_many, share_a_long_list) {
    std::string text = "address-list long { address 2001:db8::/48; ";
    for (unsigned number = 0; number < 5000; ++number) {
        text += text::concat("address 10.", text::to_text(number / 256), ".", text::to_text(number % 256), ".1; ");
    }
    text += "}\n";
    for (unsigned number = 0; number < 2000; ++number) {
        const std::string digits = text::to_text(number);
        text += text::concat("service s", digits, " { protocol tcp; port ", text::to_text(number + 1024),
                             "; forward-to 10.0.1.20; source { address-list long; } }\n");
    }
    CHECK_EQUAL(2000u, accepted(text).services.size());
}

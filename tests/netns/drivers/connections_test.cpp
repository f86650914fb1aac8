// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/kernel_connections.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/mark.hpp"
#include "tests/netns/drivers/sandbox.hpp"

#include <algorithm>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::test;
using drivers::KernelConnections;
using ruleset::Flow;

namespace {

/// The WAN is zone 1 (mark 0x01…), as the product marks it; everything else has another mark or none.
constexpr const char* kRules = R"(
table inet sekisho {
  chain translate { type nat hook prerouting priority dstnat;
    iifname wan0 udp dport 7002 dnat ip to 10.0.1.20:9002
  }
  chain input { type filter hook input priority filter; policy drop;
    ct state established accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    iifname wan0 icmp type echo-request ct mark set 0x81000004 accept
    iifname wan0 udp dport 7003 ct mark set 0x01000003 accept
    iifname wan0 udp dport 7004 ct mark set 0x03000003 accept
  }
  chain forward { type filter hook forward priority filter; policy drop;
    ct state established accept
    ct status dnat ct mark set 0x01000002 accept
    iifname lan0 ct mark set 0x05000007 accept
  }
}
)";

std::string shown(const Flow& flow) {
    const auto number = [](std::uint64_t value) { return text::to_text(value); };
    return text::concat(number(flow.protocol), " ", flow.source.text(), " > ", flow.destination.text(), " ",
                        number(flow.destination_port), flow.translated ? " to " : " at ", flow.reached.text(), " ",
                        number(flow.reached_port), " ", flow.own_device.empty() ? "-" : flow.own_device, " rule ",
                        number(ruleset::rule_of_mark(flow.mark)));
}

} // namespace

TEST_GROUP(connections) {
    Sandbox sandbox;
    std::unique_ptr<KernelConnections> table;

    void setup() override {
        sandbox.run(Host::router, text::concat("nft -f - <<'END'", kRules, "END"));
        auto created = KernelConnections::create();
        CHECK_TRUE_TEXT(created.has_value(), created ? "" : created.error().message().c_str());
        table = std::move(*created);
    }

    std::vector<ports::Connection> found(ruleset::ZoneIndex zone = ruleset::kWanZoneNumber) {
        auto list = table->find([zone](const Flow& flow) { return ruleset::zone_of_mark(flow.mark) == zone; });
        CHECK_TRUE_TEXT(list.has_value(), list ? "" : list.error().message().c_str());
        std::ranges::sort(*list, {}, [](const ports::Connection& each) { return shown(each.flow); });
        return std::move(*list);
    }

    void check(std::string_view expected, const std::vector<ports::Connection>& list) {
        std::string text;
        for (const ports::Connection& each : list) {
            text += shown(each.flow) + "\n";
        }
        STRCMP_EQUAL(std::string(expected).c_str(), text.c_str());
    }

    /// A datagram from the outside that has arrived when this returns.
    void send(std::string_view from, std::string_view to, std::uint16_t port, Host receiver, std::uint16_t at) {
        const bool v6 = to.find(':') != std::string_view::npos;
        const UdpSocket receiving(sandbox, receiver, v6 ? "::" : "0.0.0.0", at);
        const UdpSocket sending(sandbox, Host::outside, from, 5'555);
        sending.send(to, port, "x");
        CHECK_TRUE(receiving.receive().has_value());
    }
};

TEST(connections, those_of_the_zone_are_found_with_what_decides_about_them) {
    send(kOutside, kRouter, 7002, Host::inside, 9002);
    send(kOutside, kRouter, 7003, Host::router, 7003);
    send(kOutsideV6, kRouterV6, 7003, Host::router, 7003);
    send(kOutside, kRouter, 7004, Host::router, 7004); // another zone's mark
    sandbox.run(Host::outside, "ping -q -c 1 -W 10 198.51.100.1");
    check("1 198.51.100.2 > 198.51.100.1 0 at 198.51.100.1 0 wan0 rule 4\n"
          "17 198.51.100.2 > 198.51.100.1 7002 to 10.0.1.20 9002 - rule 2\n"
          "17 198.51.100.2 > 198.51.100.1 7003 at 198.51.100.1 7003 wan0 rule 3\n"
          "17 2001:db8::2 > 2001:db8::1 7003 at 2001:db8::1 7003 wan0 rule 3\n",
          found());
    check("17 198.51.100.2 > 198.51.100.1 7004 at 198.51.100.1 7004 wan0 rule 3\n", found(3));
    LONGS_EQUAL(8, found()[0].flow.icmp_type);
    LONGS_EQUAL(5'555, found()[1].flow.source_port);
}

TEST(connections, the_named_one_ends_and_no_other) {
    send(kOutside, kRouter, 7003, Host::router, 7003);
    send(kOutsideOther, kRouter, 7003, Host::router, 7003);
    send(kOutside, kRouter, 7004, Host::router, 7004);
    const auto both = found();
    LONGS_EQUAL(2, both.size());
    CHECK_TRUE(table->end(both[0]).value());
    check("17 198.51.100.3 > 198.51.100.1 7003 at 198.51.100.1 7003 wan0 rule 3\n", found());
    LONGS_EQUAL(1, found(3).size());
    CHECK_FALSE(table->end(both[0]).value()); // gone already
}

TEST(connections, only_what_is_wanted_is_kept) {
    send(kOutside, kRouter, 7003, Host::router, 7003);
    send(kOutsideOther, kRouter, 7003, Host::router, 7003);
    const auto other = IpAddress::parse(kOutsideOther).value();
    const auto list = table->find([&](const Flow& flow) { return flow.source == other; });
    check("17 198.51.100.3 > 198.51.100.1 7003 at 198.51.100.1 7003 wan0 rule 3\n", list.value());
}

TEST(connections, a_connection_without_a_name_ends_nothing) {
    send(kOutside, kRouter, 7003, Host::router, 7003);
    CHECK_FALSE(table->end({}).has_value());
    LONGS_EQUAL(1, found().size());
}

TEST(connections, many_are_listed_whole) {
    const UdpSocket receiving(sandbox, Host::router, kRouter, 7003);
    constexpr std::uint16_t kFirst = 20'000;
    constexpr std::uint16_t kMany = 3'000; // more than one datagram of the dump holds
    for (std::uint16_t port = kFirst; port < kFirst + kMany; ++port) {
        const UdpSocket sending(sandbox, Host::outside, kOutside, port);
        sending.send(kRouter, 7003, "x");
        CHECK_TRUE(receiving.receive().has_value());
    }
    LONGS_EQUAL(kMany, found().size());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/lockout_guard.hpp"
#include "policy/ruleset/mark.hpp"
#include "tests/unit/fakes/connections.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr std::uint8_t kClinic = ruleset::kFirstFreeZoneNumber;
const std::uint32_t kSsh = ruleset::rule_number("management.ssh.clinic");

/// SSH from a zone's 10.0.1.0/24, at a port.
ruleset::Ruleset admitting(std::uint16_t port, std::string_view prefix = "10.0.1.0/24") {
    ruleset::Ruleset rules;
    rules.zones = {{kClinic, "clinic", {"lan1"}, false}};
    rules.rules.push_back(
        {.id = "management.ssh.clinic",
         .number = kSsh,
         .place = {7, 1},
         .hook = ruleset::Hook::input,
         .matches = {ruleset::IngressZone{kClinic},
                     ruleset::AddressIn{ruleset::Side::source, false, {IpPrefix::parse(prefix).value()}},
                     ruleset::DestinationPortIn{{{port, port}}}},
         .mark = ruleset::make_mark(kClinic, kSsh),
         .verdict = ruleset::Accept{}});
    rules.rules.push_back({.id = "zone.clinic.deny",
                           .number = 8,
                           .place = {9, 1},
                           .hook = ruleset::Hook::input,
                           .matches = {ruleset::IngressZone{kClinic}},
                           .verdict = ruleset::Drop{}});
    return rules;
}

} // namespace

TEST_GROUP(lockout_guard) {
    fakes::FakeClock clock;
    fakes::FakeStore store;
    fakes::FakeConnections connections;
    services::Timekeeper keeper{clock, store, Time{}};
    services::LockoutGuard guard{connections, keeper};
    model::Model model;

    void setup() override {
        model::Interface interface;
        interface.name = "lan1";
        interface.addresses = {InterfaceAddress::parse("10.0.1.1/24").value()};
        model.interfaces = {interface};
        model.accounts.push_back({.name = "tanaka", .place = {}, .description = {}, .ssh_keys = {}});
        connections.add({.mark = ruleset::make_mark(kClinic, kSsh),
                         .protocol = 6,
                         .source = IpAddress::parse("10.0.1.5").value(),
                         .source_port = 40'000,
                         .destination = IpAddress::parse("10.0.1.1").value(),
                         .destination_port = 22,
                         .reached = IpAddress::parse("10.0.1.1").value(),
                         .reached_port = 22,
                         .own_device = "lan1"});
    }

    std::string judged(const ruleset::Ruleset& wanted, const char* origin = "ssh 10.0.1.5 port 40000",
                       const char* account = "tanaka") {
        return guard.judge({account, origin}, model, wanted);
    }
};

TEST(lockout_guard, who_keeps_his_way_in_may_apply) {
    STRCMP_EQUAL("", judged(admitting(22)).c_str());
    STRCMP_EQUAL("", judged(admitting(2222)).c_str()); // the session lives on, and the next finds the other port
}

TEST(lockout_guard, who_would_be_refused_is_told_by_which_rule) {
    const std::string told = judged(admitting(22, "10.0.1.128/25"));
    STRCMP_CONTAINS("session that it is applied from (ssh 10.0.1.5 port 40000): rule zone.clinic.deny, line 9",
                    told.c_str());
    STRCMP_CONTAINS("--confirm MINUTES", told.c_str());
}

TEST(lockout_guard, ways_of_losing_a_session_without_a_rule) {
    STRCMP_CONTAINS("no account suzuki", judged(admitting(22), "ssh 10.0.1.5 port 40000", "suzuki").c_str());
    auto closed = admitting(22);
    closed.rules.erase(closed.rules.begin());
    STRCMP_CONTAINS("nobody could come in over SSH", judged(closed).c_str());
    auto moved = admitting(22);
    moved.zones[0].index = kClinic + 1;
    STRCMP_CONTAINS("the zone that it comes from", judged(moved).c_str());
    model.interfaces[0].addresses = {InterfaceAddress::parse("10.0.9.1/24").value()};
    STRCMP_CONTAINS("not have the address 10.0.1.1", judged(admitting(22)).c_str());
    model.interfaces[0].dhcp = true;
    STRCMP_EQUAL("", judged(admitting(22)).c_str());
}

TEST(lockout_guard, what_can_not_be_known_counts_as_lost) {
    STRCMP_CONTAINS("knows no such connection", judged(admitting(22), "ssh 10.0.1.5 port 40001").c_str());
    connections.refuse_finding = true;
    STRCMP_CONTAINS("can't be read", judged(admitting(22)).c_str());
}

TEST(lockout_guard, who_sits_at_the_router_is_not_guarded) {
    for (const char* origin : {"console", "local", "", "ssh", "ssh 10.0.1.5 port 70000", "ssh x port 1"}) {
        STRCMP_EQUAL("", judged(ruleset::Ruleset{}, origin, "suzuki").c_str());
    }
}

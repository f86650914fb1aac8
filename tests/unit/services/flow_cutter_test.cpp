// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/cut_flow_file.hpp"
#include "firmware/services/flow_cutter.hpp"
#include "tests/unit/fakes/connections.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr std::uint32_t kWeb = 42;

/// Admits one source to the service on the WAN's port 443; everything else is refused.
ruleset::Ruleset admitting(std::string_view source) {
    ruleset::Ruleset rules;
    rules.zones = {{ruleset::kWanZoneNumber, "wan", {"wan0"}, true}};
    const auto add = [&rules](std::string id, std::uint32_t number, ruleset::Reason reason,
                              std::vector<ruleset::Match> matches, ruleset::Verdict verdict) {
        matches.insert(matches.begin(), ruleset::IngressZone{ruleset::kWanZoneNumber});
        const bool accepts = std::holds_alternative<ruleset::Accept>(verdict);
        rules.rules.push_back({.id = std::move(id),
                               .number = number,
                               .reason = reason,
                               .place = {7, 1},
                               .hook = ruleset::Hook::input,
                               .matches = std::move(matches),
                               .mark = accepts ? ruleset::make_mark(ruleset::kWanZoneNumber, number) : 0,
                               .verdict = verdict});
    };
    add("service.web.allow", kWeb, ruleset::Reason::accepted,
        {ruleset::AddressIn{ruleset::Side::source, false, {IpPrefix(IpAddress::parse(source).value(), 32)}}},
        ruleset::Accept{});
    add("service.web.deny", 43, ruleset::Reason::not_allowed, {}, ruleset::Drop{});
    return rules;
}

ruleset::Flow flow_from(std::string_view source, std::uint8_t zone = ruleset::kWanZoneNumber) {
    return {.mark = ruleset::make_mark(zone, kWeb),
            .protocol = 6,
            .source = IpAddress::parse(source).value(),
            .source_port = 40'000,
            .destination = IpAddress::parse("203.0.113.2").value(),
            .destination_port = 443,
            .reached = IpAddress::parse("203.0.113.2").value(),
            .reached_port = 443,
            .own_device = "wan0"};
}

ruleset::Match to_port(std::uint16_t port) {
    return ruleset::DestinationPortIn{{{port, port}}};
}

} // namespace

TEST_GROUP(flow_cutter) {
    fakes::FakeClock clock;
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeLogFiles files;
    fakes::FakeConnections connections;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    fakes::FakeCutFlows cut_flows;
    fakes::FakeStore run_store;
    services::FlowCutter cutter{{connections, cut_flows, loop, run_store}, keeper, log, [](const IpAddress&) {
                                    return CountryCode::from_letters("JP");
                                }};

    std::size_t told() {
        return files.count("\"connection-cut\"");
    }
};

TEST(flow_cutter, what_is_not_admitted_ends_and_the_rest_stays) {
    connections.add(flow_from("198.51.100.5"));
    connections.add(flow_from("198.51.100.6"));
    connections.add(flow_from("198.51.100.6", ruleset::kFirstFreeZoneNumber)); // an inside zone's
    connections.add(flow_from("198.51.100.6", ruleset::kRouterZoneNumber));
    cutter.cut_unadmitted(admitting("198.51.100.5"));
    LONGS_EQUAL(2, connections.all.size()); // what is admitted, and the router's own
    STRCMP_EQUAL("198.51.100.5", connections.all[0].flow.source.text().c_str());
    LONGS_EQUAL(ruleset::kRouterZoneNumber, ruleset::zone_of_mark(connections.all[1].flow.mark));
    LONGS_EQUAL(2, told());
}

TEST(flow_cutter, ssh_from_an_inside_zone_ends_with_its_permission_and_nothing_else_there) {
    constexpr std::uint8_t kGuest = ruleset::kFirstFreeZoneNumber;
    const std::uint32_t ssh = ruleset::rule_number("management.ssh.guest");
    auto rules = admitting("198.51.100.5");
    rules.zones.push_back({kGuest, "guest", {"lan3"}, false});
    auto session = flow_from("10.0.2.50", kGuest);
    session.mark = ruleset::make_mark(kGuest, ssh);
    session.own_device = "lan3";
    session.destination_port = session.reached_port = 22;
    connections.add(session);
    connections.add(flow_from("10.0.2.50", kGuest));
    rules.rules.push_back({.id = "management.ssh.clinic",
                           .number = 50,
                           .hook = ruleset::Hook::input,
                           .matches = {ruleset::IngressZone{kGuest + 1}, to_port(22)},
                           .verdict = ruleset::Accept{}});
    rules.rules.push_back({.id = "policy.guest.allow",
                           .number = 51,
                           .hook = ruleset::Hook::input,
                           .matches = {ruleset::IngressZone{kGuest}, to_port(443)},
                           .verdict = ruleset::Accept{}});
    auto allowed = rules;
    allowed.rules.push_back({.id = "management.ssh.guest",
                             .number = ssh,
                             .hook = ruleset::Hook::input,
                             .matches = {ruleset::IngressZone{kGuest}, to_port(22)},
                             .mark = ruleset::make_mark(kGuest, ssh),
                             .verdict = ruleset::Accept{}});
    cutter.cut_unadmitted(allowed);
    LONGS_EQUAL(2, connections.all.size());
    cutter.cut_unadmitted(rules);
    LONGS_EQUAL(1, connections.all.size());
    CHECK(connections.all[0].flow.mark != session.mark);
    STRCMP_CONTAINS(R"("zone":"guest")", files.all_lines().back().c_str());
}

TEST(flow_cutter, what_a_role_may_not_reach_any_more_ends) {
    constexpr std::uint8_t kClinic = ruleset::kFirstFreeZoneNumber;
    services::FlowCutter::Senders senders{{IpAddress::parse("10.0.1.50").value(), {"br-clinic", 7}},
                                          {IpAddress::parse("10.0.1.51").value(), {"br-clinic", 8}}};
    services::FlowCutter knowing{
        {connections, cut_flows, loop, run_store}, keeper, log, {}, [&senders] { return senders; }};
    ruleset::Ruleset rules;
    rules.zones = {{kClinic, "clinic", {"br-clinic"}, false}};
    rules.rules.push_back({.id = "port-access.role.viewer",
                           .reason = ruleset::Reason::not_allowed,
                           .hook = ruleset::Hook::input,
                           .matches = {ruleset::IngressDevice{"br-clinic"}, ruleset::RoleIs{7}},
                           .verdict = ruleset::Reject{}});
    rules.rules.push_back({.id = "policy.all", .hook = ruleset::Hook::input, .verdict = ruleset::Accept{}});
    for (const char* source : {"10.0.1.50", "10.0.1.51", "10.0.1.52"}) {
        connections.add(flow_from(source, kClinic));
    }
    knowing.cut_unadmitted(rules);
    LONGS_EQUAL(2, connections.all.size());
    STRCMP_CONTAINS(R"("id":"port-access.role.viewer")", files.all_lines().back().c_str());
    LONGS_EQUAL(1, cut_flows.refused.size());
    senders.begin()->second.role = 8; // it is admitted as something else
    knowing.cut_unadmitted(rules);
    LONGS_EQUAL(0, cut_flows.refused.size());
}

TEST(flow_cutter, ssh_that_moved_to_another_port_keeps_its_sessions) {
    constexpr std::uint8_t kClinic = ruleset::kFirstFreeZoneNumber;
    const std::uint32_t ssh = ruleset::rule_number("management.ssh.clinic");
    auto rules = admitting("198.51.100.5");
    rules.zones.push_back({kClinic, "clinic", {"lan1"}, false});
    rules.rules.push_back({.id = "management.ssh.clinic",
                           .number = ssh,
                           .hook = ruleset::Hook::input,
                           .matches = {ruleset::IngressZone{kClinic}, to_port(2200)},
                           .mark = ruleset::make_mark(kClinic, ssh),
                           .verdict = ruleset::Accept{}});
    auto session = flow_from("10.0.1.50", kClinic);
    session.mark = ruleset::make_mark(kClinic, ssh);
    session.own_device = "lan1";
    session.destination_port = session.reached_port = 22;
    connections.add(session);
    cutter.cut_unadmitted(rules);
    LONGS_EQUAL(1, connections.all.size());
    // where a policy in front of it refuses the source, the port doesn't matter
    rules.rules.insert(rules.rules.begin(),
                       {.id = "policy.narrow",
                        .number = 51,
                        .hook = ruleset::Hook::input,
                        .matches = {ruleset::AddressIn{
                            ruleset::Side::source, false, {IpPrefix(IpAddress::parse("10.0.1.50").value(), 32)}}},
                        .verdict = ruleset::Drop{}});
    cutter.cut_unadmitted(rules);
    LONGS_EQUAL(0, connections.all.size());
}

TEST(flow_cutter, the_log_names_the_ends_the_country_and_the_rules_before_and_now) {
    cutter.cut_unadmitted(admitting("198.51.100.5"));
    auto flow = flow_from("198.51.100.5");
    flow.translated = true;
    flow.own_device.clear();
    flow.reached = IpAddress::parse("10.0.1.20").value();
    flow.reached_port = 8443;
    connections.add(flow);
    connections.add(flow_from("198.51.100.5"));
    cutter.cut_unadmitted(admitting("198.51.100.9"));
    LONGS_EQUAL(2, told());
    const std::string line = files.all_lines().back();
    for (const char* part :
         {R"("outcome":"success")", R"("reason":"not-allowed")", R"("rule":{"id":"service.web.deny"})",
          R"("zone":"wan")", R"("transport":"tcp")", R"("source":{"ip":"198.51.100.5","port":40000)",
          R"("country_iso_code":"JP")", R"("destination":{"ip":"203.0.113.2","port":443)", R"("line":7)",
          "admitted by service.web.allow, is not admitted any more and was ended"}) {
        STRCMP_CONTAINS(part, line.c_str());
    }
    // through the router, where nothing else is a rule's business: refused by none, translation told
    LONGS_EQUAL(1, files.count(R"("nat":{"ip":"10.0.1.20","port":8443})"));
}

TEST(flow_cutter, many_are_told_one_by_one_up_to_a_bound_and_then_counted) {
    for (int number = 0; number < 300; ++number) {
        connections.add(flow_from("198.51.100.6"));
    }
    cutter.cut_unadmitted(admitting("198.51.100.5"));
    LONGS_EQUAL(0, connections.all.size());
    LONGS_EQUAL(51, told());
    LONGS_EQUAL(1, files.count("\"count\":250"));
}

TEST(flow_cutter, nothing_to_end_is_nothing_to_tell) {
    connections.add(flow_from("198.51.100.5"));
    cutter.cut_unadmitted(admitting("198.51.100.5"));
    LONGS_EQUAL(0, files.all_lines().size());
}

TEST(flow_cutter, a_table_that_cannot_be_read_is_told_once_and_tried_again) {
    connections.add(flow_from("198.51.100.6"));
    connections.refuse_finding = true;
    cutter.cut_unadmitted(admitting("198.51.100.5"));
    loop.advance(25'000, clock);
    LONGS_EQUAL(1, connections.all.size());
    LONGS_EQUAL(1, told());
    LONGS_EQUAL(1, files.count("\"failure\""));
    connections.refuse_finding = false;
    loop.advance(10'000, clock);
    LONGS_EQUAL(0, connections.all.size());
    LONGS_EQUAL(2, told());
    LONGS_EQUAL(1, files.count("\"failure\""));
    connections.add(flow_from("198.51.100.6"));
    loop.advance(60'000, clock);
    LONGS_EQUAL(1, connections.all.size()); // done: only a new ruleset asks again
}

TEST(flow_cutter, one_that_does_not_end_keeps_no_other_alive) {
    connections.add(flow_from("198.51.100.6"));
    connections.add(flow_from("198.51.100.7"));
    connections.refuse_ends = 1;
    cutter.cut_unadmitted(admitting("198.51.100.5"));
    LONGS_EQUAL(1, connections.all.size());
    LONGS_EQUAL(1, files.count("\"failure\""));
    loop.advance(10'000, clock);
    LONGS_EQUAL(0, connections.all.size());
}

TEST(flow_cutter, a_new_ruleset_replaces_one_that_waits) {
    connections.add(flow_from("198.51.100.6"));
    connections.refuse_finding = true;
    cutter.cut_unadmitted(admitting("198.51.100.5"));
    connections.refuse_finding = false;
    cutter.cut_unadmitted(admitting("198.51.100.6"));
    loop.advance(60'000, clock);
    LONGS_EQUAL(1, connections.all.size());
}

TEST(flow_cutter, what_was_cut_stays_cut_until_it_is_admitted_again) {
    connections.add(flow_from("198.51.100.6"));
    auto echo = flow_from("198.51.100.7");
    echo.protocol = 1;
    connections.add(echo);
    cutter.cut_unadmitted(admitting("198.51.100.5"));
    CHECK(connections.all.empty());
    CHECK(cut_flows.refused == std::set<std::string>{"198.51.100.6 40000"});
    cutter.cut_unadmitted(admitting("198.51.100.5"));
    LONGS_EQUAL(1, cut_flows.refused.size());
    cutter.cut_unadmitted(admitting("198.51.100.6"));
    CHECK(cut_flows.refused.empty());
    CHECK(run_store.files["cut-flows"].empty());
}

TEST(flow_cutter, a_daemon_that_starts_anew_knows_what_was_cut) {
    connections.add(flow_from("198.51.100.6"));
    auto translated = flow_from("198.51.100.7");
    translated.translated = true;
    translated.own_device.clear();
    connections.add(translated);
    cutter.cut_unadmitted(admitting("198.51.100.5"));
    LONGS_EQUAL(2, cut_flows.refused.size());
    run_store.files["cut-flows"] += "1 2 3\n1 6 x 1 10.0.0.1 1 0 10.0.0.1 1 -\n1 6 10.0.0.1 99999 10.0.0.1 1 0 ::1 1 -";
    services::FlowCutter later{{connections, cut_flows, loop, run_store}, keeper, log};
    cut_flows.refused.clear(); // as after the table was made anew
    later.cut_unadmitted(admitting("198.51.100.6"));
    CHECK(cut_flows.refused == std::set<std::string>{"198.51.100.7 40000"});
}

TEST(flow_cutter, sets_that_refuse_are_told_and_tried_again) {
    connections.add(flow_from("198.51.100.6"));
    cut_flows.is_broken = true;
    cutter.cut_unadmitted(admitting("198.51.100.5"));
    LONGS_EQUAL(1, files.count("may live on"));
    cut_flows.is_broken = false;
    loop.advance(10'000, clock);
    CHECK(connections.all.empty());
    LONGS_EQUAL(1, cut_flows.refused.size());
}

TEST(flow_cutter, only_so_many_stay_cut) {
    std::vector<ruleset::Flow> flows(services::FlowCutter::kMostCut, flow_from("198.51.100.6"));
    for (std::size_t index = 0; index < flows.size(); ++index) {
        flows[index].source_port = static_cast<std::uint16_t>(index);
    }
    run_store.files["cut-flows"] = services::written_flows(flows);
    connections.add(flow_from("198.51.100.7"));
    cutter.cut_unadmitted(admitting("198.51.100.5"));
    LONGS_EQUAL(services::FlowCutter::kMostCut, cut_flows.refused.size());
    CHECK_FALSE(cut_flows.refused.contains("198.51.100.6 0"));
    CHECK(cut_flows.refused.contains("198.51.100.7 40000"));
}

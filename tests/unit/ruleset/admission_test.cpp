// SPDX-License-Identifier: GPL-2.0-or-later
// Connections that live against rules that are new.
#include "policy/ruleset/admission.hpp"
#include "policy/ruleset/mark.hpp"
#include "tests/unit/ruleset/fixture.hpp"

#include <algorithm>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::ruleset;
using namespace sekisho::test;

namespace {

IpAddress ip(std::string_view text) {
    return IpAddress::parse(text).value();
}

/// From `vendor` to the service "web" (443 to 10.0.1.20) or to the router's port 443.
Flow flow_of(std::string_view rule, bool forwarded) {
    Flow flow;
    flow.mark = make_mark(kWanZoneNumber, rule_number(rule));
    flow.protocol = 6;
    flow.source = ip("198.51.100.5");
    flow.source_port = 40'000;
    flow.destination = ip("203.0.113.2");
    flow.destination_port = 443;
    flow.translated = forwarded;
    flow.reached = forwarded ? ip("10.0.1.20") : flow.destination;
    flow.reached_port = 443;
    flow.own_device = forwarded ? "" : "wan0";
    flow.egress_device = forwarded ? "br-clinic" : "";
    return flow;
}

} // namespace

TEST_GROUP(admission) {
    model::Model model = base_model();

    /// Says whether the flow is admitted; `rule` decides.
    bool admits(const Flow& flow, const char* rule, const geo::Contents& countries = {}) {
        const auto rules = compile(model, fixed_clock(), countries);
        CHECK(rules.has_value());
        const Admission admission = admission_of(*rules, flow, fixed_clock().now);
        CHECK(admission.rule != nullptr);
        STRCMP_EQUAL(rule, admission.rule->id.c_str());
        return admission.admitted;
    }
};

TEST(admission, a_forwarded_connection_lives_while_its_source_is_listed) {
    model.services = {forwarded("web", 443, "10.0.1.20")};
    const Flow flow = flow_of("service.web.allow", true);
    CHECK(admits(flow, "service.web.allow"));
    model.address_lists[0] = list("vendor", {"198.51.100.8/29"});
    CHECK_FALSE(admits(flow, "service.web.deny"));
}

TEST(admission, an_entry_that_expires_ends_what_it_admitted) {
    model.services = {forwarded("web", 443, "10.0.1.20")};
    model.address_lists[0] = list("vendor", {});
    add_expiring(model.address_lists[0], "198.51.100.5", days_from_now(1));
    const auto rules = compiled(model);
    const Flow flow = flow_of("service.web.allow", true);
    CHECK(admission_of(rules, flow, fixed_clock().now).admitted);
    CHECK_FALSE(admission_of(rules, flow, days_from_now(1)).admitted);
}

TEST(admission, a_connection_to_the_router_is_judged_as_such) {
    model.services = {local("web", 443)};
    Flow flow = flow_of("service.web.allow", false);
    CHECK(admits(flow, "service.web.allow"));
    flow.own_device = "br-clinic"; // a service is offered at the address where the packet comes in
    CHECK_FALSE(admits(flow, "zone.wan.deny"));
    flow.own_device.clear(); // the address is gone: it would be forwarded
    CHECK_FALSE(admits(flow, "zone.wan.deny"));
}

TEST(admission, what_was_addressed_counts_not_where_it_led) {
    model.services = {forwarded("first", 443, "10.0.1.20"), forwarded("second", 444, "10.0.1.20")};
    model.services[1].forward_port = 443;
    model.services[0].source_lists = {"four"};
    Flow flow = flow_of("service.second.allow", true);
    flow.destination_port = 444;
    CHECK(admits(flow, "service.second.allow"));
    flow.destination_port = 443;
    CHECK_FALSE(admits(flow, "service.first.deny"));
}

TEST(admission, a_service_that_leads_elsewhere_or_is_gone_ends_its_connections) {
    const Flow flow = flow_of("service.web.allow", true);
    model.services = {forwarded("web", 443, "10.0.1.30")};
    CHECK_FALSE(admits(flow, "zone.wan.deny"));
    model.services = {};
    CHECK_FALSE(admits(flow, "zone.wan.deny"));
    model.services = {local("web", 443)};
    CHECK_FALSE(admits(flow, "zone.wan.deny"));
}

TEST(admission, another_name_for_the_same_service_ends_nothing) {
    model.services = {forwarded("portal", 443, "10.0.1.20")};
    CHECK(admits(flow_of("service.web.allow", true), "service.portal.allow"));
}

TEST(admission, blocked_sources_are_refused_before_a_service_is_asked) {
    model.services = {forwarded("web", 443, "10.0.1.20")};
    model.address_lists.push_back(list("bad", {"198.51.100.4/30"}));
    model.block.lists = {"bad"};
    CHECK_FALSE(admits(flow_of("service.web.allow", true), "block.bad"));
}

TEST(admission, the_gate_is_asked_too) {
    const CountryCode japan = CountryCode::from_letters("JP").value();
    model.services = {forwarded("web", 443, "10.0.1.20")};
    model.geo_lists.push_back({.name = "domestic", .countries = {japan}, .except_lists = {}});
    model.gate.geo_lists = {"domestic"};
    const Flow flow = flow_of("service.web.allow", true);
    const auto contents = [&](std::string_view japanese) {
        geo::Collector collector(model::selections_of(model));
        collector.add(IpRange::parse(japanese).value(), japan);
        return collector.finish();
    };
    CHECK(admits(flow, "service.web.allow", contents("198.51.100.0/24")));
    CHECK_FALSE(admits(flow, "gate.country", contents("198.51.101.0/24")));
}

TEST(admission, ipv6_is_asked_like_ipv4) {
    model.services = {forwarded_v6("six", 443, "2001:db8:1::20")};
    Flow flow = flow_of("service.six.allow", true);
    flow.source = ip("2001:db8:a::5");
    flow.destination = flow.reached = ip("2001:db8:1::20");
    flow.translated = false;
    CHECK(admits(flow, "service.six.allow"));
    flow.source = ip("2001:db8:b::5");
    CHECK_FALSE(admits(flow, "service.six.deny"));
}

TEST(admission, the_zone_that_it_leaves_to_is_that_of_the_device_that_leads_there) {
    model.policies = {policy("in", "wan", "clinic")};
    model.policies[0].source_lists = {"vendor"};
    Flow flow = flow_of("policy.in.allow", false);
    flow.destination = flow.reached = ip("192.0.2.99");
    flow.own_device.clear();
    flow.egress_device = "br-clinic";
    CHECK(admits(flow, "policy.in.allow"));
    flow.mark = make_mark(kWanZoneNumber, rule_number("policy.other.allow")); // by another name
    CHECK(admits(flow, "policy.in.allow"));
    flow.egress_device = "lan3";
    CHECK_FALSE(admits(flow, "zone.wan.deny"));
    flow.egress_device.clear(); // the default route
    CHECK_FALSE(admits(flow, "zone.wan.deny"));
}

TEST(admission, what_leaves_by_the_default_route_leaves_on_the_wan) {
    model.policies = {policy("out", "clinic", "wan")};
    Flow flow = flow_of("policy.out.allow", false);
    const auto rules = compile(model, fixed_clock(), {});
    const auto zone = std::ranges::find(rules->zones, "clinic", &ZoneEntry::name);
    flow.mark = make_mark(zone->index, rule_number("policy.out.allow"));
    flow.source = ip("10.0.1.50");
    flow.destination = flow.reached = ip("192.0.2.99");
    flow.own_device.clear();
    CHECK(admits(flow, "policy.out.allow"));
    model.policies.clear();
    CHECK_FALSE(admits(flow, "zone.clinic.deny"));
}

TEST(admission, a_role_counts_where_it_is_known_who_sends) {
    Ruleset rules;
    rules.zones = {{kFirstFreeZoneNumber, "clinic", {"br-clinic"}, false}};
    rules.rules.push_back({.id = "port-access.unauthorised",
                           .hook = Hook::forward,
                           .matches = {IngressDevice{"br-clinic"}, RoleIs{0}},
                           .verdict = Drop{}});
    rules.rules.push_back({.id = "port-access.role.viewer",
                           .hook = Hook::forward,
                           .matches = {IngressDevice{"br-clinic"}, ConnectionState{.fresh = true}, RoleIs{7}},
                           .verdict = Reject{}});
    rules.rules.push_back({.id = "policy.all", .hook = Hook::forward, .verdict = Accept{}});
    Flow flow = flow_of("policy.all", true);
    CHECK(admission_of(rules, flow, fixed_clock().now).admitted);
    flow.sender = Sender{"br-clinic", 8};
    CHECK(admission_of(rules, flow, fixed_clock().now).admitted);
    flow.sender = Sender{"br-other", 7};
    CHECK(admission_of(rules, flow, fixed_clock().now).admitted);
    flow.sender = Sender{"br-clinic", 7};
    const Admission refused = admission_of(rules, flow, fixed_clock().now);
    CHECK_FALSE(refused.admitted);
    STRCMP_EQUAL("port-access.role.viewer", refused.rule->id.c_str());
}

TEST(admission, the_closed_ruleset_admits_nothing) {
    const Ruleset closed = closed_ruleset();
    const Admission admission = admission_of(closed, flow_of("service.web.allow", true), fixed_clock().now);
    CHECK_FALSE(admission.admitted);
    STRCMP_EQUAL("closed.deny", admission.rule->id.c_str());
}

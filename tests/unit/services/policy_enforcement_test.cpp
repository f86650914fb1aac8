// SPDX-License-Identifier: GPL-2.0-or-later
// What PolicyService compares and restores for the proof that its policy is in force.
#include "firmware/services/policy_service.hpp"
#include "tests/unit/fakes/fake_countries.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr std::string_view kInterfaces = R"(interfaces {
    interface wan0 { address 198.51.100.2/24; }
    bridge br-clinic { port lan1; address 10.0.1.1/24; }
}
zones { wan { interface wan0; } clinic { interface br-clinic; } }
)";

} // namespace

TEST_GROUP(policy_enforcement) {
    fakes::FakeClock clock;
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeStore run_store;
    fakes::FakeLogFiles files;
    fakes::FakeFilter filter;
    fakes::FakeNetwork network;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    fakes::FakeGeoDatabases databases{store.files};
    services::Countries countries{{databases, store, loop}, keeper, log};
    services::PolicyService policy{
        {filter, network, store, run_store, loop, clock}, keeper, log, countries, std::string(kInterfaces)};
    int switches = 0;

    void setup() override {
        policy.after_switch([this](const ruleset::Ruleset&) { ++switches; });
        network.set_links({"wan0", "lan1", "br-clinic"});
    }
    void start() {
        services::ConfigurationStore configurations(store);
        CHECK(configurations.prepare(kInterfaces).has_value());
        CHECK(configurations.commit().has_value());
        policy.start();
        switches = 0;
        network.in_force = {};
    }
    bool is_configured() {
        return !network.in_force.interfaces.empty();
    }
};

TEST(policy_enforcement, restores_the_rules_in_force_and_lets_connections_be_judged_anew) {
    start();
    CHECK(policy.restore_rules().has_value());
    LONGS_EQUAL(1, filter.restorations);
    CHECK(!filter.in_force.rules.empty());
    LONGS_EQUAL(1, switches);
}

TEST(policy_enforcement, tells_why_rules_cannot_be_restored_and_judges_nothing_anew) {
    start();
    filter.refuse = 1;
    const auto restored = policy.restore_rules();
    CHECK_FALSE(restored.has_value());
    STRCMP_CONTAINS("no buffer space", restored.error().message().c_str());
    LONGS_EQUAL(0, switches);
}

TEST(policy_enforcement, takes_what_is_foreign_away_and_configures_the_network) {
    start();
    network.forwarding = false;
    CHECK(policy.restore_network().has_value());
    LONGS_EQUAL(1, network.removals);
    CHECK(is_configured() && network.forwarding);
}

TEST(policy_enforcement, tells_what_of_the_network_cannot_be_restored) {
    start();
    network.refuse = 1;
    CHECK_FALSE(policy.restore_network().has_value());
}

TEST(policy_enforcement, compares_and_touches_no_network_without_a_configuration) {
    network.found = {{"interface wan0", "up", "down"}};
    CHECK(policy.compare_network().value().empty());
    CHECK(policy.restore_network().has_value());
    LONGS_EQUAL(0, network.removals);
}

TEST(policy_enforcement, leaves_links_that_changed_to_be_compared) {
    start();
    policy.follow_links();
    network.status[0].up = !network.status[0].up;
    policy.follow_links();
    CHECK_FALSE(is_configured());
}

TEST(policy_enforcement, configures_an_interface_that_appears) {
    network.set_links({"wan0", "br-clinic"});
    start();
    network.set_links({"wan0", "br-clinic", "lan1"});
    policy.follow_links();
    CHECK(is_configured());
}

TEST(policy_enforcement, configures_an_interface_that_was_replaced_by_one_of_its_name) {
    start();
    network.status[1].index = 77;
    policy.follow_links();
    CHECK(is_configured());
}

TEST(policy_enforcement, tries_an_address_that_another_host_has_again) {
    start();
    network.status[0].has_duplicate = true;
    policy.follow_links();
    CHECK(is_configured());
}

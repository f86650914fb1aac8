// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/policy_service.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/fakes/fake_countries.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr std::string_view kInterfaces = R"(interfaces {
    interface wan0 { address 198.51.100.2/24; }
    interface wan1 { address 198.51.101.2/24; }
    bridge br-clinic { port lan1; address 10.0.1.1/24; }
}
zones { wan { interface wan0; interface wan1; } clinic { interface br-clinic; } }
)";
constexpr std::string_view kGate = "geo-list home { country JP; }\ngate { geo-list home; }\n";

} // namespace

TEST_GROUP(early_drop) {
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

    void setup() override {
        devices({"wan0", "wan1"});
    }
    void devices(std::vector<std::string> names) {
        filter.early_devices = names;
        names.emplace_back("lan1");
        network.set_links(names);
    }
    void start(std::string_view configuration) {
        services::ConfigurationStore configurations(store);
        CHECK(configurations.prepare(configuration).has_value());
        CHECK(configurations.commit().has_value());
        countries.start();
        policy.start();
    }
    void start_with_gate() {
        start(text::concat(kInterfaces, kGate));
    }
    std::string installed() {
        return text::join(filter.early.devices, " ");
    }
};

TEST(early_drop, follows_every_switch_of_a_policy_that_has_a_gate) {
    start_with_gate();
    STRCMP_EQUAL("wan0 wan1", installed().c_str());
    CHECK(policy.apply(text::concat(kInterfaces, kGate, "log { per-minute 7; }"), {"admin", "local"}).has_value());
    STRCMP_EQUAL("wan0 wan1", installed().c_str());
    LONGS_EQUAL(2, filter.early_installs);
    LONGS_EQUAL(0, files.count("early-drop"));
    STRCMP_EQUAL("wan0 wan1", text::join(policy.early_drop().devices(), " ").c_str());
}

TEST(early_drop, is_not_asked_for_where_no_rule_wants_it) {
    start(kInterfaces);
    loop.advance(60'000, clock);
    LONGS_EQUAL(0, filter.early_installs);
    CHECK(policy.apply(text::concat(kInterfaces, kGate), {"admin", "local"}).has_value());
    STRCMP_EQUAL("wan0 wan1", installed().c_str());
    CHECK(policy.apply(kInterfaces, {"admin", "local"}).has_value());
    STRCMP_EQUAL("", installed().c_str());
    CHECK(policy.early_drop().devices().empty());
}

TEST(early_drop, that_cannot_be_installed_fails_no_policy_is_told_once_and_tried_again) {
    filter.refuse_early = true;
    start_with_gate();
    CHECK(policy.configuration() != nullptr);
    CHECK(policy.apply(text::concat(kInterfaces, kGate, "log { per-minute 7; }"), {"admin", "local"}).has_value());
    loop.advance(60'000, clock);
    LONGS_EQUAL(1, files.count("early-drop"));
    CHECK_FALSE(policy.early_drop().trouble().empty());
    filter.refuse_early = false;
    loop.advance(10'000, clock);
    STRCMP_EQUAL("wan0 wan1", installed().c_str());
    LONGS_EQUAL(2, files.count("early-drop"));
    LONGS_EQUAL(1, files.count("early drop is on wan0, wan1 again"));
    CHECK(policy.early_drop().trouble().empty());
}

TEST(early_drop, of_a_device_that_is_not_there_is_told_and_comes_with_it) {
    devices({"wan0"});
    start_with_gate();
    STRCMP_EQUAL("wan0", installed().c_str());
    LONGS_EQUAL(1, files.count("it is not on wan1: not there"));
    loop.advance(60'000, clock);
    LONGS_EQUAL(1, files.count("early-drop"));
    devices({"wan0", "wan1"});
    policy.configure_network();
    STRCMP_EQUAL("wan0 wan1", installed().c_str());
    LONGS_EQUAL(2, files.count("early-drop"));
}

TEST(early_drop, is_lost_with_its_device_and_comes_back_with_it) {
    start_with_gate();
    devices({"wan0"});
    filter.early.devices = {"wan0"};
    policy.configure_network();
    LONGS_EQUAL(1, files.count("it is not on wan1: not there"));
    devices({"wan0", "wan1"});
    policy.configure_network();
    STRCMP_EQUAL("wan0 wan1", installed().c_str());
    LONGS_EQUAL(1, files.count("early drop is on wan0, wan1 again"));
}

TEST(early_drop, whose_device_came_back_before_anybody_looked_is_told_too) {
    start_with_gate();
    filter.early.devices = {"wan0"};
    loop.advance(10'000, clock);
    STRCMP_EQUAL("wan0 wan1", installed().c_str());
    LONGS_EQUAL(1, files.count("wan1 went away and came back without it"));
    LONGS_EQUAL(1, files.count("early drop is on wan0, wan1 again"));
}

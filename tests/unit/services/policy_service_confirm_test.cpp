// SPDX-License-Identifier: GPL-2.0-or-later
// What is applied for a time, and the guard against cutting oneself off.
#include "firmware/services/policy_service.hpp"
#include "tests/unit/fakes/fake_countries.hpp"
#include "tests/unit/fakes/fakes.hpp"
#include "tests/unit/fakes/policies.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using fakes::kAdmin;
using fakes::kInterfaces;
using fakes::with_service;
using services::PolicySource;

TEST_GROUP(confirm) {
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
    std::unique_ptr<services::PolicyService> service;

    /// A router where a service is committed.
    void setup() override {
        services::ConfigurationStore configurations(store);
        CHECK(configurations.prepare(with_service("address 203.0.113.0/28;")).has_value());
        CHECK(configurations.commit().has_value());
        start();
    }
    void start() {
        service.reset();
        service = std::make_unique<services::PolicyService>(
            services::PolicyService::Ports{filter, network, store, run_store, loop, clock}, keeper, log, countries,
            std::string(kInterfaces));
        service->start();
    }
    bool has_service() {
        return std::ranges::contains(filter.in_force.rules, "service.web.allow", &ruleset::Rule::id);
    }
};

TEST(confirm, what_nobody_confirms_goes_and_what_was_committed_comes_back) {
    const auto applied = service->apply(kInterfaces, kAdmin, {.confirm_minutes = 2});
    CHECK(applied.has_value());
    STRCMP_CONTAINS("comes back in 2 minutes", applied->report.c_str());
    CHECK(service->source() == PolicySource::unconfirmed);
    CHECK(service->confirm_until() == Time{clock.wall.microseconds + 120'000'000});
    CHECK_FALSE(has_service());
    STRCMP_CONTAINS("203.0.113.0/28", store.files["config/committed.conf"].c_str());
    loop.advance(119'000, clock);
    CHECK_FALSE(has_service());
    loop.advance(1'000, clock);
    CHECK(has_service());
    CHECK(service->source() == PolicySource::committed);
    CHECK_FALSE(service->confirm_until().has_value());
    LONGS_EQUAL(1, files.count("apply-reverted"));
    CHECK_FALSE(service->confirm(kAdmin).has_value());
}

TEST(confirm, what_is_confirmed_is_committed_even_after_another_apply_was_refused) {
    CHECK(service->apply(kInterfaces, kAdmin, {.confirm_minutes = 2}).has_value());
    filter.refuse = 1;
    CHECK_FALSE(service->apply(with_service("address 203.0.113.16/28;"), kAdmin).has_value());
    CHECK(service->confirm(kAdmin).has_value());
    CHECK(service->source() == PolicySource::committed);
    STRCMP_CONTAINS(std::string(kInterfaces).c_str(), store.files["config/committed.conf"].c_str());
    loop.advance(600'000, clock);
    CHECK_FALSE(has_service());
    LONGS_EQUAL(1, files.count("apply-confirmed"));
    LONGS_EQUAL(0, files.count("apply-reverted"));
}

TEST(confirm, what_can_not_be_stored_is_not_confirmed) {
    CHECK(service->apply(kInterfaces, kAdmin, {.confirm_minutes = 2}).has_value());
    store.full = true;
    CHECK_FALSE(service->confirm(kAdmin).has_value());
    store.full = false;
    loop.advance(120'000, clock);
    CHECK(has_service());
}

TEST(confirm, a_daemon_that_starts_anew_has_what_was_committed) {
    CHECK(service->apply(kInterfaces, kAdmin, {.confirm_minutes = 2}).has_value());
    start();
    CHECK(has_service());
    LONGS_EQUAL(1, files.count("apply-reverted"));
    start();
    LONGS_EQUAL(1, files.count("apply-reverted"));
}

TEST(confirm, another_apply_ends_the_waiting) {
    CHECK(service->apply(kInterfaces, kAdmin, {.confirm_minutes = 2}).has_value());
    CHECK(service->apply(with_service("address 203.0.113.0/28;"), kAdmin).has_value());
    CHECK(service->source() == PolicySource::committed);
    loop.advance(600'000, clock);
    CHECK(has_service());
    LONGS_EQUAL(0, files.count("apply-reverted"));
}

TEST(confirm, the_guard_refuses_what_is_not_to_be_confirmed) {
    service->guard_with([](const services::Actor& actor, const model::Model& wanted, const ruleset::Ruleset& rules) {
        CHECK(!rules.rules.empty() && wanted.interfaces.size() == 2);
        return actor.origin == "local" ? "" : std::string("cut off\n");
    });
    const services::Actor afar{"admin", "ssh 10.0.1.5 port 40000"};
    const auto refused = service->apply(kInterfaces, afar);
    CHECK(!refused && refused.error() == "cut off\n");
    CHECK(has_service());
    LONGS_EQUAL(1, files.count("\"lockout\""));
    CHECK(service->apply(kInterfaces, afar, {.confirm_minutes = 2}).has_value());
    CHECK(service->apply(kInterfaces, kAdmin).has_value());
}

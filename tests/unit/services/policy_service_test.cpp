// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/policy_service.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::PolicySource;

namespace {

constexpr std::string_view kInterfaces = R"(system { host-name clinic; time-zone Asia/Tokyo; }
interfaces {
    interface wan0 { dhcp; }
    bridge br-clinic { port lan1; address 10.0.1.1/24; }
}
zones { wan { interface wan0; } clinic { interface br-clinic; } }
)";

std::string with_service(std::string_view list) {
    return text::concat(
        kInterfaces, "address-list vendor { ", list,
        " }\nservice web { protocol tcp; port 8443; forward-to 10.0.1.20; source { address-list vendor; } }\n");
}

const services::Actor kAdmin{"admin", "local"};

} // namespace

TEST_GROUP(policy_service) {
    fakes::FakeClock clock;
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeStore run_store;
    fakes::FakeLogFiles files;
    fakes::FakeFilter filter;
    fakes::FakeNetwork network;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    std::unique_ptr<services::PolicyService> service;

    void start() {
        service = std::make_unique<services::PolicyService>(
            services::PolicyService::Ports{filter, network, store, run_store, loop, clock}, keeper, log,
            std::string(kInterfaces));
        service->start();
    }
    void commit(std::string_view text) {
        services::ConfigurationStore configurations(store);
        CHECK(configurations.prepare(text).has_value());
        CHECK(configurations.commit().has_value());
    }
    bool has_rule(std::string_view id) {
        return std::ranges::any_of(filter.in_force.rules, [&](const ruleset::Rule& rule) { return rule.id == id; });
    }
    /// To the first minutes of 2026-11-20 in Japan, without all the timers in between.
    void pass_the_expiry() {
        clock.wall = Time::from_seconds(1'795'100'340); // 23:59 of the 19th
        loop.advance(120'000, clock);
    }
    std::size_t elements() {
        std::size_t count = 0;
        for (const auto& set : filter.in_force.sets) {
            count += set.elements.size();
        }
        return count;
    }
};

TEST(policy_service, a_never_configured_device_gets_the_default) {
    store.files["state/factory"] = "";
    start();
    CHECK(service->source() == PolicySource::factory_default);
    CHECK(network.forwarding);
}

TEST(policy_service, without_anything_to_start_from_everything_is_closed_and_it_says_why) {
    start();
    CHECK(service->source() == PolicySource::none);
    CHECK_FALSE(network.forwarding);
    CHECK(filter.loaded);
    CHECK_FALSE(has_rule("zone.clinic.deny"));
    CHECK(service->why().contains("everything but the serial console is closed"));
    CHECK(files.count("everything but the serial console is closed") == 1);
}

TEST(policy_service, a_damaged_configuration_starts_the_last_good_one_even_where_the_factory_mark_is_left) {
    commit(with_service("address 203.0.113.0/28;"));
    commit(kInterfaces);
    store.files["config/committed.conf"] += "x";
    store.files["state/factory"] = "";
    start();
    CHECK(service->source() == PolicySource::last_good);
    CHECK(has_rule("service.web.allow"));
}

TEST(policy_service, a_damaged_configuration_without_a_last_good_one_never_starts_the_default) {
    commit(kInterfaces);
    store.files["config/committed.conf"] += "x";
    start();
    CHECK(service->source() == PolicySource::none);
    CHECK_FALSE(network.forwarding);
}

TEST(policy_service, a_configuration_that_is_no_longer_accepted_starts_the_last_good_one) {
    commit(kInterfaces);
    commit("frobnicate { }\n");
    start();
    CHECK(service->source() == PolicySource::last_good);
    CHECK(service->why().contains("not accepted"));
}

TEST(policy_service, a_restart_leaves_the_policy_in_the_kernel_until_the_switch) {
    commit(kInterfaces);
    filter.loaded = true;
    start();
    LONGS_EQUAL(1, filter.applies); // no closed ruleset in between
}

TEST(policy_service, an_apply_is_in_force_committed_and_recorded) {
    start();
    const auto outcome = service->apply(with_service("address 203.0.113.0/28;"), kAdmin);
    CHECK(outcome.has_value());
    CHECK(has_rule("service.web.allow"));
    CHECK(store.files["config/committed.conf"].contains("service web"));
    CHECK(files.count("+ set service web") == 1);
    CHECK(files.count("\"name\":\"admin\"") == 1);
    CHECK(service->configuration()->digest.size() == 64);
}

TEST(policy_service, an_apply_with_errors_changes_nothing) {
    commit(kInterfaces);
    start();
    const int applies = filter.applies;
    const auto before = store.files;
    const auto outcome = service->apply("zones { wan { interfce wan0; } }", kAdmin);
    CHECK_FALSE(outcome.has_value());
    CHECK(outcome.error().contains("interface"));
    LONGS_EQUAL(applies, filter.applies);
    CHECK(before == store.files);
    CHECK(files.count("\"outcome\":\"failure\"") == 1);
}

TEST(policy_service, a_kernel_that_refuses_leaves_the_former_policy_and_configuration) {
    commit(kInterfaces);
    start();
    filter.refuse = 1;
    const auto before = store.files["config/committed.conf"];
    const auto outcome = service->apply(with_service("address 203.0.113.0/28;"), kAdmin);
    CHECK_FALSE(outcome.has_value());
    CHECK(outcome.error().contains("no buffer space"));
    CHECK_FALSE(has_rule("service.web.allow"));
    CHECK(before == store.files["config/committed.conf"]);
    CHECK_FALSE(store.exists("config/prepared.conf"));
}

TEST(policy_service, a_network_that_refuses_brings_the_former_policy_back) {
    commit(kInterfaces);
    start();
    network.refuse = 1;
    CHECK_FALSE(service->apply(with_service("address 203.0.113.0/28;"), kAdmin).has_value());
    CHECK_FALSE(has_rule("service.web.allow"));
    CHECK(has_rule("zone.clinic.deny"));
}

TEST(policy_service, a_full_data_partition_refuses_before_the_kernel_is_touched) {
    commit(kInterfaces);
    start();
    const int applies = filter.applies;
    store.full = true;
    const auto outcome = service->apply(with_service("address 203.0.113.0/28;"), kAdmin);
    CHECK_FALSE(outcome.has_value());
    CHECK(outcome.error().contains("no space left"));
    LONGS_EQUAL(applies, filter.applies);
}

TEST(policy_service, a_commit_that_fails_brings_the_former_policy_back) {
    commit(kInterfaces);
    start();
    store.refuse_renames_to = "config/committed.conf";
    const auto outcome = service->apply(with_service("address 203.0.113.0/28;"), kAdmin);
    CHECK_FALSE(outcome.has_value());
    CHECK(outcome.error().contains("the former policy is in force again"));
    CHECK_FALSE(has_rule("service.web.allow"));
}

TEST(policy_service, an_entry_expires_at_its_time_without_an_apply_and_is_recorded) {
    commit(with_service("address 203.0.113.0/28; address 198.51.100.7 { expires 2026-11-19; }"));
    start();
    LONGS_EQUAL(2, elements());
    pass_the_expiry();
    LONGS_EQUAL(1, elements());
    LONGS_EQUAL(1, files.count("entry-expired"));
    CHECK(store.exists("state/last-time"));
}

TEST(policy_service, what_expired_stays_closed_when_the_clock_steps_back) {
    commit(with_service("address 203.0.113.0/28; address 198.51.100.7 { expires 2026-11-19; }"));
    start();
    pass_the_expiry();
    clock.wall.microseconds -= 365ll * 86'400 * 1'000'000;
    loop.advance(60'000, clock);
    LONGS_EQUAL(1, elements());
    // A reboot in the past: all that is left is what the data partition holds.
    clock.monotonic = 1;
    services::Timekeeper rebooted_keeper(clock, store, Time{});
    CHECK(rebooted_keeper.load().has_value());
    services::PolicyService rebooted({filter, network, store, run_store, loop, clock}, rebooted_keeper, log, "");
    rebooted.start();
    LONGS_EQUAL(1, elements());
}

TEST(policy_service, an_unsynchronised_clock_closes_what_could_have_expired_until_it_is_synchronised) {
    clock.is_synchronised = false;
    commit(with_service("address 203.0.113.0/28; address 198.51.100.7 { expires 2027-11-19; }"));
    start();
    LONGS_EQUAL(1, elements());
    clock.is_synchronised = true;
    loop.advance(15'000, clock);
    LONGS_EQUAL(2, elements());
    LONGS_EQUAL(1, files.count("\"clock-synchronised\""));
    LONGS_EQUAL(0, files.count("entry-expired"));
}

TEST(policy_service, a_lease_is_taken_kept_over_a_restart_and_given_up) {
    commit(kInterfaces);
    start();
    const std::vector<std::string> bound{
        "bound", "interface=wan0", "ip=192.168.7.20", "mask=255.255.255.0", "router=192.168.7.1", "dns=192.168.7.1"};
    CHECK(service->lease_event(bound).has_value());
    LONGS_EQUAL(1, network.in_force.leases.size());
    start();
    LONGS_EQUAL(1, network.in_force.leases.size());
    // The restarted client says "deconfig" before it asks: the address stays until no server answers.
    CHECK(service->lease_event(std::vector<std::string>{"deconfig", "interface=wan0"}).has_value());
    LONGS_EQUAL(1, network.in_force.leases.size());
    CHECK(service->lease_event(std::vector<std::string>{"leasefail", "interface=wan0"}).has_value());
    LONGS_EQUAL(0, network.in_force.leases.size());
}

TEST(policy_service, a_lease_that_overlaps_an_inside_network_is_refused_with_an_event_naming_both) {
    commit(kInterfaces);
    start();
    const std::vector<std::string> bound{"bound", "interface=wan0", "ip=10.0.1.50", "mask=255.255.255.0",
                                         "router=10.0.1.254"};
    CHECK_FALSE(service->lease_event(bound).has_value());
    LONGS_EQUAL(0, network.in_force.leases.size());
    LONGS_EQUAL(1, files.count("the offered network 10.0.1.0/24 overlaps the inside network 10.0.1.0/24"));
}

TEST(policy_service, an_apply_that_makes_a_lease_overlap_gives_the_lease_up) {
    commit(kInterfaces);
    start();
    CHECK(service
              ->lease_event(std::vector<std::string>{"bound", "interface=wan0", "ip=10.9.0.5", "mask=255.255.255.0",
                                                     "router=10.9.0.1"})
              .has_value());
    std::string moved(kInterfaces);
    moved.replace(moved.find("10.0.1.1/24"), 11, "10.9.0.1/16");
    CHECK(service->apply(moved, kAdmin).has_value());
    LONGS_EQUAL(0, network.in_force.leases.size());
    LONGS_EQUAL(1, files.count("lease-refused"));
}

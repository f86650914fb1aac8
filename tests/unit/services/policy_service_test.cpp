// SPDX-License-Identifier: GPL-2.0-or-later
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
    fakes::FakeGeoDatabases databases{store.files};
    services::Countries countries{{databases, store, loop}, keeper, log};
    std::unique_ptr<services::PolicyService> service;
    bool no_password = false;

    bool is_planned(std::string_view interface) {
        return std::ranges::contains(network.in_force.interfaces, interface, &model::Interface::name);
    }
    void start(std::function<void(const ruleset::Ruleset&)> after_switch = [](const ruleset::Ruleset&) {}) {
        service = std::make_unique<services::PolicyService>(
            services::PolicyService::Ports{filter, network, store, run_store, loop, clock}, keeper, log, countries,
            std::string(kInterfaces));
        service->after_switch(std::move(after_switch));
        if (no_password) {
            service->hold_wan();
        }
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
    /// Takes a lease, and gives a configuration with whose inside network it overlaps.
    std::string overlapping_lease_taken() {
        CHECK(service
                  ->lease_event(std::vector<std::string>{"bound", "interface=wan0", "ip=10.9.0.5", "mask=255.255.255.0",
                                                         "router=10.9.0.1"})
                  .has_value());
        std::string moved(kInterfaces);
        moved.replace(moved.find("10.0.1.1/24"), 11, "10.9.0.1/16");
        return moved;
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
    store.files["config/committed-copy.conf"] += "x";
    store.files["state/factory"] = "";
    start();
    CHECK(service->source() == PolicySource::last_good);
    CHECK(has_rule("service.web.allow"));
    CHECK_FALSE(store.exists("state/factory"));
}

TEST(policy_service, a_damaged_configuration_starts_its_copy_and_says_so) {
    commit(with_service("address 203.0.113.0/28;"));
    commit(kInterfaces);
    store.files["config/committed.conf"] += "x";
    start();
    CHECK(service->source() == PolicySource::committed);
    CHECK_FALSE(has_rule("service.web.allow")); // what the last commit revoked stays revoked
    CHECK(service->why().contains("config/committed.conf: is damaged"));
    CHECK(service->why().contains("its copy is in force"));
    LONGS_EQUAL(1, files.count("its copy is in force"));
}

TEST(policy_service, a_start_makes_a_missing_copy_anew) {
    commit(kInterfaces);
    store.files.erase("config/committed-copy.conf");
    start();
    CHECK(service->why().empty());
    CHECK(store.files["config/committed.conf"] == store.files["config/committed-copy.conf"]);
}

TEST(policy_service, a_commit_without_copy_and_with_the_factory_mark_left_is_applied_and_recorded) {
    store.files["state/factory"] = "";
    start();
    store.refuse_writes_to = "config/committed-copy.conf";
    store.refuse_removal_of = "state/factory";
    CHECK(service->apply(with_service("address 203.0.113.0/28;"), kAdmin).has_value());
    CHECK(service->source() == PolicySource::committed);
    LONGS_EQUAL(2, files.count("\"action\":\"commit\""));
}

TEST(policy_service, an_interface_that_fails_at_start_closes_nothing_and_is_tried_again) {
    commit(with_service("address 203.0.113.0/28;"));
    network.broken = "br-clinic";
    start();
    CHECK(service->source() == PolicySource::committed);
    CHECK(has_rule("service.web.allow"));
    CHECK(network.forwarding);
    loop.advance(30'000, clock);
    LONGS_EQUAL(1, files.count("br-clinic: input/output error")); // told once
    network.broken.reset();
    loop.advance(10'000, clock);
    LONGS_EQUAL(2, network.in_force.interfaces.size());
    LONGS_EQUAL(1, files.count("the interfaces are as configured again"));
}

TEST(policy_service, a_packet_filter_that_refuses_at_start_is_tried_again) {
    commit(with_service("address 203.0.113.0/28;"));
    filter.refuse = 3;
    start();
    CHECK(service->source() == PolicySource::none);
    CHECK(service->why().contains("no buffer space"));
    filter.refuse = 6; // two more attempts
    loop.advance(20'000, clock);
    CHECK(service->source() == PolicySource::none);
    const auto told = files.count("could not be put in force");
    loop.advance(10'000, clock);
    CHECK(service->source() == PolicySource::committed);
    CHECK(has_rule("service.web.allow"));
    CHECK(network.forwarding);
    LONGS_EQUAL(told, files.count("could not be put in force"));
    LONGS_EQUAL(1, files.count("the committed configuration is in force"));
}

TEST(policy_service, a_configuration_that_is_not_accepted_is_not_tried_again) {
    commit("frobnicate { }\n");
    start();
    const int applies = filter.applies;
    loop.advance(60'000, clock);
    LONGS_EQUAL(applies, filter.applies);
}

TEST(policy_service, a_damaged_configuration_without_a_last_good_one_never_starts_the_default) {
    commit(kInterfaces);
    store.files["config/committed.conf"] += "x";
    store.files["config/committed-copy.conf"] += "x";
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
    const auto outcome = service->apply(with_service("address 203.0.113.0/28;"), kAdmin);
    CHECK_FALSE(outcome.has_value());
    CHECK(outcome.error().contains("the former policy is in force again, unchanged"));
    CHECK_FALSE(has_rule("service.web.allow"));
    CHECK(has_rule("zone.clinic.deny"));
    LONGS_EQUAL(0, files.count("\"action\":\"restore\""));
}

TEST(policy_service, a_network_that_refuses_the_way_back_too_is_told_and_tried_again) {
    commit(kInterfaces);
    start();
    network.in_force = {};
    network.refuse = 3;
    const auto outcome = service->apply(with_service("address 203.0.113.0/28;"), kAdmin);
    CHECK_FALSE(outcome.has_value());
    CHECK(outcome.error().contains("interfaces could not be restored and are tried again"));
    CHECK_FALSE(outcome.error().contains("unchanged"));
    LONGS_EQUAL(1, files.count("\"action\":\"restore\""));
    loop.advance(10'000, clock); // refused once more
    LONGS_EQUAL(0, network.in_force.interfaces.size());
    loop.advance(10'000, clock);
    LONGS_EQUAL(2, network.in_force.interfaces.size());
}

TEST(policy_service, a_packet_filter_that_refuses_the_way_back_is_told_and_tried_again) {
    commit(kInterfaces);
    start();
    network.refuse = 1;
    filter.skip = 1;
    filter.refuse = 1;
    const auto outcome = service->apply(with_service("address 203.0.113.0/28;"), kAdmin);
    CHECK_FALSE(outcome.has_value());
    CHECK(outcome.error().contains("the former policy could not be restored and is tried again"));
    CHECK(has_rule("service.web.allow"));
    LONGS_EQUAL(1, files.count("\"action\":\"restore\""));
    loop.advance(10'000, clock);
    CHECK_FALSE(has_rule("service.web.allow"));
}

TEST(policy_service, an_address_that_another_host_has_is_recorded_once) {
    commit(kInterfaces);
    start();
    network.absent = {"interface br-clinic: another host has the address 10.0.1.1; it is tried again"};
    service->configure_network();
    service->configure_network();
    LONGS_EQUAL(1, files.count("another host has the address"));
}

TEST(policy_service, what_must_be_stored_before_a_commit_refuses_it) {
    commit(kInterfaces);
    start();
    const int before = filter.applies;
    bool stored = false;
    service->before_commit([&]() -> Result<void> {
        return stored ? Result<void>{} : std::unexpected(Error(Domain::account, "credentials", "no space left"));
    });
    const auto refused = service->apply(with_service("address 203.0.113.0/28;"), kAdmin);
    CHECK_FALSE(refused.has_value());
    CHECK(refused.error().contains("no space left"));
    LONGS_EQUAL(before, filter.applies);
    stored = true;
    CHECK(service->apply(with_service("address 203.0.113.0/28;"), kAdmin).has_value());
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
    services::PolicyService rebooted({filter, network, store, run_store, loop, clock}, rebooted_keeper, log, countries,
                                     "");
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
    const std::string moved = overlapping_lease_taken();
    CHECK(service->apply(moved, kAdmin).has_value());
    LONGS_EQUAL(0, network.in_force.leases.size());
    LONGS_EQUAL(1, files.count("lease-refused"));
}

TEST(policy_service, a_lease_that_the_kernel_refuses_is_given_up_and_not_kept) {
    commit(kInterfaces);
    start();
    network.refused_gateway = "192.168.7.1";
    const std::vector<std::string> bound{"bound", "interface=wan0", "ip=192.168.7.20", "mask=255.255.255.0",
                                         "router=192.168.7.1"};
    CHECK_FALSE(service->lease_event(bound).has_value());
    LONGS_EQUAL(0, network.in_force.leases.size());
    LONGS_EQUAL(2, network.in_force.interfaces.size());
    LONGS_EQUAL(1, files.count("lease-refused"));
    LONGS_EQUAL(0, files.count("lease-taken"));
    CHECK_FALSE(run_store.files["leases"].contains("wan0"));
    CHECK(service->apply(with_service("address 203.0.113.0/28;"), kAdmin).has_value());
}

TEST(policy_service, a_kept_lease_that_the_kernel_refuses_fails_no_start_and_no_apply) {
    commit(kInterfaces);
    const std::string kept = "bound\tinterface=wan0\tip=192.168.7.20\tmask=255.255.255.0\trouter=192.168.7.1\n";
    run_store.files["leases"] = kept;
    start();
    LONGS_EQUAL(1, network.in_force.leases.size());
    network.refused_gateway = "192.168.7.1";
    CHECK(service->apply(with_service("address 203.0.113.0/28;"), kAdmin).has_value());
    LONGS_EQUAL(0, network.in_force.leases.size());
    LONGS_EQUAL(1, files.count("lease-refused"));
    run_store.files["leases"] = kept;
    start();
    CHECK(service->source() == PolicySource::committed);
    CHECK(network.forwarding);
    LONGS_EQUAL(2, files.count("lease-refused"));
    CHECK_FALSE(run_store.files["leases"].contains("wan0"));
}

TEST(policy_service, an_interface_that_fails_does_not_cost_its_lease) {
    commit(kInterfaces);
    start();
    network.broken = "wan0";
    const std::vector<std::string> bound{"bound", "interface=wan0", "ip=192.168.7.20", "mask=255.255.255.0",
                                         "router=192.168.7.1"};
    CHECK(service->lease_event(bound).has_value());
    LONGS_EQUAL(0, files.count("lease-refused"));
    CHECK_FALSE(run_store.exists("leases"));
    network.broken.reset();
    loop.advance(10'000, clock);
    LONGS_EQUAL(1, network.in_force.leases.size());
    CHECK(run_store.files["leases"].contains("wan0"));
}

TEST(policy_service, a_refused_apply_leaves_the_lease_and_no_word_of_refusing_it) {
    commit(kInterfaces);
    start();
    const std::string moved = overlapping_lease_taken();
    network.refuse = 1;
    CHECK_FALSE(service->apply(moved, kAdmin).has_value());
    store.refuse_renames_to = "config/committed.conf";
    CHECK_FALSE(service->apply(moved, kAdmin).has_value());
    LONGS_EQUAL(1, network.in_force.leases.size());
    LONGS_EQUAL(0, files.count("lease-refused"));
}

TEST(policy_service, counters_are_read_before_an_apply_switches_rules) {
    commit(kInterfaces);
    start();
    int applies_then = -1;
    service->before_switch([&] { applies_then = filter.applies; });
    const int before = filter.applies;
    CHECK(service->apply(with_service("address 203.0.113.0/28;"), kAdmin).has_value());
    LONGS_EQUAL(before, applies_then);
    CHECK(filter.applies > before);
}

TEST(policy_service, every_switch_that_lasts_is_told_with_the_ruleset_in_force_and_no_other) {
    commit(with_service("address 203.0.113.0/28; address 198.51.100.7 { expires 2026-11-19; }"));
    int told = 0;
    start([&told](const ruleset::Ruleset&) { ++told; });
    LONGS_EQUAL(1, told);
    CHECK(service->apply(with_service("address 203.0.113.1; address 198.51.100.7 { expires 2026-11-19; }"), kAdmin)
              .has_value());
    LONGS_EQUAL(2, told);
    network.refuse = 1;
    CHECK_FALSE(service->apply(kInterfaces, kAdmin).has_value());
    LONGS_EQUAL(2, told);
    service->after_switch([this, &told](const ruleset::Ruleset& rules) {
        ++told;
        POINTERS_EQUAL(&service->ruleset(), &rules);
        LONGS_EQUAL(filter.in_force.sets.size(), rules.sets.size());
    });
    pass_the_expiry();
    LONGS_EQUAL(3, told);
}

TEST(policy_service, a_clock_that_is_behind_the_recorded_time_is_told_once_and_not_vouched_for) {
    commit(kInterfaces);
    start();
    clock.wall.microseconds -= 86'400ll * 1'000'000;
    loop.advance(60'000, clock);
    LONGS_EQUAL(1, files.count("clock-behind"));
    CHECK(files.lines.front().back().contains("\"synchronised\":false"));
    clock.wall.microseconds += 2 * 86'400ll * 1'000'000;
    loop.advance(60'000, clock);
    LONGS_EQUAL(1, files.count("clock-caught-up"));
}

TEST(policy_service, a_router_without_a_password_holds_its_wan_down_and_the_rest_works) {
    store.files["state/factory"] = "";
    no_password = true;
    start();
    CHECK(service->source() == PolicySource::factory_default);
    CHECK_TRUE(service->is_wan_held());
    CHECK_FALSE(is_planned("wan0"));
    CHECK_TRUE(is_planned("br-clinic"));
    CHECK_TRUE(network.forwarding);
    LONGS_EQUAL(1, files.count("wan-held"));
    // nothing brings it up: no lease, no change of links, no other configuration
    CHECK_FALSE(
        service
            ->lease_event(std::vector<std::string>{"bound", "interface=wan0", "ip=198.51.100.9", "mask=255.255.255.0"})
            .has_value());
    service->configure_network();
    CHECK_FALSE(is_planned("wan0"));
    CHECK(service->apply(with_service("address 203.0.113.0/28;"), kAdmin).has_value());
    CHECK_FALSE(is_planned("wan0"));
    CHECK_TRUE(network.in_force.leases.empty());
}

TEST(policy_service, apply_warns_of_what_could_not_follow) {
    start();
    service->on_change([](const model::Model&) { return std::vector<std::string>{"SSH: the keys can't be written"}; });
    const auto applied = service->apply(with_service("address 203.0.113.0/28;"), kAdmin);
    CHECK(applied && applied->report.starts_with("Applied: "));
    CHECK_TEXT(applied->warnings.contains("warning: SSH: the keys can't be written\n"), applied->warnings.c_str());
}

TEST(policy_service, the_first_password_brings_the_wan_up_once) {
    store.files["state/factory"] = "";
    no_password = true;
    start();
    int changes = 0;
    service->on_change([&](const model::Model&) {
        ++changes;
        return std::vector<std::string>{};
    });
    service->release_wan();
    CHECK_FALSE(service->is_wan_held());
    CHECK_TRUE(is_planned("wan0"));
    LONGS_EQUAL(1, changes);
    service->release_wan();
    LONGS_EQUAL(1, changes);
    LONGS_EQUAL(1, files.count("wan-released"));
    CHECK(
        service
            ->lease_event(std::vector<std::string>{"bound", "interface=wan0", "ip=198.51.100.9", "mask=255.255.255.0"})
            .has_value());
    LONGS_EQUAL(1, network.in_force.leases.size());
}

TEST(policy_service, a_wan_that_fails_when_it_is_released_is_tried_again) {
    store.files["state/factory"] = "";
    no_password = true;
    start();
    network.broken = "wan0";
    service->release_wan();
    LONGS_EQUAL(1, files.count("tried again"));
    network.broken.reset();
    loop.advance(10'000, clock);
    CHECK_TRUE(is_planned("wan0"));
}

TEST(policy_service, a_lease_of_an_earlier_process_does_not_bring_a_held_wan_up) {
    run_store.files["leases"] = "bound\tinterface=wan0\tip=198.51.100.9\tmask=255.255.255.0\n";
    store.files["state/factory"] = "";
    no_password = true;
    start();
    CHECK_FALSE(is_planned("wan0"));
    CHECK_TRUE(network.in_force.leases.empty());
}

TEST(policy_service, a_held_wan_without_a_configuration_is_released_too) {
    no_password = true;
    start();
    service->release_wan();
    CHECK(service->apply(kInterfaces, kAdmin).has_value());
    CHECK_TRUE(is_planned("wan0"));
}

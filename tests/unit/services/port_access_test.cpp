// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/access_sessions.hpp"
#include "firmware/services/port_access.hpp"
#include "policy/ruleset/mark.hpp"
#include "tests/unit/fakes/authenticators.hpp"
#include "tests/unit/fakes/fakes.hpp"
#include "tests/unit/fakes/stations.hpp"

#include <memory>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using access::Station;

namespace {

const MacAddress kDesk = MacAddress::parse("00:16:3e:00:00:50").value();
const MacAddress kStranger = MacAddress::parse("00:16:3e:00:00:99").value();
const MacAddress kBridge = MacAddress::parse("02:00:00:00:00:01").value();

model::Model clinic() {
    model::Model model;
    model::Interface bridge;
    bridge.name = "br-clinic";
    bridge.is_bridge = true;
    bridge.ports = {"lan1", "lan2", "lan3"};
    model.interfaces.push_back(bridge);
    for (const char* name : {"lan1", "lan2"}) {
        model::AccessPort port;
        port.name = name;
        port.mode = model::AccessMode::mab;
        port.role = "office";
        model.access.ports.push_back(port);
    }
    model.access.roles.push_back(
        {.name = "office", .place = {}, .description = {}, .destination_lists = {}, .critical = false});
    model::Device desk;
    desk.mac = kDesk;
    desk.name = "desk";
    model.access.devices.push_back(desk);
    return model;
}

} // namespace

TEST_GROUP(port_access_service) {
    fakes::FakeClock clock;
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeStore run_store;
    fakes::FakeLogFiles files;
    fakes::FakePacketLog frames;
    fakes::FakeStationTable table;
    fakes::FakeStationFilter filter;
    fakes::FakeAuthenticators authenticators;
    fakes::FakeRadiusServers radius;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    std::unique_ptr<services::PortAccess> service;
    const Station desk{"lan2", kDesk};

    void setup() override {
        for (const char* name : {"lan1", "lan2", "lan3"}) {
            table.there.push_back({name, true, {}});
        }
        table.there.push_back({"br-clinic", true, {kBridge}});
        begin();
    }

    void begin() {
        service = std::make_unique<services::PortAccess>(
            services::PortAccess::Ports{table, filter, frames, authenticators, radius, loop, clock, run_store}, keeper,
            log);
        CHECK(service->start().has_value());
    }

    void follow(const model::Model& model = clinic()) {
        CHECK(service->follow(model).has_value());
    }

    void seen(const MacAddress& mac, const char* port = "lan2", std::string_view prefix = ruleset::kStrangerPrefix) {
        events::LogRecord record;
        record.prefix = prefix;
        record.ingress_interface = port;
        record.source_mac = mac;
        frames.on_record(record);
    }
};

TEST(port_access_service, every_port_of_a_guarded_bridge_is_guarded_and_the_judged_ones_are_locked) {
    const auto guarded = ruleset::station_filter_of(clinic());
    CHECK(guarded.locked == (std::vector<std::string>{"lan1", "lan2"}));
    CHECK(guarded.open == std::vector<std::string>{"lan3"});
    model::Model without = clinic();
    without.access.ports.clear();
    CHECK(ruleset::station_filter_of(without).open.empty());
}

TEST(port_access_service, the_filter_is_on_the_ports_that_are_there) {
    table.there.erase(table.there.begin());
    follow();
    CHECK(filter.in_force.locked == std::vector<std::string>{"lan2"});
    CHECK(filter.in_force.open == std::vector<std::string>{"lan3"});
    CHECK(filter.in_force.known == std::vector<MacAddress>{kDesk});
    table.there.push_back({"lan1", true, {}});
    service->check_links();
    CHECK(filter.in_force.locked == (std::vector<std::string>{"lan1", "lan2"}));
    LONGS_EQUAL(2, filter.installs);
    service->check_links();
    LONGS_EQUAL(2, filter.installs);
}

TEST(port_access_service, a_registered_device_is_let_in_in_both_layers) {
    follow();
    seen(kDesk);
    CHECK(table.leases.contains(desk));
    LONGS_EQUAL(ruleset::role_numbers(std::vector<std::string>{"office"}).at("office"), filter.roles.at(desk));
    CHECK(table.flooding.at("lan2"));
    const std::string line = files.all_lines().back();
    for (const char* part : {R"("access-granted")", R"("reason":"registered")", R"("mac":"00:16:3e:00:00:50")",
                             R"("device":"desk")", R"("method":"mab")", R"("role":"office")"}) {
        STRCMP_CONTAINS(part, line.c_str());
    }
}

TEST(port_access_service, others_are_told_of_and_nothing_is_written) {
    follow();
    seen(kStranger);
    seen(kBridge);
    seen(kDesk, "lan2", ruleset::kTaggedPrefix);
    CHECK(table.leases.empty() && filter.roles.empty());
    LONGS_EQUAL(1, files.count(R"("reason":"not-registered")"));
    LONGS_EQUAL(1, files.count(R"("reason":"own-address")"));
    LONGS_EQUAL(1, files.count(R"("reason":"vlan-tagged")"));
}

TEST(port_access_service, the_bridge_lets_nothing_in_that_has_no_role) {
    follow();
    filter.refuse = true;
    seen(kDesk);
    CHECK(table.leases.empty());
    LONGS_EQUAL(1, files.count("can't be let in"));
}

TEST(port_access_service, a_lost_link_ends_everything_on_the_port) {
    follow();
    seen(kDesk);
    table.on_event({"lan2", true, true});
    CHECK(table.leases.empty() && filter.roles.empty());
    CHECK_FALSE(table.flooding.at("lan2") || filter.lively.contains("lan2"));
    LONGS_EQUAL(1, files.count(R"("reason":"link-lost")"));
}

TEST(port_access_service, leases_are_renewed_and_one_that_is_gone_is_a_lost_link) {
    follow();
    seen(kDesk);
    const int before = table.renewals;
    loop.advance(40'000, clock);
    LONGS_EQUAL(before + 2, table.renewals);
    LONGS_EQUAL(1, service->sessions().size());
    table.leases.clear(); // the kernel's doing
    loop.advance(20'000, clock);
    CHECK(service->sessions().empty() && filter.roles.empty());
}

TEST(port_access_service, a_new_process_takes_over_what_has_a_lease) {
    follow();
    seen(kDesk);
    const Station nobodys{"lan1", kStranger};
    table.leases.insert(nobodys);
    filter.roles.clear();
    loop.advance(100, clock);
    begin();
    follow();
    LONGS_EQUAL(1, service->sessions().size());
    CHECK(table.leases.contains(desk) && filter.roles.contains(desk));
    CHECK_FALSE(table.leases.contains(nobodys));
    LONGS_EQUAL(1, files.count(R"("access-granted")"));
}

TEST(port_access_service, a_new_process_takes_over_nothing_whose_lease_is_gone) {
    follow();
    seen(kDesk);
    loop.advance(100, clock);
    table.leases.clear();
    begin();
    follow();
    CHECK(service->sessions().empty());
}

TEST(port_access_service, an_entry_that_goes_ends_its_session) {
    follow();
    seen(kDesk);
    model::Model without = clinic();
    without.access.devices.clear();
    follow(without);
    CHECK(table.leases.empty() && filter.roles.empty());
    LONGS_EQUAL(1, files.count(R"("reason":"configuration")"));
}

TEST(port_access_service, an_address_that_becomes_the_routers_own_is_no_devices_any_more) {
    follow();
    seen(kDesk);
    table.there.push_back({"wan1", true, {kDesk}});
    service->check_links();
    CHECK(table.leases.empty());
    LONGS_EQUAL(1, files.count(R"("reason":"own-address")"));
}

TEST(port_access_service, entries_that_expire_wait_for_the_clock_and_end_with_their_day) {
    model::Model model = clinic();
    model.access.devices[0].expires = Time::from_seconds(clock.wall.seconds() + 100);
    clock.is_synchronised = false;
    follow(model);
    seen(kDesk);
    CHECK(table.leases.empty());
    LONGS_EQUAL(1, files.count(R"("reason":"entry-expired")"));
    clock.is_synchronised = true;
    service->check_clock();
    seen(kDesk);
    CHECK(table.leases.contains(desk));
    clock.wall.microseconds += 200'000'000; // a step
    service->check_clock();
    CHECK(table.leases.empty());
}

TEST(port_access_service, clear_ends_what_is_there) {
    follow();
    seen(kDesk);
    CHECK_FALSE(service->clear({"lan1", kDesk}));
    CHECK(service->clear(desk));
    CHECK(table.leases.empty());
}

TEST(port_access_service, who_is_silent_for_as_long_as_the_port_allows_goes) {
    model::Model model = clinic();
    model.access.ports[1].inactivity = 100;
    follow(model);
    seen(kDesk);
    for (int round = 0; round < 10; ++round) {
        filter.sent.insert(desk);
        loop.advance(20'000, clock);
    }
    LONGS_EQUAL(1, service->sessions().size());
    loop.advance(80'000, clock);
    LONGS_EQUAL(1, service->sessions().size());
    loop.advance(20'000, clock);
    CHECK(service->sessions().empty() && filter.roles.empty() && !filter.lively.contains("lan2"));
    LONGS_EQUAL(1, files.count(R"("reason":"inactive")"));
    seen(kDesk); // and comes again
    LONGS_EQUAL(1, service->sessions().size());
}

TEST(port_access_service, what_was_sent_before_a_lease_is_put_anew_counts) {
    model::Model model = clinic();
    model.access.ports[1].inactivity = 100;
    follow(model);
    seen(kDesk);
    loop.advance(95'000, clock);
    filter.sent.insert(desk);
    follow(model); // leases are put anew
    CHECK(filter.sent.empty());
    loop.advance(80'000, clock);
    LONGS_EQUAL(1, service->sessions().size());
}

TEST(port_access_service, nobody_goes_for_silence_that_is_not_known) {
    model::Model model = clinic();
    model.access.ports[1].inactivity = 60;
    follow(model);
    seen(kDesk);
    filter.refuse = true;
    loop.advance(200'000, clock);
    LONGS_EQUAL(0, files.count(R"("reason":"inactive")"));
    LONGS_EQUAL(1, service->sessions().size());
}

TEST(port_access_service, a_device_may_be_silent_where_its_entry_or_its_port_says_so) {
    model::Model model = clinic();
    model.access.ports[1].inactivity = 60;
    model.access.devices[0].never_inactive = true;
    follow(model);
    seen(kDesk);
    loop.advance(400'000, clock);
    LONGS_EQUAL(1, service->sessions().size());
    follow();
    loop.advance(400'000, clock);
    LONGS_EQUAL(1, service->sessions().size());
}

TEST(port_access_service, what_wakes_a_device_goes_out_to_its_port) {
    model::Model model = clinic();
    model.access.devices[0].is_woken = true;
    model.access.devices[0].port = "lan2";
    follow(model);
    CHECK(filter.in_force.woken == (std::vector<ruleset::Sleeper>{{"lan2", kDesk}}));
    CHECK(table.flooding.at("lan2"));
    CHECK(table.leases.empty() && filter.roles.empty() && filter.lively.empty());
    seen(kDesk);
    CHECK(service->clear(desk));
    CHECK(table.flooding.at("lan2"));
    CHECK_FALSE(filter.lively.contains("lan2"));
    follow();
    CHECK_FALSE(table.flooding.at("lan2"));
}

TEST(port_access_service, sessions_are_written_and_read_back) {
    access::Session session{.station = desk,
                            .method = access::Method::dot1x,
                            .role = "office",
                            .user = "tana\tka\n",
                            .since = clock.wall,
                            .proved = access::Ticks{5'000},
                            .lasts_until = access::Ticks{9'000},
                            .is_prolonged = true};
    access::Session other = session;
    other.method = access::Method::guest;
    other.user.clear();
    other.lasts_until.reset();
    other.is_prolonged = false;
    const std::string text = services::written_sessions({session, other});
    const auto read = services::read_sessions(text + "lan1\tdamaged\n" + text.substr(0, 20));
    LONGS_EQUAL(2, read.size());
    STRCMP_EQUAL("tana\tka\n", read[0].user.c_str());
    STRCMP_EQUAL(text.c_str(), services::written_sessions(read).c_str());
}

// ---- 802.1X

TEST(port_access_service, authenticators_of_ports_with_dot1x_are_followed) {
    model::Model model = clinic();
    model.access.ports[1].mode = model::AccessMode::dot1x_then_mab;
    follow(model);
    CHECK(authenticators.ports == std::vector<std::string>{"lan2"});
    seen(kStranger);
    CHECK(authenticators.said == std::vector<std::string>{"invite lan2 00:16:3e:00:00:99"});
}

TEST(port_access_service, success_lets_in_who_is_a_user) {
    model::Model model = clinic();
    model.access.ports[1].mode = model::AccessMode::dot1x;
    model.access.users.push_back(
        {.name = "tanaka", .place = {}, .role = {}, .expires = {}, .certificates = {}, .note = {}});
    follow(model);
    const Station station{"lan2", kStranger};
    radius.acceptances[station] = {.user = "tanaka", .valid_for = {}};
    authenticators.tell(access::Authenticated{station, {}, {}});
    CHECK(table.leases.contains(station));
    STRCMP_CONTAINS(R"("name":"tanaka")", files.all_lines().back().c_str());
    authenticators.tell(access::LoggedOff{station});
    CHECK_FALSE(table.leases.contains(station));
    radius.acceptances[station] = {.user = "*", .valid_for = {}};
    authenticators.tell(access::Authenticated{station, {}, {}});
    CHECK_FALSE(table.leases.contains(station));
    STRCMP_CONTAINS(R"("reason":"unknown-user")", files.all_lines().back().c_str());
}

TEST(port_access_service, a_success_without_a_servers_word_is_none) {
    model::Model model = clinic();
    model.access.ports[1].mode = model::AccessMode::dot1x;
    model.access.radius_servers.push_back({});
    follow(model);
    authenticators.tell(access::Authenticated{{"lan2", kStranger}, "tanaka", {}});
    CHECK_FALSE(table.leases.contains(Station{"lan2", kStranger}));
    CHECK(authenticators.said == std::vector<std::string>{"forget lan2 00:16:3e:00:00:99"});
}

TEST(port_access_service, a_radius_server_is_asked_for_addresses_that_are_not_registered) {
    model::Model model = clinic();
    model.access.radius_servers.push_back({});
    follow(model);
    seen(kStranger);
    CHECK(radius.asked == std::vector<std::string>{"lan2 00:16:3e:00:00:99"});
    radius.tell(access::MacJudged{.station = {"lan2", kStranger}, .accepted = true, .role = {}, .valid_for = {}});
    CHECK(table.leases.contains(Station{"lan2", kStranger}));
    radius.say("nps", "silent");
    STRCMP_CONTAINS(R"("reason":"silent")", files.all_lines().back().c_str());
}

TEST(port_access_service, flooding_of_locked_ports_follows_who_is_there) {
    using enum ports::StationTable::Flooding;
    table.there[1].flooding = none;
    table.there[2].flooding = all; // open: not compared here
    follow();
    const auto rows = service->compare_flooding().value();
    LONGS_EQUAL(1, rows.size());
    STRCMP_EQUAL("flooding of locked port lan2", rows[0].item.c_str());
    CHECK(rows[0].matches());
    seen(kDesk);
    CHECK_FALSE(service->compare_flooding().value()[0].matches());
    table.flooding.clear();
    CHECK(service->restore_flooding().has_value());
    CHECK(table.flooding.at("lan2"));
    LONGS_EQUAL(1, table.flooding.size());
}

TEST(port_access_service, a_restored_filter_has_its_leases_again) {
    follow();
    seen(kDesk);
    filter.found = {{"table", "active", "none"}};
    CHECK_FALSE(service->compare_filter().value()[0].matches());
    CHECK(service->restore_filter().has_value());
    CHECK(service->compare_filter().value()[0].matches());
    CHECK(filter.roles.contains(desk) && filter.lively.contains("lan2"));
}

TEST(port_access_service, a_port_that_is_opened_keeps_its_flooding_when_its_session_ends) {
    follow();
    seen(kDesk);
    model::Model opened = clinic();
    opened.access.ports[1].mode = model::AccessMode::open;
    follow(opened);
    CHECK(table.leases.empty());
    CHECK(table.flooding.at("lan2"));
}

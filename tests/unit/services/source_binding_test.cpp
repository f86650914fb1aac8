// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/dhcp_server.hpp"
#include "firmware/services/source_binding.hpp"
#include "tests/unit/fakes/fakes.hpp"
#include "tests/unit/fakes/stations.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::AddressLease;

namespace {

const AddressLease kDesk{MacAddress::parse("00:16:3e:00:00:50").value(), IpAddress::parse("10.0.1.150").value()};
const std::string kDeskLine = "1764129834 00:16:3e:00:00:50 10.0.1.150 * *\n";

model::Model clinic() {
    model::Model model;
    model::Interface bridge;
    bridge.name = "br-clinic";
    bridge.dhcp_server = model::DhcpServer{};
    model.interfaces = {bridge};
    model::AccessPort port;
    port.name = "lan1";
    model.access.ports = {port};
    model::Device desk;
    desk.mac = kDesk.mac;
    desk.name = "desk";
    model.access.devices = {desk};
    return model;
}

} // namespace

TEST_GROUP(source_binding) {
    fakes::FakeClock clock;
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeStore run_store;
    fakes::FakeLogFiles files;
    fakes::FakeStationFilter filter;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    services::SourceBinding binding{{filter, loop, clock, run_store}, log};
    const std::string lease_file{services::kLeaseFile};

    void seen(const char* prefix, const std::vector<std::uint8_t>& packet) {
        events::LogRecord record;
        record.prefix = prefix;
        record.ingress_interface = "lan2";
        record.source_mac = kDesk.mac;
        record.packet = packet;
        binding.take(record);
    }

    static std::vector<std::uint8_t> ip_from(const IpAddress& source) {
        std::vector<std::uint8_t> packet(20);
        packet[0] = 0x45;
        std::ranges::copy(source.bytes(), packet.begin() + 12);
        return packet;
    }
};

TEST(source_binding, leases_are_bound_and_renewed_and_let_go) {
    run_store.files[lease_file] = kDeskLine;
    binding.follow(clinic());
    CHECK(filter.bound == std::set<AddressLease>{kDesk});
    const int before = filter.bindings;
    loop.advance(20'000, clock);
    CHECK(filter.bindings > before);
    run_store.files[lease_file] = "";
    loop.advance(1'000, clock);
    CHECK(filter.bound.empty());
}

TEST(source_binding, a_lease_that_is_given_later_is_found) {
    binding.follow(clinic());
    CHECK(filter.bound.empty());
    run_store.files[lease_file] = kDeskLine;
    loop.advance(1'000, clock);
    CHECK(filter.bound.contains(kDesk));
}

TEST(source_binding, without_a_server_nothing_is_bound) {
    run_store.files[lease_file] = kDeskLine;
    binding.follow(clinic());
    model::Model without = clinic();
    without.interfaces[0].dhcp_server.reset();
    binding.follow(without);
    CHECK(filter.bound.empty());
    loop.advance(60'000, clock);
    CHECK(filter.bound.empty());
}

TEST(source_binding, a_device_that_is_quicker_than_its_lease_is_not_told_of) {
    binding.follow(clinic());
    run_store.files[lease_file] = kDeskLine;
    seen("station.unbound", ip_from(kDesk.address));
    CHECK(filter.bound.contains(kDesk));
    LONGS_EQUAL(0, files.count("source-binding"));
    seen("station.unbound", ip_from(IpAddress::parse("10.0.1.151").value()));
    LONGS_EQUAL(1, files.count(R"("reason":"no-lease")"));
}

TEST(source_binding, a_device_without_a_lease_is_told_of_once_an_hour) {
    binding.follow(clinic());
    const auto packet = ip_from(IpAddress::parse("10.0.1.151").value());
    seen("station.unbound", packet);
    seen("station.unbound", packet);
    LONGS_EQUAL(1, files.count(R"("reason":"no-lease")"));
    loop.advance(3'600'000, clock);
    seen("station.unbound", packet);
    LONGS_EQUAL(2, files.count(R"("reason":"no-lease")"));
}

TEST(source_binding, an_attack_is_an_alert_with_what_was_claimed) {
    binding.follow(clinic());
    seen("station.claimed", ip_from(IpAddress::parse("10.0.1.20").value()));
    const std::string line = files.all_lines().back();
    for (const char* part : {R"("kind":"alert")", R"("action":"source-binding")", R"("reason":"address-of-another")",
                             R"("ip":"10.0.1.20")", R"("mac":"00:16:3e:00:00:50")", R"("device":"desk")", "lan2"}) {
        STRCMP_CONTAINS(part, line.c_str());
    }
    seen("station.other-thing", {});
    seen("station.dhcp-server", {}); // a frame that was cut off has no address to tell
    LONGS_EQUAL(1, files.count(R"("reason":"dhcp-server")"));
    LONGS_EQUAL(2, files.count("source-binding"));
}

TEST(source_binding, trouble_is_told_once) {
    filter.refuse = true;
    run_store.files[lease_file] = kDeskLine;
    binding.follow(clinic());
    loop.advance(60'000, clock);
    LONGS_EQUAL(1, files.count("can't be bound"));
}

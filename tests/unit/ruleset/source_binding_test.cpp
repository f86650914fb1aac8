// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/ruleset/station_filter.hpp"
#include "tests/unit/ruleset/fixture.hpp"

#include <algorithm>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::test;
using namespace sekisho::ruleset;

namespace {

std::vector<std::uint8_t> arp_from(std::string_view sender) {
    std::vector<std::uint8_t> packet{0, 1, 8, 0, 6, 4, 0, 1};
    packet.resize(28);
    std::ranges::copy(IpAddress::parse(sender).value().bytes(), packet.begin() + 14);
    return packet;
}

std::vector<std::uint8_t> discovery(std::string_view source, std::uint8_t type, std::string_view target) {
    std::vector<std::uint8_t> packet(64);
    packet[0] = 0x60;
    packet[6] = 58;
    packet[40] = type;
    std::ranges::copy(IpAddress::parse(source).value().bytes(), packet.begin() + 8);
    std::ranges::copy(IpAddress::parse(target).value().bytes(), packet.begin() + 48);
    return packet;
}

std::string claimed(const std::vector<std::uint8_t>& packet) {
    const auto address = claimed_address(packet);
    return address ? address->text() : "";
}

model::Model guarded() {
    model::Model model = base_model();
    model::Interface& bridge = *std::ranges::find(model.interfaces, "br-clinic", &model::Interface::name);
    bridge.ports = {"lan1", "lan2", "lan5"};
    for (const auto& [name, binding] :
         {std::pair{"lan1", model::SourceBinding::report}, std::pair{"lan2", model::SourceBinding::enforce}}) {
        model::AccessPort port;
        port.name = name;
        port.mode = model::AccessMode::mab;
        port.source_binding = binding;
        model.access.ports.push_back(port);
    }
    model::Device device;
    device.mac = MacAddress::parse("00:16:3e:00:00:20").value();
    device.addresses = {IpAddress::parse("10.0.1.20").value(), IpAddress::parse("2001:db8:1::20").value()};
    model.access.devices = {device};
    return model;
}

} // namespace

TEST_GROUP(source_binding_rules){};

TEST(source_binding_rules, what_a_packet_claims) {
    STRCMP_EQUAL("10.0.1.20", claimed(arp_from("10.0.1.20")).c_str());
    STRCMP_EQUAL("fd00::20", claimed(discovery("fe80::1", 136, "fd00::20")).c_str());
    STRCMP_EQUAL("fd00::20", claimed(discovery("::", 135, "fd00::20")).c_str());
    STRCMP_EQUAL("fd00::5", claimed(discovery("fd00::5", 135, "fd00::20")).c_str()); // asks for it
    std::vector<std::uint8_t> packet(20);
    packet[0] = 0x45;
    packet[12] = 10;
    STRCMP_EQUAL("10.0.0.0", claimed(packet).c_str());
}

TEST(source_binding_rules, what_is_cut_off_claims_nothing) {
    const auto first = [](const std::vector<std::uint8_t>& packet, std::size_t size) {
        return claimed(std::vector<std::uint8_t>(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size)));
    };
    for (std::size_t size = 0; size < 18; ++size) {
        STRCMP_EQUAL("", first(arp_from("10.0.1.20"), size).c_str());
    }
    for (std::size_t size = 41; size < 64; ++size) {
        STRCMP_EQUAL("", first(discovery("fe80::1", 136, "fd00::20"), size).c_str());
    }
    STRCMP_EQUAL("", first(discovery("fe80::1", 136, "fd00::20"), 23).c_str());
    STRCMP_EQUAL("", claimed({}).c_str());
    STRCMP_EQUAL("", claimed({0x45, 0, 0}).c_str());
}

TEST(source_binding_rules, reports_are_known_by_their_prefix) {
    CHECK(binding_report_of("station.claimed") == BindingReport::claimed);
    CHECK(binding_report_of("station.unbound") == BindingReport::unbound);
    CHECK(!binding_report_of(kRequestPrefix) && !binding_report_of(kStrangerPrefix) &&
          !binding_report_of(kTaggedPrefix) && !binding_report_of(""));
    CHECK(!is_refusal(BindingReport::unbound) && is_refusal(BindingReport::dhcp_server));
}

TEST(source_binding_rules, named_addresses_and_the_routers_own_are_reserved) {
    const std::string text = station_filter_text(station_filter_of(guarded()));
    for (const char* part :
         {"elements = { 00:16:3e:00:00:20 . 10.0.1.20 }", "elements = { 00:16:3e:00:00:20 . 2001:db8:1::20 }",
          "elements = { 10.0.1.1, 10.0.1.20, 10.0.2.1, 203.0.113.2 }", "map @roles goto binding"}) {
        STRCMP_CONTAINS(part, text.c_str());
    }
}

TEST(source_binding_rules, only_strict_ports_drop_who_has_no_lease) {
    const std::string text = station_filter_text(station_filter_of(guarded()));
    STRCMP_CONTAINS("iifname { \"lan5\" } accept", text.c_str()); // on a guarded bridge without an entry
    STRCMP_CONTAINS("iifname { \"lan2\" } counter name unbound drop", text.c_str());
    CHECK_FALSE(text.contains("iifname { \"lan1\""));
}

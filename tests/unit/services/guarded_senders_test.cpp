// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/guarded_senders.hpp"
#include "policy/ruleset/mark.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

MacAddress mac(std::string_view text) {
    return MacAddress::parse(text).value();
}

IpAddress ip(std::string_view text) {
    return IpAddress::parse(text).value();
}

} // namespace

TEST_GROUP(guarded_senders) {
    model::Model model;
    std::vector<access::Session> sessions;
    std::vector<services::AddressLease> leases{{mac("00:16:3e:00:00:51"), ip("10.0.1.100")},
                                               {mac("00:16:3e:00:00:99"), ip("10.0.1.101")}};

    void setup() override {
        model::Interface bridge;
        bridge.name = "br-clinic";
        bridge.ports = {"lan1", "lan2"};
        model.interfaces = {bridge};
        model.access.roles = {{.name = "office"}, {.name = "viewer"}};
        model.access.devices = {{.mac = mac("00:16:3e:00:00:50"), .addresses = {ip("10.0.1.50"), ip("2001:db8::50")}}};
        add("00:16:3e:00:00:50", "lan1", "viewer");
        add("00:16:3e:00:00:51", "lan2", "office");
    }

    void add(std::string_view station, std::string port, std::string role) {
        access::Session session;
        session.station = {std::move(port), mac(station)};
        session.role = std::move(role);
        sessions.push_back(session);
    }

    std::uint32_t number(std::string_view role) {
        const std::vector<std::string> names{"office", "viewer"};
        return ruleset::role_numbers(names).find(role)->second;
    }
};

TEST(guarded_senders, addresses_come_from_entries_and_leases) {
    const auto senders = services::guarded_senders(model, sessions, leases);
    LONGS_EQUAL(3, senders.size());
    CHECK((senders.at(ip("10.0.1.50")) == ruleset::Sender{"br-clinic", number("viewer")}));
    CHECK((senders.at(ip("2001:db8::50")) == ruleset::Sender{"br-clinic", number("viewer")}));
    CHECK((senders.at(ip("10.0.1.100")) == ruleset::Sender{"br-clinic", number("office")}));
}

TEST(guarded_senders, who_has_no_session_or_a_role_that_is_gone_is_not_known) {
    sessions.pop_back();
    sessions.front().role = "former";
    CHECK(services::guarded_senders(model, sessions, leases).empty());
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Renewal, silent servers, and what an authenticator's end does.
#include "tests/unit/access/fixture.hpp"

using namespace sekisho;
using namespace sekisho::access;
using model::AccessMode;

TEST_GROUP(port_access_time) {
    Switch lan;
};

TEST(port_access_time, a_healthy_device_is_renewed_without_a_drop) {
    lan.mode(AccessMode::dot1x);
    lan.proved(9);
    SAYS("", lan.pass(seconds(3569)));
    SAYS("invite lan1 09", lan.pass(seconds(1)));
    SAYS("authorise lan1 09 dot1x clinic tanaka renewed", lan.proved(9));
    SAYS("", lan.pass(seconds(3000)));
    LONGS_EQUAL(1, lan.in_force());
}

TEST(port_access_time, who_does_not_renew_ends_at_its_time) {
    lan.mode(AccessMode::dot1x);
    lan.proved(9);
    lan.pass(seconds(3570));
    SAYS("", lan.timed_out(9));
    LONGS_EQUAL(1, lan.in_force());
    SAYS("forget lan1 09; revoke lan1 09 not-renewed", lan.pass(seconds(30)));
}

TEST(port_access_time, who_is_refused_at_the_renewal_ends_at_once) {
    lan.mode(AccessMode::dot1x);
    lan.proved(9);
    lan.pass(seconds(3570));
    SAYS("revoke lan1 09 proof-refused; refuse lan1 09 proof-refused", lan.rejected(9));
    LONGS_EQUAL(0, lan.in_force());
}

TEST(port_access_time, another_user_on_the_same_device_is_another_session) {
    lan.mode(AccessMode::dot1x);
    lan.proved(9);
    lan.pass(seconds(100));
    SAYS("authorise lan1 09 dot1x clinic suzuki proved", lan.proved(9, "suzuki"));
    CHECK(lan.access.sessions()[0].since == lan.now.clock.now);
}

TEST(port_access_time, a_servers_shorter_time_holds) {
    lan.mode(AccessMode::dot1x);
    lan.take(Authenticated{{"lan1", mac(9)}, "tanaka", seconds(60)});
    SAYS("invite lan1 09", lan.pass(seconds(45)));
    SAYS("forget lan1 09; revoke lan1 09 not-renewed", lan.pass(seconds(15)));
}

TEST(port_access_time, reauthentication_never_is_never) {
    lan.port().reauthentication = 0;
    lan.mode(AccessMode::dot1x);
    lan.proved(9);
    CHECK_FALSE(lan.access.next_deadline(lan.now).has_value());
}

TEST(port_access_time, a_registered_address_is_renewed_by_itself) {
    lan.mode(AccessMode::mab);
    lan.seen(1);
    SAYS("authorise lan1 01 mab clinic renewed", lan.pass(seconds(3599)));
    SAYS("authorise lan1 01 mab clinic renewed", lan.pass(seconds(3599)));
}

TEST(port_access_time, a_guest_ends_and_may_come_again) {
    lan.port().guest_role = "visitor";
    lan.mode(AccessMode::dot1x);
    lan.seen(9);
    lan.pass(seconds(15));
    SAYS("revoke lan1 09 renewal-due", lan.pass(seconds(3600)));
    SAYS("invite lan1 09", lan.seen(9));
}

// ---- silent servers

TEST(port_access_time, without_servers_what_is_in_force_ends_unless_its_role_is_critical) {
    lan.port(1).role = "modality";
    lan.settings.policy.roles[1].critical = true;
    lan.mode(AccessMode::dot1x);
    lan.proved(9);
    lan.proved(8, "suzuki", "lan2");
    lan.take(ServersChanged{false});
    SAYS("invite lan1 09; invite lan2 08; forget lan1 09; revoke lan1 09 not-renewed; authorise lan2 08 dot1x modality "
         "suzuki servers-silent",
         lan.pass(seconds(3600)));
    CHECK_TRUE(lan.access.sessions()[0].is_prolonged);
    SAYS("", lan.pass(seconds(36'000)));
    // a lost link ends it all the same, and it grants nothing new
    lan.seen(7, "lan2");
    SAYS("forget lan2 07; refuse lan2 07 servers-silent", lan.pass(seconds(15)));
    SAYS("forget lan2 08; revoke lan2 08 link-lost", lan.link_down("lan2"));
}

TEST(port_access_time, without_servers_a_critical_device_stays) {
    lan.device(4).critical = true;
    lan.mode(AccessMode::dot1x);
    lan.proved(4);
    lan.proved(9);
    lan.take(ServersChanged{false});
    lan.pass(seconds(3700));
    LONGS_EQUAL(1, lan.in_force());
    CHECK(lan.access.sessions()[0].station.mac == mac(4));
}

TEST(port_access_time, when_a_server_is_back_who_waited_for_it_need_not_wait_longer) {
    lan.settings.servers_judge_macs = true;
    lan.mode(AccessMode::mab);
    lan.take(ServersChanged{false});
    SAYS("ask lan1 09", lan.seen(9));
    SAYS("refuse lan1 09 servers-silent", lan.pass(seconds(11)));
    SAYS("", lan.seen(9));
    SAYS("", lan.take(ServersChanged{true}));
    SAYS("ask lan1 09", lan.seen(9));
    SAYS("", lan.seen(9));
    SAYS("", lan.take(ServersChanged{true})); // and who was asked about in vain
    SAYS("ask lan1 09", lan.seen(9));
}

TEST(port_access_time, when_a_server_is_back_what_was_prolonged_proves_itself) {
    lan.settings.policy.roles[0].critical = true;
    lan.mode(AccessMode::dot1x);
    lan.proved(9);
    lan.take(ServersChanged{false});
    lan.pass(seconds(3600));
    SAYS("authorise lan1 09 dot1x clinic tanaka renewed; invite lan1 09", lan.take(ServersChanged{true}));
    SAYS("forget lan1 09; revoke lan1 09 not-renewed", lan.pass(seconds(30)));
}

TEST(port_access_time, an_authenticator_that_came_back_asks_everybody_anew) {
    lan.mode(AccessMode::dot1x_then_mab);
    lan.proved(9);
    lan.seen(8);
    SAYS("invite lan1 08; invite lan1 09", lan.take(AuthenticatorStarted{"lan1"}));
    LONGS_EQUAL(1, lan.in_force());
    SAYS("", lan.take(AuthenticatorStarted{"lan7"}));
}

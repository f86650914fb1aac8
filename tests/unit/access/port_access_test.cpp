// SPDX-License-Identifier: GPL-2.0-or-later
// Every way onto a port, and every way that does not lead there.
#include "tests/unit/access/fixture.hpp"

using namespace sekisho;
using namespace sekisho::access;
using model::AccessMode;
using model::HostMode;

TEST_GROUP(port_access) {
    Switch lan;
};

// ---- MAC authentication

TEST(port_access, a_registered_address_is_in_force_at_its_first_frame) {
    lan.mode(AccessMode::mab);
    lan.device(2).role = "modality";
    lan.configure();
    SAYS("authorise lan1 01 mab clinic registered", lan.seen(1));
    SAYS("authorise lan1 02 mab modality registered", lan.seen(2));
    LONGS_EQUAL(2, lan.in_force());
}

TEST(port_access, an_unknown_address_is_refused_once_and_left_alone) {
    lan.mode(AccessMode::mab);
    SAYS("refuse lan1 09 not-registered", lan.seen(9));
    SAYS("", lan.seen(9));
    SAYS("", lan.pass(seconds(61)));
    SAYS("refuse lan1 09 not-registered", lan.seen(9));
    LONGS_EQUAL(0, lan.in_force());
}

TEST(port_access, a_made_up_address_is_an_alarm) {
    lan.mode(AccessMode::mab);
    const Station phone{"lan1", {{0xda, 0xa1, 0x19, 0, 0, 1}}};
    SAYS("refuse lan1 01 not-registered alarm", lan.take(FrameSeen{phone}));
}

TEST(port_access, an_address_that_is_registered_for_dot1x_admits_nothing_by_itself) {
    lan.mode(AccessMode::mab);
    SAYS("refuse lan1 04 not-registered", lan.seen(4));
}

TEST(port_access, an_expired_entry_admits_nothing_and_ends_what_is_there) {
    lan.mode(AccessMode::mab);
    lan.device(1).expires = Time::from_seconds(kStart.seconds() + 100);
    lan.device(2).expires = kStart;
    lan.configure();
    SAYS("authorise lan1 01 mab clinic registered", lan.seen(1));
    SAYS("refuse lan1 02 entry-expired", lan.seen(2));
    SAYS("revoke lan1 01 entry-expired", lan.pass(seconds(101)));
}

TEST(port_access, without_a_clock_whatever_could_have_expired_has) {
    lan.mode(AccessMode::mab);
    lan.device(1).expires = Time::from_seconds(kStart.seconds() + 100);
    lan.now.clock.synchronised = false;
    lan.configure();
    SAYS("refuse lan1 01 entry-expired", lan.seen(1));
    SAYS("authorise lan1 02 mab clinic registered", lan.seen(2));
}

TEST(port_access, a_server_judges_what_is_not_registered) {
    lan.settings.servers_judge_macs = true;
    lan.mode(AccessMode::mab);
    SAYS("ask lan1 09", lan.seen(9));
    SAYS("", lan.seen(9));
    SAYS("authorise lan1 09 mab visitor registered",
         lan.take(MacJudged{{"lan1", mac(9)}, true, "visitor", std::nullopt}));
    SAYS("ask lan1 08", lan.seen(8));
    SAYS("refuse lan1 08 not-registered", lan.take(MacJudged{{"lan1", mac(8)}, false, {}, {}}));
    SAYS("ask lan1 07", lan.seen(7));
    SAYS("refuse lan1 07 servers-silent", lan.pass(seconds(10)));
    // what nobody asked for is no answer
    SAYS("", lan.take(MacJudged{{"lan1", mac(6)}, true, {}, {}}));
    LONGS_EQUAL(1, lan.in_force());
}

// ---- 802.1X

TEST(port_access, dot1x_invites_and_authorises_who_proves_itself) {
    lan.mode(AccessMode::dot1x);
    SAYS("invite lan1 09", lan.seen(9));
    SAYS("", lan.seen(9));
    SAYS("authorise lan1 09 dot1x clinic tanaka proved", lan.proved(9));
}

TEST(port_access, the_role_is_the_users_then_the_devices_then_the_ports) {
    lan.mode(AccessMode::dot1x);
    lan.device(4).role = "modality";
    lan.configure();
    SAYS("authorise lan1 04 dot1x modality tanaka proved", lan.proved(4));
    SAYS("authorise lan1 08 dot1x visitor guest proved", lan.proved(8, "guest"));
}

TEST(port_access, what_is_no_users_proof_admits_nobody) {
    lan.mode(AccessMode::dot1x_then_mab);
    for (const char* name : {"*", "", "somebody", "tanaka\nflags=[AUTHORIZED]"}) {
        SAYS("forget lan1 09; refuse lan1 09 unknown-user alarm", lan.proved(9, name));
        lan.pass(seconds(61));
    }
    LONGS_EQUAL(0, lan.in_force());
}

TEST(port_access, a_later_proof_that_is_no_users_ends_what_an_earlier_one_began) {
    lan.mode(AccessMode::dot1x);
    lan.proved(9);
    SAYS("forget lan1 09; revoke lan1 09 unknown-user; refuse lan1 09 unknown-user alarm", lan.proved(9, "*"));
}

TEST(port_access, a_radius_server_answers_for_users_that_the_router_does_not_know) {
    lan.settings.policy.radius_servers.push_back({});
    lan.mode(AccessMode::dot1x);
    SAYS("authorise lan1 09 dot1x clinic proved", lan.proved(9, ""));
}

TEST(port_access, a_user_that_has_expired_is_not_admitted) {
    lan.mode(AccessMode::dot1x);
    lan.user().expires = kStart;
    lan.configure();
    SAYS("forget lan1 09; refuse lan1 09 entry-expired", lan.proved(9));
}

TEST(port_access, a_users_session_ends_with_the_entry) {
    lan.mode(AccessMode::dot1x);
    lan.user().expires = Time{kStart.microseconds + 90'000'000};
    lan.configure();
    lan.proved(9);
    SAYS("", lan.pass(seconds(89)));
    SAYS("forget lan1 09; revoke lan1 09 entry-expired", lan.pass(seconds(2)));
}

TEST(port_access, a_user_that_is_taken_away_is_off_at_once) {
    lan.mode(AccessMode::dot1x);
    lan.proved(9);
    lan.user().role = "repair";
    SAYS("authorise lan1 09 dot1x repair tanaka configuration", lan.configure());
    lan.settings.policy.users.clear();
    SAYS("forget lan1 09; revoke lan1 09 unknown-user", lan.configure());
}

TEST(port_access, every_refused_proof_is_told_of) {
    lan.mode(AccessMode::dot1x);
    SAYS("refuse lan1 09 proof-refused", lan.rejected(9));
    SAYS("refuse lan1 09 proof-refused", lan.rejected(9));
    lan.seen(8);
    lan.pass(seconds(16));
    SAYS("refuse lan1 08 proof-refused", lan.rejected(8));
    SAYS("", lan.rejected(8, "lan7"));
}

TEST(port_access, who_was_refused_begins_anew_after_the_quiet_period) {
    lan.mode(AccessMode::dot1x);
    SAYS("invite lan1 09", lan.seen(9));
    SAYS("refuse lan1 09 proof-refused", lan.rejected(9));
    SAYS("", lan.seen(9));
    SAYS("forget lan1 09", lan.pass(seconds(60)));
    SAYS("invite lan1 09", lan.seen(9));
}

TEST(port_access, success_comes_also_uninvited) {
    lan.mode(AccessMode::dot1x_then_mab);
    SAYS("authorise lan1 09 dot1x clinic tanaka proved", lan.proved(9));
}

TEST(port_access, a_port_without_dot1x_takes_no_success) {
    for (const AccessMode mode : {AccessMode::mab, AccessMode::closed, AccessMode::open}) {
        lan.mode(mode);
        SAYS("", lan.proved(9));
    }
    SAYS("", lan.proved(9, "tanaka", "lan7"));
    LONGS_EQUAL(0, lan.in_force());
}

TEST(port_access, who_is_refused_is_left_alone_or_gets_the_role_of_the_failed) {
    lan.mode(AccessMode::dot1x);
    lan.seen(9);
    SAYS("refuse lan1 09 proof-refused", lan.rejected(9));
    SAYS("", lan.seen(9));
    lan.port().failed_role = "repair";
    lan.configure();
    SAYS("invite lan1 09", lan.seen(9));
    SAYS("authorise lan1 09 failed repair proof-refused", lan.rejected(9));
    SAYS("authorise lan1 09 dot1x clinic tanaka proved", lan.proved(9));
}

TEST(port_access, who_does_not_answer_is_left_alone_or_a_guest) {
    lan.mode(AccessMode::dot1x);
    lan.seen(9);
    SAYS("forget lan1 09; refuse lan1 09 timed-out", lan.pass(seconds(15)));
    lan.port().guest_role = "visitor";
    lan.configure();
    SAYS("invite lan1 09", lan.seen(9));
    SAYS("forget lan1 09; authorise lan1 09 guest visitor no-proof", lan.timed_out(9));
}

// ---- both

TEST(port_access, an_address_counts_only_after_dot1x_had_its_chance) {
    lan.mode(AccessMode::dot1x_then_mab);
    SAYS("invite lan1 01", lan.seen(1));
    LONGS_EQUAL(0, lan.in_force());
    SAYS("forget lan1 01; authorise lan1 01 mab clinic registered", lan.pass(seconds(2)));
}

TEST(port_access, any_other_device_is_decided_within_thirty_seconds) {
    lan.mode(AccessMode::dot1x_then_mab);
    lan.seen(9);
    SAYS("", lan.pass(seconds(14)));
    SAYS("forget lan1 09; refuse lan1 09 not-registered", lan.pass(seconds(16)));
}

TEST(port_access, a_device_without_dot1x_that_fails_in_it_falls_back) {
    lan.mode(AccessMode::dot1x_then_mab);
    lan.seen(1);
    SAYS("authorise lan1 01 mab clinic registered", lan.rejected(1));
    lan.seen(4);
    SAYS("refuse lan1 04 proof-refused", lan.rejected(4));
}

TEST(port_access, dot1x_success_of_a_device_without_it_marks_nothing) {
    lan.mode(AccessMode::dot1x_then_mab);
    SAYS("forget lan1 01; refuse lan1 01 dot1x-from-mab-device alarm", lan.proved(1));
    lan.pass(seconds(61));
    lan.seen(1);
    SAYS("forget lan1 01; authorise lan1 01 mab clinic registered", lan.pass(seconds(2)));
    SAYS("forget lan1 01; refuse lan1 01 dot1x-from-mab-device alarm", lan.proved(1));
    LONGS_EQUAL(1, lan.in_force());
}

TEST(port_access, a_device_that_has_done_dot1x_does_not_fall_back) {
    lan.settings.servers_judge_macs = true;
    lan.mode(AccessMode::dot1x_then_mab);
    lan.proved(9);
    lan.link_down();
    lan.seen(9);
    SAYS("forget lan1 09; refuse lan1 09 mac-after-dot1x alarm", lan.pass(seconds(15)));
    LONGS_EQUAL(0, lan.in_force());
}

TEST(port_access, the_address_first_and_dot1x_where_it_is_not_enough) {
    lan.mode(AccessMode::mab_then_dot1x);
    SAYS("authorise lan1 01 mab clinic registered", lan.seen(1));
    SAYS("invite lan1 09", lan.seen(9));
    SAYS("forget lan1 09; refuse lan1 09 timed-out", lan.pass(seconds(15)));
    SAYS("invite lan1 08", lan.seen(8));
    SAYS("authorise lan1 08 dot1x clinic tanaka proved", lan.proved(8));
}

TEST(port_access, dot1x_takes_over_while_the_device_stays_on) {
    lan.settings.servers_judge_macs = true;
    lan.mode(AccessMode::mab_then_dot1x);
    lan.seen(9);
    lan.take(MacJudged{{"lan1", mac(9)}, true, {}, {}});
    SAYS("refuse lan1 09 proof-refused", lan.rejected(9)); // it has what it has without 802.1X
    SAYS("authorise lan1 09 dot1x clinic tanaka proved", lan.proved(9));
    LONGS_EQUAL(1, lan.in_force());
}

// ---- hosts

TEST(port_access, single_host_takes_one) {
    lan.mode(AccessMode::mab, HostMode::single_host);
    lan.seen(1);
    SAYS("refuse lan1 02 single-host alarm", lan.seen(2));
    SAYS("authorise lan2 03 mab clinic registered", lan.seen(3, "lan2"));
    LONGS_EQUAL(2, lan.in_force());
}

TEST(port_access, who_only_sends_frames_keeps_nobody_out) {
    lan.mode(AccessMode::dot1x_then_mab, HostMode::single_host);
    lan.seen(9);
    lan.seen(1);
    SAYS("forget lan1 01; authorise lan1 01 mab clinic registered", lan.pass(seconds(2)));
    SAYS("forget lan1 09; refuse lan1 09 single-host alarm", lan.take(Authenticated{{"lan1", mac(9)}, "tanaka", {}}));
}

TEST(port_access, beside_one_that_proved_itself_others_have_its_role_and_go_with_it) {
    lan.mode(AccessMode::mab, HostMode::multi_host);
    lan.device(1).role = "modality";
    lan.configure();
    SAYS("refuse lan1 09 not-registered", lan.seen(9));
    SAYS("authorise lan1 01 mab modality registered", lan.seen(1));
    SAYS("authorise lan1 08 multi-host modality beside-another", lan.seen(8));
    SAYS("authorise lan1 07 multi-host modality beside-another", lan.seen(7));
    SAYS("refuse lan2 08 in-force-elsewhere alarm", lan.seen(8, "lan2"));
    SAYS("revoke lan1 01 cleared; revoke lan1 07 other-ended; revoke lan1 08 other-ended",
         lan.take(Cleared{{"lan1", mac(1)}}));
    LONGS_EQUAL(0, lan.in_force());
}

TEST(port_access, a_port_takes_as_many_as_it_is_told) {
    lan.port().max_devices = 2;
    lan.mode(AccessMode::mab);
    lan.seen(1);
    lan.seen(2);
    SAYS("refuse lan1 03 port-full", lan.seen(3));
    SAYS("revoke lan1 01 cleared", lan.take(Cleared{{"lan1", mac(1)}}));
    lan.pass(seconds(61));
    SAYS("authorise lan1 03 mab clinic registered", lan.seen(3));
}

// ---- who is refused whatever it proves

TEST(port_access, the_routers_own_and_reserved_addresses_are_refused_even_after_success) {
    lan.mode(AccessMode::dot1x);
    SAYS("forget lan1 ff; refuse lan1 ff own-address alarm", lan.proved(0xff));
    SAYS("forget lan1 01; refuse lan1 01 reserved-address alarm",
         lan.take(Authenticated{{"lan1", {{1, 0x80, 0xc2, 0, 0, 1}}}, "tanaka", {}}));
    SAYS("", lan.seen(0xff)); // held
    LONGS_EQUAL(0, lan.in_force());
}

TEST(port_access, a_device_of_another_port_is_refused_here_and_comes_on_there) {
    lan.device(1).port = "lan2";
    lan.mode(AccessMode::mab);
    SAYS("refuse lan1 01 bound-elsewhere alarm", lan.seen(1));
    SAYS("authorise lan2 01 mab clinic registered", lan.seen(1, "lan2"));
    SAYS("", lan.seen(1));
}

TEST(port_access, the_same_address_on_two_ports_is_in_force_on_the_first) {
    lan.mode(AccessMode::mab);
    lan.seen(1);
    SAYS("refuse lan2 01 in-force-elsewhere alarm", lan.seen(1, "lan2"));
    LONGS_EQUAL(1, lan.in_force());
    // pulled out there, it may come here
    SAYS("revoke lan1 01 link-lost", lan.link_down());
    lan.pass(seconds(61));
    SAYS("authorise lan2 01 mab clinic registered", lan.seen(1, "lan2"));
}

TEST(port_access, a_device_that_moves_is_followed_where_that_is_wanted) {
    lan.port(1).moves = model::Moves::follow;
    lan.mode(AccessMode::mab);
    lan.seen(1);
    SAYS("revoke lan1 01 moved; authorise lan2 01 mab clinic registered", lan.seen(1, "lan2"));
    LONGS_EQUAL(1, lan.in_force());
}

TEST(port_access, who_could_not_prove_itself_elsewhere_is_in_nobodys_way) {
    lan.mode(AccessMode::dot1x);
    lan.seen(9, "lan2");
    SAYS("invite lan1 09", lan.seen(9));
    SAYS("authorise lan1 09 dot1x clinic tanaka proved", lan.proved(9));
    SAYS("forget lan2 09; refuse lan2 09 in-force-elsewhere alarm", lan.proved(9, "tanaka", "lan2"));
}

TEST(port_access, a_closed_port_takes_nobody) {
    lan.mode(AccessMode::closed);
    SAYS("refuse lan1 01 port-closed", lan.seen(1));
}

TEST(port_access, an_open_port_and_one_that_is_not_ours_decide_nothing) {
    lan.mode(AccessMode::open);
    SAYS("", lan.seen(1));
    SAYS("", lan.seen(1, "lan7"));
    CHECK_FALSE(lan.access.next_deadline(lan.now).has_value());
}

// ---- ends

TEST(port_access, a_lost_link_ends_everything_on_the_port) {
    lan.mode(AccessMode::dot1x_then_mab);
    lan.proved(9);
    lan.seen(8);
    lan.seen(7, "lan2");
    SAYS("forget lan1 08; forget lan1 09; revoke lan1 09 link-lost", lan.link_down());
    SAYS("", lan.take(LinkChanged{"lan1", true}));
    SAYS("", lan.timed_out(8));
    SAYS("invite lan1 08", lan.seen(8));
}

TEST(port_access, a_goodbye_ends_what_dot1x_opened_and_nothing_else) {
    lan.mode(AccessMode::mab_then_dot1x);
    lan.seen(1);
    lan.proved(9);
    SAYS("", lan.take(LoggedOff{{"lan1", mac(1)}}));
    SAYS("", lan.take(LoggedOff{{"lan1", mac(5)}}));
    SAYS("forget lan1 09; revoke lan1 09 logged-off", lan.take(LoggedOff{{"lan1", mac(9)}}));
}

TEST(port_access, who_is_quiet_goes_unless_it_may_be) {
    lan.device(2).never_inactive = true;
    lan.mode(AccessMode::mab);
    lan.seen(1);
    lan.seen(2);
    SAYS("revoke lan1 01 inactive", lan.take(WentQuiet{{"lan1", mac(1)}}));
    SAYS("", lan.take(WentQuiet{{"lan1", mac(2)}}));
}

TEST(port_access, many_made_up_addresses_push_each_other_out_and_keep_no_device_out) {
    lan.mode(AccessMode::dot1x_then_mab);
    for (unsigned number = 0; number < 10'000; ++number) {
        lan.take(FrameSeen{
            {"lan1", {{0x02, 0, 0, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}}}});
    }
    SAYS("invite lan1 01", lan.seen(1));
    CHECK(lan.pass(seconds(2)).contains("authorise lan1 01 mab clinic registered"));
    LONGS_EQUAL(1, lan.in_force());
}

// ---- a new configuration

TEST(port_access, a_new_configuration_ends_what_it_does_not_admit) {
    lan.mode(AccessMode::mab);
    lan.seen(1);
    lan.seen(2);
    lan.seen(3);
    lan.device(1).role = "modality";
    lan.device(2).port = "lan2";
    lan.settings.policy.devices.erase(lan.settings.policy.devices.begin() + 2);
    SAYS("authorise lan1 01 mab modality configuration; revoke lan1 02 bound-elsewhere; revoke lan1 03 configuration",
         lan.configure());
    SAYS("", lan.configure());
}

TEST(port_access, another_mode_ends_what_came_by_the_old_one) {
    lan.mode(AccessMode::dot1x_then_mab);
    lan.proved(9);
    lan.seen(1);
    lan.pass(seconds(2));
    lan.port().mode = AccessMode::mab;
    SAYS("forget lan1 09; revoke lan1 09 configuration", lan.configure());
    lan.settings.policy.ports.erase(lan.settings.policy.ports.begin());
    SAYS("revoke lan1 01 configuration", lan.configure());
}

TEST(port_access, what_was_refused_may_try_again_at_once) {
    lan.mode(AccessMode::mab);
    lan.seen(4);
    lan.device(4).method = model::DeviceMethod::mab;
    SAYS("", lan.configure());
    SAYS("authorise lan1 04 mab clinic registered", lan.seen(4));
}

// ---- a restart

TEST(port_access, what_was_in_force_is_taken_over_where_it_still_may_be) {
    lan.mode(AccessMode::dot1x_then_mab);
    lan.proved(9);
    lan.seen(1);
    lan.pass(seconds(2));
    Switch again;
    again.now = lan.now;
    again.device(1).port = "lan2";
    again.mode(AccessMode::dot1x_then_mab);
    const auto before = lan.access.sessions();
    const auto orders = again.access.adopt(before, again.now);
    LONGS_EQUAL(2, orders.size());
    SAYS("revoke lan1 01 bound-elsewhere", Line{}(std::get<Revoke>(orders[0])));
    SAYS("authorise lan1 09 dot1x clinic tanaka renewed", Line{}(std::get<Authorise>(orders[1])));
    // and it shall prove itself anew
    SAYS("invite lan1 09", again.pass(seconds(1)));
}

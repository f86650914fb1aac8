// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/ssh_server_log.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::SshServerLog;

TEST_GROUP(ssh_server_log) {
    fakes::FakeStore store;
    fakes::FakeLoop loop;
    fakes::FakeClock clock;
    fakes::FakeLogFiles files;
    services::Timekeeper timekeeper{clock, store, Time{}};
    services::EventLog log{files, store, timekeeper, "boot"};
    SshServerLog ssh{log, clock, loop};

    void attempt(const std::string& address, unsigned times = 1) {
        for (unsigned attempt = 0; attempt < times; ++attempt) {
            ssh.take({1, 0, text::concat("Invalid user bob from ", address, " port 5")});
        }
    }
};

TEST(ssh_server_log, a_flood_of_one_source_is_counted) {
    attempt("10.0.1.5", 1000);
    CHECK_EQUAL(SshServerLog::kSourceBurst, files.count("\"unknown-account\""));
    attempt("10.0.1.6"); // others are heard
    CHECK_EQUAL(1, files.count("\"10.0.1.6\""));
    loop.advance(60'000, clock);
    CHECK_EQUAL(1, files.count("\"count\":990"));
    CHECK_EQUAL(1, files.count("\"log-suppressed\""));
    CHECK_EQUAL(SshServerLog::kSourceBurst + 1, files.count("\"10.0.1.5\""));
    // one more a minute
    attempt("10.0.1.5", 5);
    CHECK_EQUAL(SshServerLog::kSourceBurst + 2, files.count("\"10.0.1.5\""));
}

TEST(ssh_server_log, a_flood_of_many_sources_is_bounded) {
    for (unsigned host = 0; host < 2000; ++host) {
        attempt(text::concat("10.0.", text::to_text(host / 250), ".", text::to_text(host % 250 + 1)));
    }
    CHECK_EQUAL(SshServerLog::kTotalBurst, files.count("\"unknown-account\""));
    loop.advance(60'000, clock);
    CHECK_EQUAL(1, files.count("\"log-suppressed\""));
    CHECK_EQUAL(1, files.count("\"count\":1900"));
}

TEST(ssh_server_log, the_addresses_of_an_ipv6_host_share_a_bound) {
    for (unsigned host = 1; host < 100; ++host) {
        attempt(text::concat("2001:db8::", text::to_hex(host, 4)));
    }
    CHECK_EQUAL(SshServerLog::kSourceBurst, files.count("\"unknown-account\""));
}

TEST(ssh_server_log, accepted_keys_are_always_recorded_and_durable) {
    attempt("10.0.1.5", 1000);
    for (unsigned login = 0; login < 50; ++login) {
        ssh.take({1, 0,
                  "Accepted publickey for tanaka from 10.0.1.5 port 6 ssh2: ED25519 "
                  "SHA256:plPwhDFmV0BFJPZQjsFWrB8Xn1pQWAcaI6quQCVQ/Jw"});
        CHECK_TRUE(files.last_durable);
    }
    CHECK_EQUAL(50, files.count("\"key-accepted\""));
}

TEST(ssh_server_log, lines_that_tell_nothing_are_not_recorded) {
    ssh.take({1, 0, "Server listening on 10.0.1.1 port 22."});
    loop.advance(120'000, clock);
    CHECK_EQUAL(0, files.count("{"));
}

TEST(ssh_server_log, a_line_that_comes_before_its_process_is_known_waits_for_it) {
    const char* refused =
        "debug1: serverloop.c:server_input_channel_open():636 (bin=sshd-session, pid=31): failure tun@openssh.com";
    ssh.take({22, 0, "Connection from 10.0.1.5 port 34790 on 10.0.1.1 port 22 rdomain \"\""});
    ssh.take({22, 0,
              "Accepted publickey for tanaka from 10.0.1.5 port 34790 ssh2: ED25519 "
              "SHA256:plPwhDFmV0BFJPZQjsFWrB8Xn1pQWAcaI6quQCVQ/Jw"});
    ssh.take({23, 2000, refused});
    CHECK_EQUAL(0, files.count("\"tunnel\""));
    ssh.take({22, 0, "User child is on pid 23"});
    CHECK_EQUAL(1, files.count("\"tunnel\""));
    CHECK_EQUAL(2, files.count("\"tanaka\""));
    ssh.take({99, 2000, refused}); // whose it is, nobody tells
    loop.advance(1'000, clock);
    CHECK_EQUAL(2, files.count("\"tunnel\""));
    CHECK_EQUAL(2, files.count("\"tanaka\""));
}

TEST(ssh_server_log, lines_that_wait_are_bounded) {
    for (std::size_t line = 0; line < SshServerLog::kMostEarly; ++line) {
        ssh.take({99, 2000, "no more sessions"});
    }
    CHECK_EQUAL(0, files.count("\"second-session\""));
    ssh.take({99, 2000, "no more sessions"});
    CHECK_EQUAL(1, files.count("\"second-session\""));
}

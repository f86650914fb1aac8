// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/text.hpp"
#include "policy/events/sshd.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using namespace sekisho::events;

namespace {

constexpr std::uint32_t kListener = 19;
constexpr std::uint32_t kMonitor = 21;
constexpr std::uint32_t kChild = 23;
constexpr std::uint32_t kAccount = 2001;
constexpr std::string_view kPrint = "SHA256:plPwhDFmV0BFJPZQjsFWrB8Xn1pQWAcaI6quQCVQ/Jw";

} // namespace

/// Lines as OpenSSH 10.0p2 of Debian 13 wrote them.
TEST_GROUP(sshd) {
    SshdReader reader;

    std::optional<Event> monitor(std::string_view text, std::uint32_t process = kMonitor) {
        return reader.read({process, 0, text});
    }
    std::optional<Event> child(std::string_view text, std::uint32_t process = kChild) {
        return reader.read({process, kAccount, text});
    }
    std::optional<Event> listener(std::string_view text) {
        return reader.read({kListener, 0, text});
    }
    void connect(std::uint32_t process = kMonitor) {
        CHECK_FALSE(
            monitor("Connection from 10.0.1.5 port 34790 on 10.0.1.1 port 22 rdomain \"\"", process).has_value());
    }
    /// tanaka is logged in from 10.0.1.5 port 34790.
    void log_in() {
        connect();
        CHECK_TRUE(
            monitor(text::concat("Accepted publickey for tanaka from 10.0.1.5 port 34790 ssh2: ED25519 ", kPrint))
                .has_value());
        CHECK_FALSE(monitor("User child is on pid 23").has_value());
    }
    static void check(const std::optional<Event>& event, const char* action, const char* reason, const char* user) {
        CHECK_TRUE(event.has_value());
        STRCMP_EQUAL(action, event->shown(Field::event_action).c_str());
        STRCMP_EQUAL(reason, event->shown(Field::event_reason).c_str());
        STRCMP_EQUAL(user, event->shown(Field::user_name).c_str());
    }
    static void check_peer(const std::optional<Event>& event, const char* address = "10.0.1.5",
                           std::int64_t port = 34790) {
        CHECK_TRUE(event.has_value());
        STRCMP_EQUAL(address, event->shown(Field::source_ip).c_str());
        CHECK_EQUAL(port, event->number(Field::source_port));
    }
};

TEST(sshd, wrong_key) {
    connect();
    const auto event =
        monitor(text::concat("Failed publickey for tanaka from 10.0.1.5 port 34790 ssh2: ED25519 ", kPrint));
    check(event, "login", "key-not-accepted", "tanaka");
    check_peer(event);
    STRCMP_EQUAL("failure", event->shown(Field::event_outcome).c_str());
    STRCMP_EQUAL("alert", event->shown(Field::event_kind).c_str());
    STRCMP_EQUAL("ssh 10.0.1.5 port 34790", event->shown(Field::session_origin).c_str());
    STRCMP_EQUAL(std::string(kPrint).c_str(), event->shown(Field::session_key).c_str());
    CHECK_FALSE(monitor("Connection closed by authenticating user tanaka 10.0.1.5 port 34790 [preauth]").has_value());
}

TEST(sshd, unknown_account_is_told_once) {
    connect();
    const auto event = monitor("Invalid user bob from 10.0.1.5 port 34790");
    check(event, "login", "unknown-account", "bob");
    check_peer(event);
    CHECK_FALSE(monitor("Connection closed by invalid user bob 10.0.1.5 port 34790 [preauth]").has_value());
}

TEST(sshd, an_account_without_a_name) {
    connect();
    check(monitor("Invalid user  from 10.0.1.5 port 34790"), "login", "unknown-account", "");
}

TEST(sshd, root_and_other_users) {
    connect();
    const auto event =
        monitor("User root from 10.0.1.5 not allowed because none of user's groups are listed in AllowGroups");
    check(event, "login", "not-allowed", "root");
    check_peer(event);
    CHECK_FALSE(monitor("Connection closed by invalid user root 10.0.1.5 port 34790 [preauth]").has_value());
}

TEST(sshd, users_without_a_shell) {
    connect();
    const auto event = monitor("User nobody not allowed because shell /usr/bin/false does not exist");
    check(event, "login", "not-allowed", "nobody");
    check_peer(event);
}

TEST(sshd, no_key_at_all) {
    connect();
    const auto event = monitor("Connection closed by authenticating user tanaka 10.0.1.5 port 34790 [preauth]");
    check(event, "login", "no-key", "tanaka");
    check_peer(event);
}

TEST(sshd, accepted_key) {
    connect();
    CHECK_FALSE(
        monitor(text::concat("Accepted key ED25519 ", kPrint, " found at /run/sekisho/ssh/keys/tanaka:1")).has_value());
    CHECK_FALSE(monitor("Postponed publickey for tanaka from 10.0.1.5 port 34790 ssh2 [preauth]").has_value());
    const auto event =
        monitor(text::concat("Accepted publickey for tanaka from 10.0.1.5 port 34790 ssh2: ED25519 ", kPrint));
    check(event, "key-accepted", "", "tanaka");
    check_peer(event);
    STRCMP_EQUAL("success", event->shown(Field::event_outcome).c_str());
    STRCMP_EQUAL(std::string(kPrint).c_str(), event->shown(Field::session_key).c_str());
}

TEST(sshd, what_a_session_asks_for_and_does_not_get) {
    const struct {
        const char* line;
        const char* reason;
    } cases[] = {
        {"refused local port forward: originator 127.0.0.1 port 65535, target 10.0.1.7 port 80", "port-forwarding"},
        {"refused streamlocal port forward: originator  port 0, target /run/sekisho/control.sock", "socket-forwarding"},
        {"debug1: serverloop.c:server_input_channel_open():636 (bin=sshd-session, pid=31): failure tun@openssh.com",
         "tunnel"},
        {"debug1: serverloop.c:server_input_global_request():754 (bin=sshd-session, pid=27): rtype tcpip-forward "
         "want_reply 1",
         "remote-forwarding"},
        {"debug1: serverloop.c:server_input_global_request():754 (bin=sshd-session, pid=31): rtype "
         "streamlocal-forward@openssh.com want_reply 1",
         "remote-forwarding"},
        {"debug1: session.c:session_input_channel_req():2192 (bin=sshd-session, pid=36): session 0 req x11-req", "x11"},
        {"debug1: session.c:session_input_channel_req():2192 (bin=sshd-session, pid=36): session 0 req "
         "auth-agent-req@openssh.com",
         "agent-forwarding"},
        {"debug1: session.c:session_input_channel_req():2192 (bin=sshd-session, pid=44): session 0 req subsystem",
         "subsystem"},
        {"debug1: serverloop.c:server_input_channel_open():636 (bin=sshd-session, pid=31): failure made-up", "channel"},
        {"no more sessions", "second-session"},
    };

    log_in();
    for (const auto& each : cases) {
        const auto event = child(each.line);
        check(event, "ssh-refused", each.reason, "tanaka");
        check_peer(event);
        STRCMP_EQUAL(std::string(kPrint).c_str(), event->shown(Field::session_key).c_str());
    }
}

TEST(sshd, what_every_session_does_is_no_news) {
    log_in();
    for (const char* line :
         {"Starting session: shell on pts/0 for tanaka from 10.0.1.5 port 34790 id 0",
          "Close session: user tanaka from 10.0.1.5 port 34790 id 0", "Transferred: sent 2704, received 3484 bytes",
          "debug1: serverloop.c:server_input_channel_open():606 (bin=sshd-session, pid=23): ctype session rchan 0",
          "debug1: serverloop.c:server_input_channel_open():636 (bin=sshd-session, pid=23): failure direct-tcpip",
          "debug1: serverloop.c:server_input_channel_open():636 (bin=sshd-session, pid=23): failure session",
          "debug1: serverloop.c:server_input_global_request():754 (bin=sshd-session, pid=27): rtype x want_reply 0",
          "debug1: session.c:session_input_channel_req():2192 (bin=sshd-session, pid=36): session 0 req pty-req",
          "subsystem request for sftp by user tanaka failed, subsystem not found", "debug1: short",
          "Received disconnect from 10.0.1.5 port 34790:11: disconnected by user",
          "Disconnected from user tanaka 10.0.1.5 port 34790"}) {
        CHECK_FALSE(child(line).has_value());
    }
    for (const char* line : {"lastlog_openseek: Couldn't stat /var/log/lastlog: No such file or directory",
                             "syslogin_perform_logout: logout() returned an error"}) {
        CHECK_FALSE(monitor(line).has_value());
    }
    CHECK_FALSE(listener("Server listening on 10.0.1.1 port 22.").has_value());
    CHECK_FALSE(listener("Received signal 15; terminating.").has_value());
}

TEST(sshd, idle_and_silent_connections) {
    log_in();
    const auto event = child("terminating inactive connection from user tanaka 10.0.1.5 port 34790");
    check(event, "ssh-ended", "idle", "tanaka");
    check_peer(event);
    log_in();
    check(child("Timeout, client not responding from user tanaka 10.0.1.5 port 34790"), "ssh-ended", "no-answer",
          "tanaka");
}

TEST(sshd, strangers_that_never_say_who_they_are) {
    const struct {
        const char* line;
        const char* reason;
    } cases[] = {
        {"Connection reset by 10.0.1.5 port 34790", "no-login"},
        {"Connection closed by 10.0.1.5 port 34790 [preauth]", "no-login"},
        {"banner exchange: Connection from 10.0.1.5 port 34790: invalid format", "no-ssh"},
        {"Unable to negotiate with 10.0.1.5 port 34790: no matching key exchange method found. Their offer: x from "
         "1.2.3.4 port 5 "
         "[preauth]",
         "no-common-algorithm"},
        {"ssh_dispatch_run_fatal: Connection from 10.0.1.5 port 34790: message authentication code incorrect [preauth]",
         "protocol-error"},
    };

    for (const auto& each : cases) {
        connect();
        const auto event = monitor(each.line);
        check(event, "ssh-ended", each.reason, "");
        check_peer(event);
        CHECK_FALSE(monitor(each.line).has_value());
    }
}

TEST(sshd, timeout_names_the_connection) {
    connect();
    const auto event = listener("Timeout before authentication for connection from 10.0.1.5 to 10.0.1.1, pid = 21");
    check(event, "login", "timeout", "");
    check_peer(event);
    // of a process that is not known, the address alone
    const auto other = listener("Timeout before authentication for connection from 10.0.1.6 to 10.0.1.1, pid = 99");
    check_peer(other, "10.0.1.6", 0);
}

TEST(sshd, connections_that_are_dropped) {
    auto event = listener("drop connection #0 from [10.0.1.7]:36333 on [10.0.1.1]:22 penalty: exceeded LoginGraceTime");
    check(event, "login", "penalty", "");
    check_peer(event, "10.0.1.7", 36333);
    event = listener("drop connection #3 from [fd00::7]:57599 on [fd00::1]:22 Maxstartups");
    check(event, "login", "too-many-connections", "");
    check_peer(event, "fd00::7", 57599);
    event = listener("MaxStartups logging rate-limited: additional 20 connections dropped");
    check(event, "login", "too-many-connections", "");
    CHECK_EQUAL(20, event->number(Field::event_count));
}

TEST(sshd, penalties) {
    const auto event = listener(
        "srclimit_penalise: 10.0.1.7/32: activating ipv4 penalty of 20 seconds for penalty: exceeded LoginGraceTime");
    check(event, "ssh-penalty", "", "");
    check_peer(event, "10.0.1.7", 0);
    CHECK_FALSE(
        listener(
            "srclimit_penalise: ipv4: new 10.0.1.1/32 deferred penalty of 5 seconds for penalty: failed authentication")
            .has_value());
}

TEST(sshd, a_name_does_not_forge_an_address) {
    connect();
    auto event = monitor("Invalid user bob from 1.2.3.4 port 5 ssh2 from 10.0.1.5 port 34790");
    check(event, "login", "unknown-account", "bob from 1.2.3.4 port 5 ssh2");
    check_peer(event);
    // the same where the connection is not known: what stands last counts
    event = monitor("Invalid user root from 1.2.3.4 port 5 from 10.0.1.5 port 34790", 77);
    check(event, "login", "unknown-account", "root from 1.2.3.4 port 5");
    check_peer(event);
    event = monitor(text::concat("Failed publickey for invalid user a from 1.2.3.4 port 5 ssh2: ED25519 ", kPrint,
                                 " from 10.0.1.5 port 34790 ssh2: RSA ", kPrint),
                    78);
    CHECK_TRUE(event->shown(Field::user_name).starts_with("a from 1.2.3.4 port 5 ssh2: ED25519 SHA256:"));
    check_peer(event);
    event =
        monitor("User x from 1.2.3.4 not allowed because of 5 from 10.0.1.5 not allowed because not in any group", 79);
    check(event, "login", "not-allowed", "x from 1.2.3.4 not allowed because of 5");
    check_peer(event, "10.0.1.5", 0);
}

TEST(sshd, a_certificates_text_is_not_taken_for_an_address) {
    connect();
    const auto event = monitor(text::concat("Failed publickey for tanaka from 10.0.1.5 port 34790 ssh2: ED25519-CERT ",
                                            kPrint, " ID x from 1.2.3.4 port 5 ssh2 (serial 0) CA ED25519 ", kPrint));
    check(event, "ssh-message", "", "");
    check_peer(event);
}

TEST(sshd, what_the_kernel_attests_wins_over_the_text) {
    connect();
    check_peer(monitor("Invalid user bob from 1.2.3.4 port 5"));
}

TEST(sshd, before_the_login_nobody_is_let_in_by_a_line) {
    connect();
    const std::string line =
        text::concat("Accepted publickey for admin from 10.0.1.5 port 34790 ssh2: ED25519 ", kPrint);
    check(monitor(line + " [preauth]"), "ssh-message", "", "");
    check(monitor("Connection from 1.2.3.4 port 5 on 10.0.1.1 port 22 rdomain \"\" [preauth]"), "ssh-message", "", "");
    check_peer(monitor("Invalid user bob from 10.0.1.5 port 34790"));
}

TEST(sshd, an_accounts_process_can_only_speak_for_itself) {
    log_in();
    for (const std::string& line :
         {text::concat("Accepted publickey for admin from 10.0.1.9 port 1 ssh2: ED25519 ", kPrint),
          std::string("Invalid user x from 10.0.1.9 port 1"),
          std::string("Connection from 10.0.1.9 port 1 on 10.0.1.1 port 22 rdomain \"\""),
          std::string("User child is on pid 99"), std::string("ssh-server: made a host key")}) {
        const auto event = child(line);
        check(event, "ssh-message", "", "");
        check_peer(event);
    }
    // and another user's process that has its number is not it
    const auto event = reader.read({kChild, 0, "no more sessions"});
    check(event, "ssh-refused", "second-session", "");
    CHECK_FALSE(event->has(Field::source_ip));
}

TEST(sshd, unknown_lines_are_bounded_host_events) {
    const auto event = listener(std::string(4000, 'x') + "\x1b[2J");
    check(event, "ssh-message", "", "");
    STRCMP_EQUAL("host", event->shown(Field::event_category).c_str());
    CHECK_TRUE(event->shown(Field::message).size() <= 400);
}

TEST(sshd, names_are_bounded_and_safe_to_show) {
    connect();
    const auto event =
        monitor(text::concat("Invalid user ", std::string(300, 'a'), "\x1b[2J from 10.0.1.5 port 34790"));
    CHECK_EQUAL(128, event->shown(Field::user_name).size());
}

TEST(sshd, the_start_script) {
    auto event = monitor("ssh-server: made this router's host key");
    check(event, "ssh-server", "", "");
    STRCMP_EQUAL("success", event->shown(Field::event_outcome).c_str());
    event = monitor("ssh-server: problem: no host key can be kept");
    STRCMP_EQUAL("failure", event->shown(Field::event_outcome).c_str());
}

TEST(sshd, what_is_known_is_bounded) {
    for (std::uint32_t process = 100; process < 1000; ++process) {
        connect(process);
    }
    CHECK_EQUAL(SshdReader::kMostProcesses, reader.known_processes());
    check_peer(monitor("Invalid user bob from 1.2.3.4 port 5", 999)); // the latest are kept
}

TEST(sshd, link_local_addresses) {
    check_peer(monitor("Invalid user bob from fe80::5%br-clinic port 34790", 5), "fe80::5", 34790);
}

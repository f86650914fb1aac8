// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/ssh_server.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <algorithm>

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::Login;

namespace {

constexpr const char* kKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0V5JyaItTtxqVBjHtIbK1bSXB5zYzVdUeDyPRYBu0k";
constexpr const char* kOtherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILTdvBrPUY+Oz5nYoVIOUqTSYSVaTBLdtHjp6ZfbJjGn";
constexpr const char* kPasswd = "root:*:0:0:root:/root:/usr/bin/false\nsshd:*:102:65534::/run/sshd:/usr/bin/false\n";
constexpr const char* kGroupTable = "root:*:0:\nnogroup:*:65534:\n";
constexpr const char* kSession = "/usr/lib/openssh/sshd-session";

bool has_line(const std::string& text, std::string_view line) {
    return std::ranges::contains(text::split(text, '\n'), line);
}

} // namespace

TEST_GROUP(ssh_server) {
    fakes::FakeProcesses processes;
    fakes::FakeStore store;
    fakes::FakeStore run_store;
    fakes::FakeLoop loop;
    fakes::FakeClock clock;
    fakes::FakeLogFiles files;
    services::Timekeeper timekeeper{clock, store, Time{}};
    services::EventLog log{files, store, timekeeper, "boot"};
    services::SshServer server{{processes, run_store, loop}, log, {}, {kPasswd, kGroupTable}};
    model::Model model;
    std::vector<Login> logins;

    void setup() override {
        model.interfaces.push_back(interface("br-clinic", {"10.0.1.1/24", "fd00::1/64"}));
        model.interfaces.push_back(interface("lan3", {"10.0.2.1/24"}));
        model.zones.push_back({.name = "clinic", .place = {}, .interfaces = {"br-clinic"}});
        model.zones.push_back({.name = "modality", .place = {}, .interfaces = {"lan3"}});
        model.zones.push_back({.name = "wan", .place = {}, .interfaces = {"wan0"}});
        model.management.ssh_zones = {"clinic"};
        logins = {{"admin", 2000, {}, true}, {"tanaka", 2001, {kKey}, false}};
    }
    static model::Interface interface(const char* name, std::initializer_list<const char*> addresses) {
        model::Interface made;
        made.name = name;
        for (const char* address : addresses) {
            made.addresses.push_back(InterfaceAddress::parse(address).value());
        }
        return made;
    }
    void follow() {
        CHECK_TRUE(server.follow(model, logins).has_value());
    }
    const std::string& configuration() {
        return run_store.files["ssh/sshd_config"];
    }
    std::size_t stops() {
        return static_cast<std::size_t>(std::ranges::count(processes.stopped, "sshd"));
    }
};

TEST(ssh_server, without_a_statement_nothing_runs) {
    model.management.ssh_zones.clear();
    follow();
    CHECK_FALSE(processes.programs.contains("sshd"));
    CHECK_FALSE(run_store.files.contains("ssh/sshd_config"));
    CHECK_TRUE(server.listens_on().empty());
}

TEST(ssh_server, listens_on_the_own_addresses_of_the_named_zones_alone) {
    follow();
    CHECK_TRUE((processes.programs["sshd"] ==
                std::vector<std::string>{"/usr/libexec/sekisho/ssh-server", "/data/ssh", "/run/sekisho/ssh"}));
    CHECK_TRUE(has_line(configuration(), "Port 22"));
    CHECK_TRUE(has_line(configuration(), "ListenAddress 10.0.1.1"));
    CHECK_TRUE(has_line(configuration(), "ListenAddress fd00::1"));
    CHECK_FALSE(configuration().contains("10.0.2.1"));
    CHECK_FALSE(configuration().contains("0.0.0.0"));
    STRCMP_EQUAL("nothing: there is no host key yet", server.listens_on().c_str());
    run_store.files["ssh/host_key.pub"] = kKey;
    STRCMP_EQUAL("port 22 on 10.0.1.1 fd00::1", server.listens_on().c_str());
}

TEST(ssh_server, a_service_from_the_wan_makes_it_listen_everywhere) {
    model::Service service;
    service.name = "remote";
    service.from = {"wan"};
    service.ports = {{2222, 2222}};
    model.services.push_back(service);
    model.management.ssh_port = 2222;
    follow();
    CHECK_TRUE(has_line(configuration(), "ListenAddress 0.0.0.0"));
    CHECK_TRUE(has_line(configuration(), "ListenAddress ::"));
    CHECK_TRUE(has_line(configuration(), "Port 2222"));
    // another port does not
    model.services[0].ports = {{22, 22}};
    follow();
    CHECK_FALSE(configuration().contains("0.0.0.0"));
}

TEST(ssh_server, zones_without_an_address_are_an_error_and_not_everywhere) {
    model.interfaces.clear();
    CHECK_FALSE(server.follow(model, logins).has_value());
    CHECK_FALSE(processes.programs.contains("sshd"));
}

TEST(ssh_server, a_session_is_all_there_is) {
    follow();
    for (const char* line :
         {"AuthenticationMethods publickey", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
          "UsePAM no", "PermitRootLogin no", "AllowGroups sekisho", "DisableForwarding yes", "PermitTunnel no",
          "PermitUserEnvironment no", "PermitUserRC no", "MaxSessions 1", "MaxAuthTries 3", "UseDNS no",
          "ChannelTimeout session=35m session:*=35m", "DebianBanner no", "HostKey /data/ssh/host_ed25519",
          "AuthorizedKeysFile /run/sekisho/ssh/keys/%u"}) {
        CHECK_TRUE_TEXT(has_line(configuration(), line), line);
    }
    CHECK_FALSE(configuration().contains("Subsystem"));
    CHECK_FALSE(configuration().contains("AcceptEnv"));
}

TEST(ssh_server, files_that_sshd_reads_as_the_account_are_readable) {
    follow();
    STRCMP_EQUAL(text::concat("restrict,pty ", kKey, "\n").c_str(), run_store.files["ssh/keys/tanaka"].c_str());
    STRCMP_EQUAL("", run_store.files["ssh/keys/admin"].c_str());
    STRCMP_EQUAL(
        text::concat(kPasswd, "admin:*:2000:2000::/:/usr/bin/sekisho\ntanaka:*:2001:2000::/:/usr/bin/sekisho\n")
            .c_str(),
        run_store.files["passwd"].c_str());
    STRCMP_EQUAL(text::concat(kGroupTable, "sekisho:*:2000:\n").c_str(), run_store.files["group"].c_str());
    for (const char* name : {"ssh/keys/tanaka", "ssh/sshd_config", "passwd", "group"}) {
        CHECK_TRUE(run_store.readable.contains(name));
    }
}

TEST(ssh_server, the_listener_restarts_for_its_own_settings_only) {
    follow();
    const std::size_t before = stops();
    logins.push_back({"sato", 2002, {kOtherKey}, false});
    follow();
    CHECK_EQUAL(before, stops());
    CHECK_TRUE(run_store.files.contains("ssh/keys/sato"));
    model.management.ssh_port = 2200;
    follow();
    CHECK_EQUAL(before + 1, stops());
    CHECK_TRUE(processes.programs.contains("sshd"));
    loop.advance(5000, clock);
    CHECK_TRUE(processes.ended.empty()); // sessions live on
}

TEST(ssh_server, an_account_that_is_gone_keeps_nothing) {
    follow();
    logins.pop_back();
    follow();
    CHECK_FALSE(run_store.files.contains("ssh/keys/tanaka"));
    CHECK_FALSE(run_store.files["passwd"].contains("tanaka"));
    CHECK_TRUE(processes.ended.empty()); // the answer to the command goes out first
    loop.advance(1000, clock);
    CHECK_TRUE((processes.ended == std::vector<std::pair<std::uint32_t, std::string>>{{2001, ""}}));
    CHECK_EQUAL(1, files.count("\"account-removed\""));
    CHECK_EQUAL(1, files.count("\"tanaka\""));
}

TEST(ssh_server, an_account_that_comes_back_keeps_its_new_sessions) {
    follow();
    const std::vector<Login> all = logins;
    logins.pop_back();
    follow();
    logins = all;
    follow();
    CHECK_EQUAL(1, processes.ended.size()); // before anybody can log in again
    loop.advance(5000, clock);
    CHECK_EQUAL(1, processes.ended.size());
}

TEST(ssh_server, a_key_that_is_gone_ends_what_came_over_ssh) {
    logins[1].ssh_keys.emplace_back(kOtherKey);
    follow();
    logins[1].ssh_keys.pop_back();
    follow();
    loop.advance(1000, clock);
    CHECK_TRUE((processes.ended == std::vector<std::pair<std::uint32_t, std::string>>{{2001, kSession}}));
    CHECK_EQUAL(1, files.count("\"key-removed\""));
    // a key more ends nothing
    logins[1].ssh_keys.emplace_back(kOtherKey);
    follow();
    loop.advance(1000, clock);
    CHECK_EQUAL(1, processes.ended.size());
}

TEST(ssh_server, without_ssh_its_sessions_end_and_the_consoles_do_not) {
    follow();
    model.management.ssh_zones.clear();
    follow();
    CHECK_FALSE(processes.programs.contains("sshd"));
    loop.advance(1000, clock);
    CHECK_TRUE(
        (processes.ended == std::vector<std::pair<std::uint32_t, std::string>>{{2000, kSession}, {2001, kSession}}));
}

TEST(ssh_server, what_can_not_be_written_stops_it) {
    follow();
    logins[1].ssh_keys = {kOtherKey};
    run_store.refuse_writes_to = "ssh/keys/tanaka";
    CHECK_FALSE(server.follow(model, logins).has_value());
    CHECK_FALSE(processes.programs.contains("sshd"));
    // and it is tried again
    run_store.refuse_writes_to.clear();
    follow();
    CHECK_TRUE(processes.programs.contains("sshd"));
    CHECK_TRUE(run_store.files["ssh/keys/tanaka"].contains(kOtherKey));
}

TEST(ssh_server, the_host_keys_fingerprint) {
    STRCMP_EQUAL("", server.host_key_fingerprint().c_str());
    run_store.files["ssh/host_key.pub"] = text::concat(kKey, " comment\n");
    const std::string with_comment = server.host_key_fingerprint();
    CHECK_TRUE(with_comment.starts_with("SHA256:"));
    CHECK_EQUAL(50, with_comment.size());
    run_store.files["ssh/host_key.pub"] = text::concat(kKey, "\n");
    STRCMP_EQUAL(with_comment.c_str(), server.host_key_fingerprint().c_str());
    run_store.files["ssh/host_key.pub"] = "nonsense";
    STRCMP_EQUAL("", server.host_key_fingerprint().c_str());
}

TEST_GROUP(ssh_server_files){};

TEST(ssh_server_files, a_key_that_is_more_than_type_and_blob_is_refused) {
    for (const char* key : {"", "ssh-ed25519", "ssh-ed25519 AAAA comment", "command=\"sh\" ssh-ed25519 AAAA",
                            "ssh-ed25519 AAAA\nssh-ed25519 BBBB", "ssh-ed25519  AAAA", "ssh-ed25519 AA\"AA",
                            "ssh-ed25519\tAAAA", "# AAAA"}) {
        CHECK_FALSE_TEXT(services::authorized_keys(std::vector<std::string>{key}).has_value(), key);
    }
}

TEST(ssh_server_files, a_path_that_sshd_could_read_otherwise_is_refused) {
    for (const char* path :
         {"", "relative", "/run/a b", "/run/%u", "/run/a\nPermitRootLogin yes", "/run/\"x", "/run/*"}) {
        CHECK_FALSE(services::sshd_configuration({}, path, "/data/key").has_value());
        CHECK_FALSE(services::sshd_configuration({}, "/run/ssh", path).has_value());
    }
}

TEST(ssh_server_files, an_account_that_is_no_account_is_refused) {
    const services::UserTables base{kPasswd, kGroupTable};
    for (const Login& login :
         {Login{"root", 2001, {}, false}, Login{"sshd", 2001, {}, false}, Login{"a:b", 2001, {}, false},
          Login{"a\nb", 2001, {}, false}, Login{"", 2001, {}, false}, Login{"tanaka", 0, {}, false},
          Login{"tanaka", 102, {}, false}, Login{"tanaka", 65534, {}, false}, Login{"tanaka", 1999, {}, false}}) {
        CHECK_FALSE_TEXT(services::user_tables(base, std::vector{login}, "/usr/bin/sekisho").has_value(),
                         login.name.c_str());
    }
    CHECK_FALSE(services::user_tables(base, std::vector<Login>{{"a", 2001, {}, false}, {"b", 2001, {}, false}}, "/x")
                    .has_value());
    CHECK_FALSE(services::user_tables(base, std::vector<Login>{{"a", 2001, {}, false}, {"a", 2002, {}, false}}, "/x")
                    .has_value());
    CHECK_FALSE(services::user_tables(base, std::vector<Login>{{"a", 2001, {}, false}}, "/x:y").has_value());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/authenticator_programs.hpp"
#include "tests/unit/fakes/authenticators.hpp"
#include "tests/unit/fakes/fakes.hpp"
#include "tests/unit/fakes/password_hasher.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

class FakeKeyMaker final : public ports::KeyMaker {
public:
    Result<std::string> random_hex(std::size_t bytes) override { return std::string(bytes * 2, 'b'); }

    Result<ports::ServerKey> make_server_key(std::string_view name, Time /*from*/, Time /*to*/) override {
        ++made;
        return ports::ServerKey{.key = "key\n", .certificate = std::string(name) + "\n"};
    }

    int made = 0;
};

} // namespace

TEST_GROUP(authenticator_programs) {
    fakes::FakeClock clock;
    fakes::FakeStore store;
    fakes::FakeStore run_store;
    fakes::FakeLogFiles files;
    fakes::FakeProcesses processes;
    fakes::FakeHasher hasher;
    FakeKeyMaker keys;
    fakes::FakeRadiusServers radius;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    services::AccessSecrets secrets{store, hasher, log};
    services::AuthenticatorPrograms programs{{processes, store, run_store, keys, radius}, secrets, {}, Time{}};
    model::Model model;

    void setup() override {
        CHECK(secrets.load().has_value());
        for (const char* name : {"lan1", "lan2"}) {
            model::AccessPort port;
            port.name = name;
            port.mode = model::AccessMode::dot1x;
            model.access.ports.push_back(port);
        }
        model.access.users.push_back(
            {.name = "tanaka", .place = {}, .role = {}, .expires = {}, .certificates = {}, .note = {}});
    }

    ports::ControlResponse store_secret(const char* kind, const char* name, const char* secret) {
        const auto invocation = services::parse_command(std::vector<std::string>{"access-secret", kind, name});
        return secrets.store_secret(*invocation, {.peer = {}, .origin = {}, .words = {}, .payload = secret},
                                    model.access);
    }
};

TEST(authenticator_programs, a_program_per_port_and_one_server) {
    CHECK(programs.follow(model).has_value());
    CHECK(processes.running() == (std::vector<std::string>{"eap-server", "hostapd lan1", "hostapd lan2"}));
    STRCMP_CONTAINS("auth_server_port=40000\n", run_store.files["hostapd/lan1.conf"].c_str());
    LONGS_EQUAL(1, radius.settings.servers.size());
    STRCMP_EQUAL("127.0.0.1", radius.settings.servers[0].address.text().c_str());
    LONGS_EQUAL(1, keys.made);
    STRCMP_EQUAL("sekisho.internal\n", programs.server_certificate().c_str());
}

TEST(authenticator_programs, the_servers_key_stays) {
    CHECK(programs.follow(model).has_value());
    services::AuthenticatorPrograms again{{processes, store, run_store, keys, radius}, secrets, {}, Time{}};
    CHECK(again.follow(model).has_value());
    LONGS_EQUAL(1, keys.made);
}

TEST(authenticator_programs, a_changed_user_restarts_the_server_and_no_port) {
    CHECK(programs.follow(model).has_value());
    processes.stopped.clear();
    LONGS_EQUAL(0, store_secret("user", "tanaka", "password").exit_status);
    CHECK(programs.follow(model).has_value());
    CHECK(processes.stopped == std::vector<std::string>{"eap-server"});
    STRCMP_CONTAINS("hash:8846f7eaee8fb117ad06bdd830b7586c", run_store.files["hostapd/users"].c_str());
    processes.stopped.clear();
    CHECK(programs.follow(model).has_value());
    CHECK(processes.stopped.empty());
}

TEST(authenticator_programs, without_dot1x_nothing_runs) {
    CHECK(programs.follow(model).has_value());
    for (auto& port : model.access.ports) {
        port.mode = model::AccessMode::mab;
    }
    CHECK(programs.follow(model).has_value());
    CHECK(processes.running().empty());
    CHECK(radius.settings.servers.empty());
}

TEST(authenticator_programs, a_clinics_server_decides_instead_once_its_secret_is_there) {
    CHECK(programs.follow(model).has_value());
    model.access.radius_servers.push_back(
        {.name = "nps", .place = {}, .address = IpAddress::parse("10.0.1.5").value(), .port = 1812});
    const auto refused = programs.follow(model);
    CHECK_FALSE(refused.has_value());
    STRCMP_CONTAINS("'access secret nps'", refused.error().message().c_str());
    CHECK(processes.running() == (std::vector<std::string>{"hostapd lan1", "hostapd lan2"}));
    CHECK(radius.settings.servers.empty());
    LONGS_EQUAL(1, store_secret("radius", "nps", "too short").exit_status);
    LONGS_EQUAL(0, store_secret("radius", "nps", "a secret of some length").exit_status);
    CHECK(programs.follow(model).has_value());
    LONGS_EQUAL(1, radius.settings.servers.size());
    STRCMP_EQUAL("10.0.1.5", radius.settings.servers[0].address.text().c_str());
    STRCMP_EQUAL("a secret of some length", radius.settings.servers[0].secret.c_str());
}

TEST(authenticator_programs, secrets_are_stored_for_what_the_configuration_has) {
    LONGS_EQUAL(1, store_secret("user", "nobody", "password").exit_status);
    LONGS_EQUAL(1, store_secret("radius", "tanaka", "a secret of some length").exit_status);
    LONGS_EQUAL(1, store_secret("user", "tanaka", "short").exit_status);
    LONGS_EQUAL(1, store_secret("user", "tanaka", "\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82").exit_status);
    CHECK(secrets.find(accounts::SecretKind::user, "tanaka").empty());
    LONGS_EQUAL(0, store_secret("user", "tanaka", "password").exit_status);
    for (const std::string& line : files.all_lines()) {
        CHECK_FALSE(line.contains("\"password\"") || line.contains("8846f7"));
    }
    services::AccessSecrets again{store, hasher, log};
    CHECK(again.load().has_value());
    CHECK(again.find(accounts::SecretKind::user, "tanaka") == "8846f7eaee8fb117ad06bdd830b7586c");
}

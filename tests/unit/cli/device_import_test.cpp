// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/start.hpp"
#include "tests/unit/cli/fake_daemon.hpp"
#include "tests/unit/fakes/fake_terminal.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr std::string_view kInForce =
    R"(interfaces { interface wan0 { address 198.51.100.2/24; } bridge br0 { port lan1; address 10.0.1.1/24; } }
zones { wan { interface wan0; } clinic { interface br0; } }
port-access { role office { } port lan1 { mode mab; role office; } device 00:11:22:33:44:55 { name "desk"; } }
)";

} // namespace

TEST_GROUP(device_import) {
    cli::FakeDaemon daemon;
    fakes::FakeClock clock;
    fakes::FakeTerminal terminal{clock};

    void setup() override {
        terminal.interactive = false;
        daemon.output = kInForce;
    }

    int ask(std::vector<std::string> words, std::string input) {
        words.insert(words.begin(), {"access", "import"});
        terminal.types(std::move(input));
        return cli::start("sekisho", words, {daemon, clock, terminal});
    }
};

TEST(device_import, prints_entries_and_asks_nobody) {
    LONGS_EQUAL(0, ask({"-"}, "mac,name\n00:11:22:33:44:56,printer\n"));
    STRCMP_EQUAL("port-access {\n    device 00:11:22:33:44:56 {\n        name \"printer\";\n    }\n}\n",
                 terminal.output.c_str());
    STRCMP_EQUAL("devices: 1 new, 0 changed, 0 as they were\n", terminal.errors.c_str());
    LONGS_EQUAL(0, daemon.calls.size());
}

TEST(device_import, merges_into_the_configuration_in_force_and_applies_nothing) {
    LONGS_EQUAL(0, ask({"--merge", "-"}, "mac,name,port\r\n00:11:22:33:44:55,desk 2,lan1\r\n"));
    STRCMP_CONTAINS("device 00:11:22:33:44:55 {\n        name \"desk 2\";\n        port lan1;",
                    terminal.output.c_str());
    STRCMP_CONTAINS("interface wan0", terminal.output.c_str());
    LONGS_EQUAL(1, daemon.calls.size());
    CHECK(daemon.calls[0].words == (std::vector<std::string>{"show", "configuration"}));
}

TEST(device_import, what_the_configuration_refuses_is_told_with_the_tables_place) {
    LONGS_EQUAL(1, ask({"--merge", "-"}, "mac,name,role,port\n00:11:22:33:44:55,desk,nurse,lan1\n"));
    STRCMP_CONTAINS("standard input:2:24: error: port-access device 00:11:22:33:44:55: there is no role 'nurse'",
                    terminal.errors.c_str());
    STRCMP_EQUAL("", terminal.output.c_str());
}

TEST(device_import, a_configuration_that_is_none_is_told_apart) {
    daemon.output = "interfaces {\n";
    LONGS_EQUAL(1, ask({"--merge", "-"}, "mac,name\n00:11:22:33:44:55,desk\n"));
    STRCMP_CONTAINS("the configuration in force:", terminal.errors.c_str());
}

TEST(device_import, one_configuration_at_a_time) {
    LONGS_EQUAL(1, ask({"--merge", "--into", "/nowhere", "-"}, "mac\n"));
    STRCMP_CONTAINS("--into: ", terminal.errors.c_str());
    LONGS_EQUAL(1, ask({"--into", "/nonexistent/clinic.conf", "-"}, "mac\n"));
    STRCMP_CONTAINS("/nonexistent/clinic.conf", terminal.errors.c_str());
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/packet_question.hpp"
#include "tests/unit/fakes/fake_countries.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr std::string_view kConfiguration =
    R"(interfaces { interface wan0 { address 198.51.100.2/24; gateway 198.51.100.1; } interface lan1 { address 10.0.1.1/24; } }
zones { wan { interface wan0; } clinic { interface lan1; } }
address-list vendor { address 203.0.113.0/28; address 203.0.113.99 { expires 2026-12-31; } }
service web { protocol tcp; port 8443; forward-to 10.0.1.20; forward-port 443; source { address-list vendor; } }
policy out { from clinic; to wan; protocol tcp; port 443; action allow; }
)";

} // namespace

TEST_GROUP(packet_question) {
    fakes::FakeClock clock;
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeStore run_store;
    fakes::FakeLogFiles files;
    fakes::FakeFilter filter;
    fakes::FakeNetwork network;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    fakes::FakeGeoDatabases databases{store.files};
    services::Countries countries{{databases, store, loop}, keeper, log};
    services::PolicyService policy{{filter, network, store, run_store, loop, clock}, keeper, log, countries, ""};
    services::PacketQuestion question{network, policy, countries, keeper};

    void setup() override {
        policy.start();
        const auto applied = policy.apply(kConfiguration, {"admin", "local"});
        CHECK_TEXT(applied.has_value(), applied ? "" : applied.error().c_str());
    }

    ports::ControlResponse ask(std::string_view line) {
        const auto words = services::split_line(line).value();
        return question.answer(services::parse_command(words).value());
    }
};

TEST(packet_question, what_passes_is_told_step_by_step) {
    const auto said = ask("test packet from 203.0.113.5 to 198.51.100.2 port 8443");
    LONGS_EQUAL(0, said.exit_status);
    for (const char* part :
         {"accepted", "service.web.allow", "10.0.1.20 port 443", "lan1", "vendor", "screen", "translate",
          "the destination becomes 10.0.1.20 port 443", "a first packet like this one passes"}) {
        STRCMP_CONTAINS(part, said.output.c_str());
    }
}

TEST(packet_question, what_does_not_pass_names_its_rule_and_line) {
    const auto said = ask("test packet from 203.0.113.50 to 198.51.100.2 port 8443 --json");
    LONGS_EQUAL(3, said.exit_status);
    STRCMP_CONTAINS(R"("verdict":"denied","rule":"service.web.deny","reason":"not-allowed","line":4)",
                    said.output.c_str());
    STRCMP_CONTAINS(R"("steps":[)", said.output.c_str());
    const auto other = ask("test packet from 10.0.1.50 to 192.0.2.1 port 80");
    LONGS_EQUAL(3, other.exit_status);
    STRCMP_CONTAINS("zone.clinic.deny", other.output.c_str());
    LONGS_EQUAL(0, ask("test packet from 10.0.1.50 to 192.0.2.1 port 443 protocol tcp source-port 50000").exit_status);
}

TEST(packet_question, an_entry_is_asked_about_at_a_time_to_come) {
    LONGS_EQUAL(0, ask("test packet from 203.0.113.99 to 198.51.100.2 port 8443").exit_status);
    LONGS_EQUAL(3, ask("test packet from 203.0.113.99 to 198.51.100.2 port 8443 at 2027-01-02T00:00:00Z").exit_status);
    const auto past = ask("test packet from 203.0.113.99 to 198.51.100.2 port 8443 at 2020-01-02T00:00:00Z");
    LONGS_EQUAL(2, past.exit_status);
    STRCMP_CONTAINS("is past", past.errors.c_str());
}

TEST(packet_question, what_makes_no_sense_is_refused) {
    for (const auto& [line, why] : std::initializer_list<std::pair<const char*, const char*>>{
             {"test packet from x to 198.51.100.2 port 1", "address"},
             {"test packet from 2001:db8::1 to 198.51.100.2 port 1", "another family"},
             {"test packet from 203.0.113.5 to 198.51.100.2", "needed with this protocol"},
             {"test packet from 203.0.113.5 to 198.51.100.2 port 70000", "0 to 65535"},
             {"test packet from 203.0.113.5 to 198.51.100.2 port 1 protocol tcpx", "takes tcp"},
             {"test packet from 203.0.113.5 to 198.51.100.2 port 1 role office", "none of port-access"},
             {"test packet from 10.0.1.1 to 198.51.100.2 port 1", "router's own"}}) {
        const auto said = ask(line);
        LONGS_EQUAL(2, said.exit_status);
        STRCMP_CONTAINS(why, said.errors.c_str());
    }
    LONGS_EQUAL(3, ask("test packet from 203.0.113.5 to 198.51.100.2 protocol esp").exit_status);
    const auto unrouted = ask("test packet from 2001:db8::1 to 2001:db8::2 protocol icmp");
    LONGS_EQUAL(3, unrouted.exit_status);
    STRCMP_CONTAINS("not passed by the IP stack", unrouted.output.c_str());
}

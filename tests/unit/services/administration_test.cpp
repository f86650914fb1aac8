// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/administration.hpp"
#include "tests/unit/fakes/fake_countries.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr std::string_view kConfiguration =
    R"(interfaces { interface wan0 { address 198.51.100.2/24; } interface lan1 { address 10.0.1.1/24; } }
zones { wan { interface wan0; } clinic { interface lan1; } }
policy out { from clinic; to wan; action allow; }
)";

/// Reads back nothing but the action: enough to tell events from garbage.
class ActionReader final : public ports::EventReader {
public:
    Result<events::Event> read(std::string_view line) override {
        const std::size_t action = line.find("\"action\":\"");
        if (action == std::string_view::npos) {
            return std::unexpected(Error(Domain::event, "line", "has no action"));
        }
        const std::string_view rest = line.substr(action + 10);
        events::Event event;
        event.set(events::Field::event_action, std::string(rest.substr(0, rest.find('"'))));
        return event;
    }
};

} // namespace

TEST_GROUP(administration) {
    fakes::FakeClock clock;
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeStore run_store;
    fakes::FakeLogFiles files;
    fakes::FakeFilter filter;
    fakes::FakeNetwork network;
    fakes::FakeSystem machine;
    ActionReader reader;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    fakes::FakeGeoDatabases databases{store.files};
    services::Countries countries{{databases, store, loop}, keeper, log};
    services::PolicyService policy{{filter, network, store, run_store, loop, clock}, keeper, log, countries, ""};
    services::Administration administration{{filter, network, machine, clock, reader}, policy, log, keeper};

    ports::ControlResponse ask(std::vector<std::string> words, std::string payload = {}, std::uint32_t user = 0) {
        return administration.handle(
            {{user, 77, user == 0 ? "root" : "nobody"}, "local", std::move(words), std::move(payload)});
    }
};

TEST(administration, an_account_without_the_right_is_refused_and_recorded) {
    const auto response = ask({"apply", "-"}, std::string(kConfiguration), 65534);
    LONGS_EQUAL(1, response.exit_status);
    CHECK(policy.source() == services::PolicySource::none);
    CHECK(files.count("\"login\"") == 1);
    CHECK(files.count("not-authorised") == 1);
    CHECK(files.count("nobody") == 1);
}

TEST(administration, an_account_in_force_is_served_under_its_name) {
    administration.admit(
        {[](std::uint32_t user) { return user == 2001 ? std::optional<std::string>("tanaka") : std::nullopt; },
         [](std::uint32_t user) { return user == 2002 ? std::optional<std::string>("suzuki") : std::nullopt; }});
    std::string began;
    administration.on_session([&](const std::string& account) { began = account; });
    LONGS_EQUAL(0, ask({"apply", "-"}, std::string(kConfiguration), 2001).exit_status);
    CHECK(files.lines.front().back().contains("\"user\":{\"name\":\"tanaka\"}"));
    LONGS_EQUAL(0, ask({"session", "begin"}, {}, 2001).exit_status);
    STRCMP_EQUAL("tanaka", began.c_str());
    LONGS_EQUAL(0, ask({"show", "system"}, {}, 0).exit_status);

    // an account that is no longer in force is refused and recorded by name, others by what the machine calls them
    LONGS_EQUAL(1, ask({"show", "system"}, {}, 2002).exit_status);
    CHECK(files.lines.front().back().contains("\"user\":{\"name\":\"suzuki\"}"));
    LONGS_EQUAL(1, ask({"show", "system"}, {}, 2003).exit_status);
    CHECK(files.lines.front().back().contains("\"user\":{\"name\":\"nobody\"}"));
    LONGS_EQUAL(2, files.count("not-authorised"));
}

TEST(administration, commands_of_the_own_programs_are_the_superuser_s) {
    administration.admit({[](std::uint32_t) { return std::optional<std::string>("tanaka"); }, {}});
    int asked = 0;
    administration.serve(services::CommandId::authenticate, [&](const auto&, const auto&) {
        ++asked;
        return ports::ControlResponse{};
    });
    for (const auto& words : std::vector<std::vector<std::string>>{{"authenticate", "state"},
                                                                   {"authenticate", "password", "admin"},
                                                                   {"lease-event", "bound", "interface=wan0"}}) {
        const auto response = ask(words, {}, 2001);
        LONGS_EQUAL(1, response.exit_status);
        CHECK(response.errors.contains("own programs"));
        CHECK(files.lines.front().back().contains("not-authorised"));
        CHECK(files.lines.front().back().contains("\"user\":{\"name\":\"tanaka\"}"));
    }
    LONGS_EQUAL(0, asked);
    LONGS_EQUAL(0, ask({"authenticate", "state"}).exit_status);
    LONGS_EQUAL(1, asked);
}

TEST(administration, what_a_stranger_sends_is_recorded_in_bounds) {
    LONGS_EQUAL(1, ask({std::string(60'000, 'x')}, {}, 65534).exit_status);
    CHECK(files.lines.front().back().size() < 1000);
}

TEST(administration, the_system_tells_that_the_wan_is_held_down) {
    CHECK(ask({"show", "system", "--json"}).output.contains("\"wan_held\":false"));
    policy.hold_wan();
    CHECK(ask({"show", "system", "--json"}).output.contains("\"wan_held\":true"));
    CHECK(ask({"show", "system"}).output.contains("the WAN stays down until the first password is set"));
}

TEST(administration, an_apply_answers_with_the_policy_in_force) {
    const auto response = ask({"apply", "-"}, std::string(kConfiguration));
    LONGS_EQUAL(0, response.exit_status);
    CHECK(response.output.starts_with("Applied: "));
    STRCMP_EQUAL(std::string(kConfiguration).c_str(), ask({"show", "configuration"}).output.c_str());
}

TEST(administration, a_refused_apply_names_line_and_column) {
    const auto response = ask({"apply", "-"}, "zones {\n    wan { interfce wan0; }\n}\n");
    LONGS_EQUAL(1, response.exit_status);
    CHECK(response.errors.contains("configuration:2:11: error:"));
    CHECK(response.errors.contains("unchanged"));
}

TEST(administration, rules_show_hits_and_the_configuration_they_come_from) {
    ask({"apply", "-"}, std::string(kConfiguration));
    filter.readings = {{"policy.out.allow", 7, 420}};
    const auto response = ask({"show", "rules", "--json"});
    CHECK(response.output.contains("\"id\":\"policy.out.allow\""));
    CHECK(response.output.contains("\"packets\":7"));
    CHECK(response.output.contains("\"line\":3"));
    CHECK(response.output.contains("policy out { from clinic; to wan; action allow; }"));
}

TEST(administration, reading_the_log_is_recorded_with_the_reader) {
    const auto response = ask({"show", "log", "--json"});
    LONGS_EQUAL(0, response.exit_status);
    CHECK(files.count("log-read") == 1);
}

TEST(administration, lines_that_are_no_events_are_counted) {
    files.lines.front().emplace_back("garbage");
    CHECK(ask({"show", "log"}).output.contains("1 lines are no events"));
}

TEST(administration, a_count_that_is_none_is_refused) {
    for (const char* count : {"0", "-1", "x", "100001"}) {
        LONGS_EQUAL(2, ask({"show", "log", "--last", count}).exit_status);
    }
}

TEST(administration, commands_of_the_client_are_refused) {
    LONGS_EQUAL(2, ask({"check", "x"}).exit_status);
}

TEST(administration, unknown_commands_are_refused_with_the_nearest) {
    CHECK(ask({"show", "rulez"}).errors.contains("did you mean 'show rules'"));
}

TEST(administration, what_another_service_serves_is_answered_by_it) {
    CHECK(ask({"show", "version"}).errors.contains("is not served"));
    administration.serve(services::CommandId::show_version, [](const services::Invocation& invocation, const auto&) {
        return ports::ControlResponse{5, invocation.has("--json") ? "json" : "text", {}};
    });
    STRCMP_EQUAL("json", ask({"show", "version", "--json"}).output.c_str());
    LONGS_EQUAL(5, ask({"show", "version"}).exit_status);
}

TEST(administration, the_system_tells_a_clock_that_is_behind_the_recorded_time) {
    CHECK(ask({"show", "system", "--json"}).output.contains("\"clock_behind_record\":false"));
    clock.wall.microseconds -= 86'400ll * 1'000'000;
    CHECK(ask({"show", "system", "--json"}).output.contains("\"clock_behind_record\":true"));
}

TEST(administration, the_system_says_that_nothing_is_in_force) {
    CHECK(ask({"show", "system"}).output.contains("closed: no configuration is in force"));
    ask({"apply", "-"}, std::string(kConfiguration));
    CHECK(ask({"show", "system"}).output.contains("enforcing"));
}

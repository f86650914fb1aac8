// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/enforcement.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

TEST_GROUP(enforcement) {
    fakes::FakeClock clock;
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeLogFiles files;
    fakes::FakeFilter filter;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    services::Enforcement enforcement{{filter, loop}, log};
    ports::Comparisons settings{{"setting ip_forward", "1", "1"}};
    int looks = 0;
    int restorations = 0;
    bool heals = true;
    bool unreadable = false;

    void setup() override {
        filter.found = {{"chain forward", "3 rules", "3 rules"}};
        enforcement.add({.name = "packet filter",
                         .compare = [this] { return filter.compare({}, Time{}); },
                         .restore = [this] { return filter.restore({}, Time{}); },
                         .follows_generation = true});
        enforcement.add(
            {.name = "settings", .compare = [this] { return compare(); }, .restore = [this] { return restore(); }});
        enforcement.start();
        loop.advance(1'000, clock);
    }
    Result<ports::Comparisons> compare() {
        ++looks;
        if (unreadable) {
            return std::unexpected(Error(Domain::network, "netlink", "no answer"));
        }
        return settings;
    }
    Result<void> restore() {
        ++restorations;
        if (!heals) {
            return std::unexpected(Error(Domain::network, "ip_forward", "read-only file system"));
        }
        for (ports::Comparison& each : settings) {
            each.found = each.expected;
        }
        return {};
    }
    ports::ControlResponse show() {
        const std::vector<std::string> words{"show", "enforcement"};
        return enforcement.show(*services::parse_command(words));
    }
    void minute() {
        loop.advance(60'000, clock);
    }
};

TEST(enforcement, looks_at_the_start_and_every_minute) {
    LONGS_EQUAL(1, looks);
    minute();
    minute();
    LONGS_EQUAL(3, looks);
    LONGS_EQUAL(0, files.count("enforcement-"));
}

TEST(enforcement, reads_the_packet_filter_only_where_its_generation_moved) {
    LONGS_EQUAL(1, filter.comparisons);
    minute();
    LONGS_EQUAL(1, filter.comparisons);
    filter.current_generation = 2;
    minute();
    minute();
    LONGS_EQUAL(2, filter.comparisons);
    CHECK(show().output.contains("chain forward"));
}

TEST(enforcement, tells_of_drift_restores_it_and_tells_of_that) {
    filter.current_generation = 2;
    filter.found[0].found = "2 rules";
    minute();
    LONGS_EQUAL(1, filter.restorations);
    LONGS_EQUAL(1, files.count(R"("action":"enforcement-drift")"));
    LONGS_EQUAL(1, files.count(R"("action":"enforcement-restored")"));
    LONGS_EQUAL(2, files.count(R"("item":"chain forward","expected":"3 rules","found":"2 rules")"));
    LONGS_EQUAL(0, restorations); // what matches is left alone
}

TEST(enforcement, reads_again_after_a_restoration_though_no_generation_moved) {
    filter.current_generation = 2;
    filter.found[0].found = "2 rules";
    minute();
    const int before = filter.comparisons;
    minute();
    LONGS_EQUAL(before + 1, filter.comparisons);
}

TEST(enforcement, that_is_shown_restores_first_and_says_so) {
    settings[0].found = "0";
    const auto first = show();
    LONGS_EQUAL(0, first.exit_status);
    CHECK(first.output.contains("restored"));
    CHECK(first.output.contains("2 items, 0 not as the policy in force wants them, 1 put right just now"));
    CHECK_FALSE(show().output.contains("restored"));
}

TEST(enforcement, that_cannot_be_restored_is_told_once_and_tried_again) {
    heals = false;
    settings[0].found = "0";
    minute();
    minute();
    LONGS_EQUAL(2, restorations);
    LONGS_EQUAL(1, files.count("enforcement-drift"));
    LONGS_EQUAL(1, files.count("enforcement-not-restored"));
    LONGS_EQUAL(1, files.count("read-only file system"));
    const auto shown = show();
    LONGS_EQUAL(1, shown.exit_status);
    CHECK(shown.output.contains("differs"));
    heals = true;
    minute();
    LONGS_EQUAL(1, files.count("enforcement-restored"));
    LONGS_EQUAL(0, show().exit_status);
}

TEST(enforcement, that_drifts_further_is_told_again) {
    heals = false;
    settings[0].found = "0";
    minute();
    settings[0].found = "2";
    minute();
    LONGS_EQUAL(2, files.count("enforcement-drift"));
}

TEST(enforcement, of_what_ends_by_itself_is_told_as_restored) {
    heals = false;
    settings.push_back({"foreign thing", "none", "there"});
    minute();
    settings.pop_back();
    minute();
    LONGS_EQUAL(1, files.count("enforcement-restored"));
    LONGS_EQUAL(0, show().exit_status);
}

TEST(enforcement, that_cannot_be_looked_at_is_told_and_differs) {
    unreadable = true;
    minute();
    minute();
    LONGS_EQUAL(1, files.count("enforcement-drift"));
    LONGS_EQUAL(1, show().exit_status);
    LONGS_EQUAL(0, restorations);
    unreadable = false;
    minute();
    LONGS_EQUAL(1, files.count("enforcement-restored"));
}

TEST(enforcement, looks_once_soon_after_a_burst_of_changes) {
    const int before = looks;
    for (int change = 0; change < 5; ++change) {
        enforcement.look_soon();
    }
    loop.advance(1'000, clock);
    LONGS_EQUAL(before + 1, looks);
}

TEST(enforcement, that_others_fight_is_left_to_the_minute) {
    for (int change = 0; change < 100; ++change) {
        settings[0].found = "0";
        enforcement.look_soon();
        loop.advance(200, clock);
    }
    LONGS_EQUAL(10, restorations);
    minute();
    LONGS_EQUAL(11, restorations);
}

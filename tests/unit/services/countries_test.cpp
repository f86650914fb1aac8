// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/countries.hpp"
#include "firmware/services/policy_service.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/fakes/fake_countries.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::CountryOrigin;

namespace {

std::string with_countries(std::string_view countries, std::string_view rest = {}) {
    return text::concat(R"(interfaces {
    interface wan0 { address 198.51.100.2/24; }
    bridge br-clinic { port lan1; address 10.0.1.1/24; }
}
zones { wan { interface wan0; } clinic { interface br-clinic; } }
)",
                        "geo-list home {\n", countries, "\n}\ngate { geo-list home; }\n", rest);
}

const services::Actor kAdmin{"admin", "local"};
const std::string kJapan = with_countries("country JP;");

} // namespace

TEST_GROUP(countries) {
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

    void setup() override {
        policy.on_change([this](const model::Model& model) {
            countries.follow(model);
            return std::vector<std::string>{};
        });
        databases.files["newer"] = {.ranges = {{"1.0.0.0/9", "JP"}, {"3.0.0.0/8", "US"}},
                                    .built = Time::from_seconds(1'794'500'000),
                                    .type = "newer"};
        databases.files["older"] = {.ranges = {{"1.0.0.0/10", "JP"}}, .type = "older"};
        databases.files["broken"] = {.ranges = {}, .type = "broken", .refuses_to_open = true};
        databases.files["damaged"] = {.ranges = {}, .type = "damaged", .is_damaged = true};
    }
    void start(std::string_view configuration = {}) {
        if (!configuration.empty()) {
            services::ConfigurationStore configurations(store);
            CHECK(configurations.prepare(configuration).has_value());
            CHECK(configurations.commit().has_value());
        }
        countries.start();
        policy.start();
    }
    std::size_t ranges_in_force() {
        std::size_t ranges = 0;
        for (const ruleset::Set& set : filter.in_force.sets) {
            ranges += set.ranges ? set.ranges->size() : 0;
        }
        return ranges;
    }
    std::string refusal(const std::string& text) {
        auto outcome = policy.apply(text, kAdmin);
        CHECK_FALSE(outcome.has_value());
        return outcome.error();
    }
};

TEST(countries, the_built_in_database_is_used_where_none_was_imported) {
    start(kJapan);
    CHECK(countries.origin() == CountryOrigin::built_in);
    LONGS_EQUAL(2, ranges_in_force());
    CHECK(countries.country_of(IpAddress::parse("1.2.3.4").value()) == CountryCode::from_letters("JP"));
    CHECK_FALSE(countries.country_of(IpAddress::parse("9.9.9.9").value()).has_value());
    LONGS_EQUAL(0, files.count("geo-database"));
}

TEST(countries, an_imported_database_comes_first) {
    store.files["geo/current.mmdb"] = "newer";
    start(kJapan);
    CHECK(countries.origin() == CountryOrigin::imported);
    LONGS_EQUAL(1, ranges_in_force());
    LONGS_EQUAL(0, files.count("geo-database"));
}

TEST(countries, a_damaged_import_gives_way_to_the_one_before_it_and_that_is_told) {
    store.files["geo/current.mmdb"] = "broken";
    store.files["geo/previous.mmdb"] = "older";
    start(kJapan);
    CHECK(countries.origin() == CountryOrigin::previous);
    LONGS_EQUAL(1, files.count("geo-database"));
    LONGS_EQUAL(1, files.count("broken: is no database of countries; the previous country database"));
    CHECK(policy.configuration() != nullptr);
}

TEST(countries, where_both_are_damaged_the_built_in_one_is_in_force) {
    store.files["geo/current.mmdb"] = "broken";
    store.files["geo/previous.mmdb"] = "broken";
    start(kJapan);
    CHECK(countries.origin() == CountryOrigin::built_in);
    LONGS_EQUAL(1, files.count("the built-in country database"));
}

TEST(countries, damage_that_only_a_walk_shows_is_met_the_same_way) {
    store.files["geo/current.mmdb"] = "damaged";
    start(kJapan);
    CHECK(countries.origin() == CountryOrigin::built_in);
    LONGS_EQUAL(1, files.count("has a damaged record; the built-in country database"));
    CHECK(policy.configuration() != nullptr);
    LONGS_EQUAL(2, ranges_in_force());
}

TEST(countries, without_any_database_a_policy_that_needs_none_is_in_force_and_one_that_does_stays_out) {
    databases.files.erase("built-in");
    start(kJapan);
    LONGS_EQUAL(1, files.count("geo-database"));
    CHECK(policy.configuration() == nullptr);
    // tried again, and in force once there is one
    databases.files["built-in"] = databases.files["older"];
    loop.advance(20'000, clock);
    CHECK(policy.configuration() != nullptr);
    LONGS_EQUAL(1, ranges_in_force());
}

TEST(countries, an_interrupted_import_has_not_taken_place) {
    store.files["geo/previous.mmdb"] = "older";
    store.files["geo/upload"] = "newer";
    start(kJapan);
    CHECK(countries.origin() == CountryOrigin::imported);
    STRCMP_EQUAL("older", store.files["geo/current.mmdb"].c_str());
    CHECK_FALSE(store.exists("geo/upload"));
    LONGS_EQUAL(1, files.count("an import was interrupted"));
}

TEST(countries, what_is_known_is_not_walked_for_again) {
    start(kJapan);
    LONGS_EQUAL(1, databases.walks);
    CHECK(policy.apply(with_countries("country JP;", "log { per-minute 7; }"), kAdmin).has_value());
    LONGS_EQUAL(1, databases.walks);
    // one walk for all that is new
    CHECK(policy
              .apply(with_countries("country FR;", "geo-list both { country FR; country JP; }\n"
                                                   "block { geo-list both; }"),
                     kAdmin)
              .has_value());
    LONGS_EQUAL(2, databases.walks);
    // what is not needed any more is forgotten
    CHECK(policy.apply(kJapan, kAdmin).has_value());
    LONGS_EQUAL(3, databases.walks);
}

TEST(countries, contents_are_shared_and_not_copied) {
    start(kJapan);
    const auto* ranges = filter.in_force.sets.front().ranges.get();
    CHECK(policy.apply(with_countries("country JP;", "log { per-minute 7; }"), kAdmin).has_value());
    POINTERS_EQUAL(ranges, filter.in_force.sets.front().ranges.get());
}

TEST(countries, a_country_that_the_database_does_not_have_is_refused_with_its_line) {
    start(kJapan);
    const std::string told = refusal(with_countries("country JP;\ncountry DE;"));
    CHECK_TEXT(told.contains("configuration:8:9: error: geo-list home country: the country database in force has no "
                             "addresses of DE (Germany)"),
               told.c_str());
    CHECK_TEXT(told.contains("geo import"), told.c_str());
    LONGS_EQUAL(2, ranges_in_force());
}

TEST(countries, at_a_start_a_country_that_the_database_does_not_have_is_told_and_the_rest_works) {
    start(with_countries("country JP; country DE;"));
    CHECK(policy.configuration() != nullptr);
    LONGS_EQUAL(2, ranges_in_force());
    LONGS_EQUAL(1, files.count("has no addresses of DE (Germany)"));
}

TEST(countries, a_database_that_cannot_be_read_leaves_the_former_policy_in_force) {
    databases.files["built-in"].is_damaged = true;
    start(with_countries("country JP;").substr(0, with_countries("country JP;").find("gate")));
    CHECK(policy.configuration() != nullptr);
    const auto former = policy.configuration();
    const std::string told = refusal(kJapan);
    CHECK_TEXT(told.contains("has a damaged record"), told.c_str());
    CHECK(policy.configuration() == former);
}

TEST(countries, an_old_database_is_warned_of_at_an_apply_and_once_a_day) {
    databases.files["built-in"].built = Time::from_seconds(1'780'000'000); // 173 days old
    start(kJapan);
    LONGS_EQUAL(1, files.count("geo-age"));
    LONGS_EQUAL(1, files.count("is 173 days old, more than the 90 that are configured"));
    const auto outcome = policy.apply(with_countries("country JP;", "log { per-minute 7; }"), kAdmin);
    CHECK(outcome.has_value() && outcome->warnings.contains("is 173 days old"));
    loop.advance(3 * 3'600'000, clock);
    LONGS_EQUAL(1, files.count("geo-age"));
    loop.advance(24 * 3'600'000, clock);
    LONGS_EQUAL(2, files.count("geo-age"));
    CHECK(policy.apply(with_countries("country JP;", "geo { warn-age 300; }"), kAdmin)->warnings.empty());
    loop.advance(48 * 3'600'000, clock);
    LONGS_EQUAL(2, files.count("geo-age"));
}

TEST(countries, the_age_is_unknown_while_the_clock_is_not_synchronised) {
    databases.files["built-in"].built = Time::from_seconds(1'700'000'000);
    clock.is_synchronised = false;
    start(kJapan);
    LONGS_EQUAL(0, files.count("geo-age"));
    CHECK_FALSE(countries.age_days().has_value());
    clock.is_synchronised = true;
    countries.check_age();
    LONGS_EQUAL(1, files.count("geo-age"));
}

TEST(countries, nobody_is_told_of_an_old_database_that_no_policy_uses) {
    databases.files["built-in"].built = Time::from_seconds(1'700'000'000);
    start(with_countries("country JP;").substr(0, with_countries("country JP;").find("geo-list")));
    LONGS_EQUAL(0, files.count("geo-age"));
}

TEST(countries, other_contents_are_exchanged_and_kept) {
    start(kJapan);
    auto newer = databases.open("newer");
    store.files["newer"] = "newer";
    newer = databases.open("newer");
    CHECK(newer.has_value());
    const auto contents = (*newer)->select(selections_of(policy.configuration()->model));
    bool kept = false;
    CHECK(policy
              .exchange_countries(*contents,
                                  [&]() -> Result<void> {
                                      kept = true;
                                      countries.adopt(std::move(*newer), CountryOrigin::imported, *contents);
                                      return {};
                                  })
              .has_value());
    CHECK(kept);
    LONGS_EQUAL(1, ranges_in_force());
    CHECK(policy.apply(with_countries("country US;"), kAdmin).has_value());
}

TEST(countries, contents_that_are_refused_or_not_kept_change_nothing) {
    start(kJapan);
    store.files["newer"] = "newer";
    auto newer = databases.open("newer");
    const auto contents = (*newer)->select(selections_of(policy.configuration()->model));
    filter.refuse = 1;
    CHECK_FALSE(policy.exchange_countries(*contents, [] { return Result<void>{}; }).has_value());
    LONGS_EQUAL(2, ranges_in_force());
    const auto not_kept = [] {
        return Result<void>(std::unexpected(Error(Domain::storage, "geo/upload", "can't be renamed")));
    };
    CHECK_FALSE(policy.exchange_countries(*contents, not_kept).has_value());
    LONGS_EQUAL(2, ranges_in_force());
    // the way back fails too: it is tried again
    filter.skip = 1;
    filter.refuse = 1;
    CHECK_FALSE(policy.exchange_countries(*contents, not_kept).has_value());
    LONGS_EQUAL(1, ranges_in_force());
    loop.advance(20'000, clock);
    LONGS_EQUAL(2, ranges_in_force());
}

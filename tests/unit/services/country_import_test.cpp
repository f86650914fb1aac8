// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/country_import.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/fakes/fake_countries.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using services::CountryOrigin;

namespace {

constexpr std::string_view kConfiguration = R"(interfaces {
    interface wan0 { address 198.51.100.2/24; }
    bridge br-clinic { port lan1; address 10.0.1.1/24; }
}
zones { wan { interface wan0; } clinic { interface br-clinic; } }
geo-list home { country JP; }
gate { geo-list home; }
)";

} // namespace

TEST_GROUP(country_import) {
    fakes::FakeClock clock;
    fakes::FakeLoop loop;
    fakes::FakeStore store;
    fakes::FakeStore run_store;
    fakes::FakeLogFiles files;
    fakes::FakeFilter filter;
    fakes::FakeNetwork network;
    fakes::FakeSystem system;
    services::Timekeeper keeper{clock, store, Time{}};
    services::EventLog log{files, store, keeper, "boot"};
    fakes::FakeGeoDatabases databases{store.files};
    fakes::FakeUpload file{store.files};
    services::Countries countries{{databases, store, loop}, keeper, log};
    services::PolicyService policy{{filter, network, store, run_store, loop, clock}, keeper, log, countries, ""};
    services::CountryImport import{{file, databases, store, system}, countries, policy, log, keeper};

    void setup() override {
        const auto built = [](int days) { return Time::from_seconds(1'794'000'000 + days * 86'400); };
        databases.files["newer"] = {.ranges = {{"1.0.0.0/8", "JP"}, {"3.0.0.0/8", "US"}}, .built = built(1)};
        databases.files["newest"] = {.ranges = {{"1.0.0.0/8", "JP"}, {"3.0.0.0/9", "US"}, {"4.0.0.0/9", "US"}},
                                     .built = built(2)};
        databases.files["older"] = {.ranges = {{"1.0.0.0/8", "JP"}, {"3.0.0.0/8", "US"}}, .built = built(-9)};
        databases.files["future"] = {.ranges = {{"1.0.0.0/8", "JP"}, {"3.0.0.0/8", "US"}}, .built = built(90)};
        databases.files["small"] = {.ranges = {{"1.0.0.0/9", "JP"}, {"3.0.0.0/9", "US"}}, .built = built(1)};
        databases.files["foreign"] = {.ranges = {{"3.0.0.0/8", "US"}, {"4.0.0.0/8", "FR"}}, .built = built(1)};
        databases.files["damaged"] = {.ranges = {}, .built = built(1), .is_damaged = true};
        services::ConfigurationStore configurations(store);
        CHECK(configurations.prepare(kConfiguration).has_value());
        CHECK(configurations.commit().has_value());
        policy.on_change([this](const model::Model& model) {
            countries.follow(model);
            return std::vector<std::string>{};
        });
        countries.start();
        policy.start();
    }
    ports::ControlResponse ask(std::vector<std::string> words, std::string payload = {}, std::uint32_t user = 2000) {
        words.insert(words.begin(), "geo-upload");
        ports::ControlRequest request{.peer = {.user_id = user, .process_id = 7, .account = "tanaka"},
                                      .origin = "ssh 10.0.1.5",
                                      .words = words,
                                      .payload = std::move(payload)};
        return import.upload(services::parse_command(words).value(), request);
    }
    std::string begun() {
        const auto answer = ask({"begin"});
        LONGS_EQUAL(0, answer.exit_status);
        return answer.output.substr(0, answer.output.size() - 1);
    }
    ports::ControlResponse send(const std::string& word, bool force = false) {
        const std::string number = begun();
        LONGS_EQUAL(0, ask({"piece", number, "0"}, word).exit_status);
        std::vector<std::string> end{"end", number, text::to_text(word.size()), sha256_hex(word)};
        if (force) {
            end.emplace_back("force");
        }
        return ask(end);
    }
    ports::ControlResponse back() {
        return import.roll_back({.peer = {.user_id = 2000, .process_id = 7, .account = "tanaka"},
                                 .origin = "console",
                                 .words = {},
                                 .payload = {}});
    }
    std::string of(std::string_view name) {
        return store.exists(name) ? store.files[std::string(name)] : "";
    }
    void unchanged(const ports::ControlResponse& answer, std::string_view reason, std::string_view words) {
        LONGS_EQUAL(1, answer.exit_status);
        CHECK_TEXT(answer.errors.contains(words), answer.errors.c_str());
        CHECK(answer.errors.ends_with("The country database in force is unchanged.\n"));
        LONGS_EQUAL(1, files.count(text::concat("\"reason\":\"", reason, "\"")));
        CHECK_FALSE(store.exists("geo/upload"));
        CHECK_FALSE(store.exists("geo/current.mmdb"));
        CHECK(countries.origin() == CountryOrigin::built_in);
    }
};

TEST(country_import, comes_in_pieces_and_takes_the_current_one_s_place) {
    const std::string number = begun();
    LONGS_EQUAL(0, ask({"piece", number, "0"}, "new").exit_status);
    LONGS_EQUAL(0, ask({"piece", number, "3"}, "er").exit_status);
    const auto answer = ask({"end", number, "5", sha256_hex("newer")});
    STRCMP_EQUAL("", answer.errors.c_str());
    CHECK_TEXT(answer.output.starts_with("imported: the imported country database Test-Country, built on 2026-11-07"),
               answer.output.c_str());
    LONGS_EQUAL(1, file.finishes);
    STRCMP_EQUAL("newer", of("geo/current.mmdb").c_str());
    CHECK(countries.origin() == CountryOrigin::imported);
    LONGS_EQUAL(1, files.count("geo-import"));
    LONGS_EQUAL(1, files.count("tanaka"));
    const auto last = import.last();
    CHECK(last && last->outcome == "success" && last->account == "tanaka" && last->action == "import");
}

TEST(country_import, keeps_the_one_before_for_the_way_back) {
    LONGS_EQUAL(0, send("newer").exit_status);
    LONGS_EQUAL(0, send("newest").exit_status);
    STRCMP_EQUAL("newer", of("geo/previous.mmdb").c_str());
    LONGS_EQUAL(0, back().exit_status);
    STRCMP_EQUAL("newer", of("geo/current.mmdb").c_str());
    CHECK_FALSE(store.exists("geo/previous.mmdb"));
    LONGS_EQUAL(0, back().exit_status);
    CHECK_FALSE(store.exists("geo/current.mmdb"));
    CHECK(countries.origin() == CountryOrigin::built_in);
    LONGS_EQUAL(1, back().exit_status);
    LONGS_EQUAL(1, files.count("nothing-before"));
}

TEST(country_import, way_back_passes_over_a_damaged_database) {
    LONGS_EQUAL(0, send("newer").exit_status);
    LONGS_EQUAL(0, send("newest").exit_status);
    store.files["geo/previous.mmdb"] = "damaged";
    LONGS_EQUAL(0, back().exit_status);
    CHECK(countries.origin() == CountryOrigin::built_in);
    CHECK_FALSE(store.exists("geo/previous.mmdb"));
}

TEST(country_import, does_not_keep_a_damaged_database_as_the_one_before) {
    store.files["geo/current.mmdb"] = "damaged";
    store.files["geo/previous.mmdb"] = "newer";
    services::Countries restarted{{databases, store, loop}, keeper, log};
    services::PolicyService again{{filter, network, store, run_store, loop, clock}, keeper, log, restarted, ""};
    services::CountryImport later{{file, databases, store, system}, restarted, again, log, keeper};
    restarted.start();
    again.start();
    CHECK(restarted.origin() == CountryOrigin::previous);
    const ports::ControlRequest request{.peer = {}, .origin = {}, .words = {}, .payload = "newest"};
    const auto call = [&](std::vector<std::string> words) {
        words.insert(words.begin(), "geo-upload");
        return later.upload(services::parse_command(words).value(), request);
    };
    const std::string answer = call({"begin"}).output;
    const std::string number = answer.substr(0, answer.size() - 1);
    LONGS_EQUAL(0, call({"piece", number, "0"}).exit_status);
    LONGS_EQUAL(0, call({"end", number, "6", sha256_hex("newest")}).exit_status);
    STRCMP_EQUAL("newest", of("geo/current.mmdb").c_str());
    STRCMP_EQUAL("newer", of("geo/previous.mmdb").c_str());
}

TEST(country_import, of_what_is_none_is_refused) {
    unchanged(send("nothing"), "no-country-database", "the file is no database of countries");
}

TEST(country_import, of_a_damaged_one_is_refused) {
    unchanged(send("damaged", true), "damaged", "has a damaged record");
}

TEST(country_import, of_one_from_the_future_needs_force_where_the_clock_is_known) {
    unchanged(send("future"), "future", "was built on 2027-02-04, which is yet to come; --force");
    LONGS_EQUAL(0, send("future", true).exit_status);
}

TEST(country_import, of_one_from_the_future_is_taken_where_the_clock_is_not_known) {
    clock.is_synchronised = false;
    LONGS_EQUAL(0, send("future").exit_status);
}

TEST(country_import, of_an_older_one_needs_force) {
    unchanged(send("older"), "older", "built on 2026-10-28, before the database in force (2026-11-06); --force");
    LONGS_EQUAL(0, send("older", true).exit_status);
}

TEST(country_import, of_one_that_covers_much_less_needs_force) {
    unchanged(send("small"), "implausible", "50 % of the IPv4 addresses");
    LONGS_EQUAL(0, send("small", true).exit_status);
}

TEST(country_import, without_a_country_that_the_configuration_names_is_refused_even_by_force) {
    unchanged(send("foreign", true), "country-absent", "no addresses of JP (Japan), which the configuration names");
}

TEST(country_import, that_the_kernel_refuses_changes_nothing) {
    filter.refuse = 1;
    unchanged(send("newer"), "not-enforced", "no buffer space");
    CHECK(filter.in_force.sets.front().ranges != nullptr);
}

TEST(country_import, that_cannot_be_kept_changes_nothing) {
    store.refuse_renames_to = "geo/current.mmdb";
    const auto former = filter.in_force.sets.front().name;
    unchanged(send("newer"), "not-enforced", "can't be renamed");
    STRCMP_EQUAL(former.c_str(), filter.in_force.sets.front().name.c_str());
    CHECK(countries.database()->facts().built == Time::from_seconds(1'794'000'000));
}

TEST(country_import, that_did_not_arrive_whole_is_refused) {
    const std::string number = begun();
    ask({"piece", number, "0"}, "newer");
    unchanged(ask({"end", number, "5", sha256_hex("other")}), "incomplete", "did not arrive whole");
}

TEST(country_import, of_pieces_out_of_order_is_refused) {
    const std::string number = begun();
    ask({"piece", number, "0"}, "new");
    unchanged(ask({"piece", number, "4"}, "er"), "incomplete", "in order");
    LONGS_EQUAL(1, ask({"piece", number, "3"}, "er").exit_status);
}

TEST(country_import, ends_where_the_partition_or_the_limit_is_full) {
    system.space.free_bytes = (1u << 20) + 3;
    std::string number = begun();
    unchanged(ask({"piece", number, "0"}, "newer"), "no-space", "no room");
    system.space.free_bytes = 60u << 20;
    file.full = true;
    number = begun();
    unchanged(ask({"piece", number, "0"}, "newer"), "not-stored", "no space left");
    file.full = false;
    number = begun();
    const std::string piece(services::CountryImport::kMostPiece, 'x');
    ports::ControlResponse answer;
    for (std::size_t sent = 0; answer.exit_status == 0; sent += piece.size()) {
        CHECK(sent <= services::CountryImport::kMostBytes);
        answer = ask({"piece", number, text::to_text(sent)}, piece);
    }
    unchanged(answer, "too-large", "32 MiB");
    CHECK_FALSE(ask({"piece", begun(), "0"}, piece + "x").exit_status == 0);
}

TEST(country_import, is_of_who_began_it_and_one_at_a_time) {
    const std::string first = begun();
    LONGS_EQUAL(1, ask({"piece", first, "0"}, "newer", 2001).exit_status);
    LONGS_EQUAL(1, ask({"end", first, "5", sha256_hex("newer")}, {}, 2001).exit_status);
    LONGS_EQUAL(0, ask({"piece", first, "0"}, "new").exit_status);
    const std::string second = begun();
    CHECK(first != second);
    LONGS_EQUAL(1, files.count("abandoned"));
    LONGS_EQUAL(1, ask({"piece", first, "3"}, "er").exit_status);
    LONGS_EQUAL(0, ask({"piece", second, "0"}, "newer").exit_status);
    LONGS_EQUAL(0, ask({"end", second, "5", sha256_hex("newer")}).exit_status);
    LONGS_EQUAL(1, ask({"end", second, "5", sha256_hex("newer")}).exit_status);
}

TEST(country_import, given_up_leaves_nothing) {
    const std::string number = begun();
    ask({"piece", number, "0"}, "newer");
    unchanged(ask({"abandon", number}), "abandoned", "given up");
}

TEST(country_import, questions_that_make_no_sense_change_nothing) {
    const std::string number = begun();
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"piece", number},
                                                                                       {"end", number, "5"},
                                                                                       {"end", number, "5", "x", "now"},
                                                                                       {"begin", number},
                                                                                       {"other", number}}) {
        CHECK(ask(words).exit_status != 0);
    }
    LONGS_EQUAL(0, ask({"piece", number, "0"}, "newer").exit_status);
}

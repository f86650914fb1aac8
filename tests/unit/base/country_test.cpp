// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/country.hpp"

#include <set>
#include <string>

#include <CppUTest/TestHarness.h>

using namespace sekisho;

TEST_GROUP(country){};

TEST(country, assigned_codes_are_read) {
    const auto japan = CountryCode::parse("JP");
    CHECK(japan.has_value());
    STRCMP_EQUAL("JP", japan->text().c_str());
    STRCMP_EQUAL("Japan", std::string(japan->name()).c_str());
    CHECK(japan->is_assigned());
}

TEST(country, others_are_refused_with_what_was_meant) {
    const auto cause = [](std::string_view text) { return CountryCode::parse(text).error().cause(); };
    STRCMP_EQUAL("'UK' is no country code (ISO 3166-1); United Kingdom is GB", cause("UK").c_str());
    STRCMP_EQUAL("'jp' is no country code (ISO 3166-1); Japan is JP", cause("jp").c_str());
    STRCMP_EQUAL("'JPN' is no country code (ISO 3166-1)", cause("JPN").c_str());
    STRCMP_EQUAL("'' is no country code (ISO 3166-1)", cause("").c_str());
    STRCMP_EQUAL("'\\x1bJ' is no country code (ISO 3166-1)", cause("\x1bJ").c_str());
}

TEST(country, what_databases_have_beside_is_kept_apart) {
    const auto other = CountryCode::from_letters("eu");
    CHECK(other.has_value());
    STRCMP_EQUAL("EU", other->text().c_str());
    CHECK_FALSE(other->is_assigned());
    CHECK_FALSE(CountryCode::from_letters("A1").has_value());
    CHECK_FALSE(CountryCode::from_letters("J").has_value());
    CHECK_FALSE(CountryCode::from_letters("").has_value());
}

TEST(country, every_pair_of_letters_has_an_index_of_its_own) {
    std::set<std::size_t> seen;
    std::size_t assigned = 0;
    for (char first = 'A'; first <= 'Z'; ++first) {
        for (char second = 'A'; second <= 'Z'; ++second) {
            const std::string letters{first, second};
            const auto country = CountryCode::from_letters(letters);
            CHECK(country.has_value());
            STRCMP_EQUAL(letters.c_str(), country->text().c_str());
            CHECK(country->index() < CountryCode::kCount);
            CHECK(seen.insert(country->index()).second);
            assigned += country->is_assigned() ? 1 : 0;
            CHECK_EQUAL(country->is_assigned(), CountryCode::parse(letters).has_value());
        }
    }
    LONGS_EQUAL(250, assigned); // XK among them
}

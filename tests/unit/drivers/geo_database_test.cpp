// SPDX-License-Identifier: GPL-2.0-or-later
// How databases are opened, and that an open one stays what it is. What is read out of them: geo_database_test.py.
#include "drivers/geoip/country_database.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/drivers/folder_fixture.hpp"

#include <array>
#include <filesystem>

#include <CppUTest/TestHarness.h>
using namespace sekisho;

namespace {

// made once and kept: not a test's leak
[[maybe_unused]] const bool kSpecialPurposeIsThere =
    geo::is_global(IpAddress::v4(0x01010101)) &&
    geo::is_global(IpAddress::from_bytes(Family::ipv6, std::array<std::uint8_t, 16>{0x20}));

std::string word(std::string_view text) {
    return text::concat(std::string(1, static_cast<char>(0x40 + text.size())), text);
}

std::string number(char control, unsigned value) {
    return {control, static_cast<char>(value >> 8), static_cast<char>(value)};
}

/// The lower half of IPv4 is of this country. (Control bytes: 0xe0 map, 0xa2 and 0xc2 numbers of two bytes, "\2\2" one
/// of 64 bits.)
std::string database_of(std::string_view country) {
    const std::string data = text::concat("\xe1", word("country_code"), word(country));
    const std::string tree = {0, 0, 17, 0, 0, 1};
    return text::concat(tree, std::string(16, '\0'), data, "\xab\xcd\xefMaxMind.com", "\xe9",
                        word("binary_format_major_version"), number('\xa2', 2), word("binary_format_minor_version"),
                        number('\xa2', 0), word("build_epoch"), "\2\2\1\1", word("database_type"), word("Test"),
                        word("description"), "\xe0", word("ip_version"), number('\xa2', 4), word("languages"),
                        std::string_view("\0\4", 2), word("node_count"), number('\xc2', 1), word("record_size"),
                        number('\xa2', 24));
}

std::string country_of(ports::GeoDatabase& database, std::string_view address) {
    const auto location = database.locate(IpAddress::parse(address).value());
    return location.country ? location.country->text() : "-";
}

} // namespace

TEST_GROUP(geo_database) {
    tests::Folder folder;
};

TEST(geo_database, opens_the_image_s_and_those_of_the_data_partition) {
    folder.put("country.mmdb", database_of("JP"));
    folder.put("geo/current.mmdb", database_of("DE"));
    drivers::CountryDatabases databases(folder.path("country.mmdb"), folder.path());
    const auto built_in = databases.open_built_in();
    const auto current = databases.open("geo/current.mmdb");
    CHECK(built_in && current);
    STRCMP_EQUAL("JP", country_of(**built_in, "8.8.8.8").c_str());
    STRCMP_EQUAL("DE", country_of(**current, "8.8.8.8").c_str());
    STRCMP_EQUAL("-", country_of(**current, "203.0.114.1").c_str());
    STRCMP_EQUAL("-", country_of(**current, "10.0.0.1").c_str());
    STRCMP_EQUAL("-", country_of(**current, "2400::1").c_str());
    STRCMP_EQUAL("Test", (*current)->facts().type.c_str());
    LONGS_EQUAL(257, (*current)->facts().built.seconds());
}

TEST(geo_database, names_the_file_that_it_can_t_open) {
    drivers::CountryDatabases databases(folder.path("country.mmdb"), folder.path());
    STRCMP_CONTAINS("country.mmdb: can't be opened", databases.open_built_in().error().message().c_str());
    STRCMP_EQUAL("storage: geo/upload.mmdb: can't be opened: No such file or directory",
                 databases.open("geo/upload.mmdb").error().message().c_str());
}

TEST(geo_database, stays_what_it_is_while_its_file_is_replaced_and_removed) {
    folder.put("geo/current.mmdb", database_of("JP"));
    folder.put("geo/upload.mmdb", database_of("DE"));
    drivers::CountryDatabases databases("", folder.path());
    const auto database = databases.open("geo/current.mmdb");
    CHECK(database.has_value());
    std::filesystem::rename(folder.path("geo/upload.mmdb"), folder.path("geo/current.mmdb"));
    STRCMP_EQUAL("JP", country_of(**database, "8.8.8.8").c_str());
    std::filesystem::remove(folder.path("geo/current.mmdb"));

    const geo::Selection japan{.countries = {CountryCode::parse("JP").value()}, .unknown = false};
    const auto contents = (*database)->select({&japan, 1});
    CHECK(contents.has_value());
    const auto& ranges = *contents->at(japan)[0].ranges;
    STRCMP_EQUAL("1.0.0.0", ranges.front().first.text().c_str());
    STRCMP_EQUAL("126.255.255.255", ranges.back().last.text().c_str());
    CHECK(contents->at(japan)[1].ranges->empty());
}

TEST(geo_database, is_the_same_after_many_walks) {
    folder.put("geo/current.mmdb", database_of("JP"));
    drivers::CountryDatabases databases("", folder.path());
    const auto database = databases.open("geo/current.mmdb");
    CHECK(database.has_value());
    for (int i = 0; i < 3; ++i) {
        const auto coverage = (*database)->coverage();
        CHECK(coverage.has_value());
        DOUBLES_EQUAL(0x1p31, coverage->v4, 0);
        DOUBLES_EQUAL(0, coverage->v6, 0);
        LONGS_EQUAL(1, coverage->ranges_by_country[CountryCode::parse("JP").value().index()]);
    }
}

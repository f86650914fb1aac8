// SPDX-License-Identifier: GPL-2.0-or-later
// What the product reads out of a country database, for tests:
//
//   geo-ranges FILE facts              type, description, build date in seconds, bytes, families
//   geo-ranges FILE coverage           ranges by country, addresses with a country
//   geo-ranges FILE ranges LIST...     merged ranges of each list of countries ("JP", "JP,US,unknown"), in one walk
//   geo-ranges FILE locate             country and prefix of each line of the standard input
#include "drivers/geoip/country_database.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

using namespace sekisho;

namespace {

void print_facts(const ports::GeoFacts& facts) {
    std::cout << facts.type << '\n'
              << facts.description << '\n'
              << facts.built.seconds() << '\n'
              << facts.bytes << '\n'
              << (facts.has_v6 ? "ipv4 ipv6" : "ipv4") << '\n';
}

Result<void> print_coverage(ports::GeoDatabase& database) {
    const auto coverage = TRY(database.coverage());
    for (char first = 'A'; first <= 'Z'; ++first) {
        for (char second = 'A'; second <= 'Z'; ++second) {
            const auto code = CountryCode::from_letters(std::string{first, second});
            if (code && coverage.ranges_by_country[code->index()] != 0) {
                std::cout << code->text() << ' ' << coverage.ranges_by_country[code->index()] << '\n';
            }
        }
    }
    std::cout << "ipv4 " << coverage.v4 << "\nipv6 " << coverage.v6 << '\n';
    return {};
}

Result<geo::Selection> to_selection(const std::string& list) {
    geo::Selection selection;
    for (const auto name : text::split(list, ',')) {
        if (name == "unknown") {
            selection.unknown = true;
        } else {
            selection.countries.push_back(TRY(CountryCode::parse(name)));
        }
    }
    std::ranges::sort(selection.countries);
    return selection;
}

Result<void> print_ranges(ports::GeoDatabase& database, const std::vector<std::string>& lists) {
    std::vector<geo::Selection> selections;
    for (const auto& list : lists) {
        selections.push_back(TRY(to_selection(list)));
    }
    const auto contents = TRY(database.select(selections));
    for (std::size_t i = 0; i < lists.size(); ++i) {
        for (const auto& family : contents.at(selections[i])) {
            for (const auto& range : *family.ranges) {
                std::cout << lists[i] << ' ' << range.first.text() << ' ' << range.last.text() << '\n';
            }
        }
    }
    return {};
}

Result<void> print_locations(ports::GeoDatabase& database) {
    for (std::string line; std::getline(std::cin, line);) {
        const auto location = database.locate(TRY(IpAddress::parse(line)));
        std::cout << line << ' ' << (location.country ? location.country->text() : "-") << ' ' << location.prefix.text()
                  << '\n';
    }
    return {};
}

Result<void> run(const std::string& path, const std::string& what, const std::vector<std::string>& lists) {
    const auto database = TRY(drivers::open_country_database(path, path.substr(path.rfind('/') + 1)));
    if (what == "facts") {
        print_facts(database->facts());
        return {};
    }
    return what == "coverage" ? print_coverage(*database)
           : what == "ranges" ? print_ranges(*database, lists)
                              : print_locations(*database);
}

} // namespace

int main(int count, char** words) {
    if (count < 3) {
        std::cerr << "usage: geo-ranges FILE facts|coverage|ranges|locate [LIST...]\n";
        return 2;
    }
    const auto result = run(words[1], words[2], {words + 3, words + count});
    if (!result) {
        std::cerr << result.error().message() << '\n';
        return 1;
    }
    return 0;
}

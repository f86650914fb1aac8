// SPDX-License-Identifier: GPL-2.0-or-later
// What a country costs a packet: the evaluator's look-up in the sets of a policy, and the database's own look-up by our
// driver, each against libmaxminddb's. Every answer of ours is compared with the library's. Prints JSON.
//
//   country-lookup DATABASE CONFIGURATION COUNTRY     the configuration's only list of countries is COUNTRY
#include "drivers/geoip/country_database.hpp"
#include "firmware/services/configuration.hpp"
#include "policy/base/text.hpp"
#include "policy/judge/set_index.hpp"
#include "policy/ruleset/compiler.hpp"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <maxminddb.h>
#include <netinet/in.h>

using namespace sekisho;

namespace {

constexpr std::size_t kAddresses = 1'000'000;
constexpr ClockReading kClock{Time::from_seconds(1'800'000'000), true};

/// Seconds that the work takes for all addresses, and its answers.
template <typename Work>
double timed(std::vector<std::uint8_t>& answers, Work work) {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t at = 0; at < answers.size(); ++at) {
        answers[at] = work(at);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Result<judge::SetIndex> country_set(ports::GeoDatabase& database, const std::string& path) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    Diagnostics diagnostics;
    const auto configuration = services::load_configuration(text, kClock, diagnostics, model::Purpose::start);
    if (!configuration) {
        return std::unexpected(Error(Domain::configuration, path, diagnostics.text(path)));
    }
    const auto contents = TRY(database.select(model::selections_of(configuration->model)));
    const auto ruleset = TRY(ruleset::compile(configuration->model, kClock, contents));
    for (const ruleset::Set& set : ruleset.sets) {
        if (set.ranges && set.family == Family::ipv4) {
            return judge::SetIndex(set);
        }
    }
    return std::unexpected(Error(Domain::argument, path, "has no list of countries"));
}

Result<void> run(const std::string& path, const std::string& configuration, std::string_view country) {
    const auto database = TRY(drivers::open_country_database(path, "database"));
    const judge::SetIndex set = TRY(country_set(*database, configuration));
    MMDB_s library{};
    if (MMDB_open(path.c_str(), MMDB_MODE_MMAP, &library) != MMDB_SUCCESS) {
        return std::unexpected(Error(Domain::storage, path, "libmaxminddb does not open it"));
    }
    std::mt19937 random(1); // the same addresses in every run
    std::vector<IpAddress> addresses;
    std::vector<sockaddr_in> sockets(kAddresses);
    for (sockaddr_in& socket : sockets) {
        const auto number = static_cast<std::uint32_t>(random());
        addresses.push_back(IpAddress::v4(number));
        socket.sin_family = AF_INET;
        socket.sin_addr.s_addr = htonl(number);
    }
    std::vector<std::uint8_t> in_set(kAddresses);
    std::vector<std::uint8_t> located(kAddresses);
    std::vector<std::uint8_t> looked_up(kAddresses);
    std::vector<MMDB_lookup_result_s> results(kAddresses);
    const auto look_up = [&](std::size_t at) -> std::uint8_t {
        int error = MMDB_SUCCESS;
        results[at] = MMDB_lookup_sockaddr(&library, reinterpret_cast<const sockaddr*>(&sockets[at]), &error);
        return results[at].found_entry ? 1 : 0;
    };
    timed(looked_up, look_up); // both meet a warm file
    const double library_seconds = timed(looked_up, look_up);
    const double set_seconds =
        timed(in_set, [&](std::size_t at) -> std::uint8_t { return set.contains(addresses[at], kClock.now) ? 1 : 0; });
    const double locate_seconds = timed(located, [&](std::size_t at) -> std::uint8_t {
        const auto found = database->locate(addresses[at]).country;
        return found && found->text() == country ? 1 : 0;
    });
    std::size_t differing = 0;
    std::size_t inside = 0;
    for (std::size_t at = 0; at < kAddresses; ++at) {
        MMDB_entry_data_s data{};
        const bool is_country =
            results[at].found_entry &&
            MMDB_get_value(&results[at].entry, &data, "country", "iso_code", nullptr) == MMDB_SUCCESS &&
            data.has_data && std::string_view(data.utf8_string, data.data_size) == country;
        const bool expected = is_country && geo::is_global(addresses[at]);
        differing += (in_set[at] != 0) == expected && (located[at] != 0) == expected ? 0 : 1;
        inside += expected ? 1 : 0;
    }
    MMDB_close(&library);
    std::printf("{\"addresses\": %zu, \"inside\": %zu, \"differing\": %zu, \"set_seconds\": %.6f, "
                "\"locate_seconds\": %.6f, \"library_seconds\": %.6f}\n",
                kAddresses, inside, differing, set_seconds, locate_seconds, library_seconds);
    return {};
}

} // namespace

int main(int count, char** words) {
    if (count != 4) {
        std::fputs("usage: country-lookup DATABASE CONFIGURATION COUNTRY\n", stderr);
        return 2;
    }
    const auto result = run(words[1], words[2], words[3]);
    if (!result) {
        std::fprintf(stderr, "country-lookup: %s\n", result.error().message().c_str());
        return 1;
    }
    return 0;
}

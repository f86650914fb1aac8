// SPDX-License-Identifier: GPL-2.0-or-later
// From a country database and a configuration to rules and committed sets, in the network namespace that it runs in, as
// the daemon does it and by the same drivers. Prints what it did as JSON.
//
//   geo-load DATABASE CONFIGURATION [MORE…]     loads the first, then switches to each of the others
//   geo-load DATABASE CONFIGURATION --write FILE   puts nothing in force: writes the sets as messages for send-batches
#include "drivers/geoip/country_database.hpp"
#include "drivers/netfilter/nft_packet_filter.hpp"
#include "firmware/services/configuration.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/compiler.hpp"
#include "tests/bench/batches.hpp"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/resource.h>

using namespace sekisho;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

ClockReading clock_reading() {
    return {Time::from_seconds(1'800'000'000), true};
}

long peak_kilobytes(int who) {
    rusage usage{};
    getrusage(who, &usage);
    return usage.ru_maxrss;
}

Result<model::Model> read_model(const std::string& path) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    Diagnostics diagnostics;
    const auto configuration = services::load_configuration(text, clock_reading(), diagnostics, model::Purpose::start);
    if (!configuration) {
        return std::unexpected(Error(Domain::configuration, path, diagnostics.text(path)));
    }
    return configuration->model;
}

Result<geo::Contents> select(ports::GeoDatabase& database, const model::Model& model) {
    const auto selections = model::selections_of(model);
    return database.select(selections);
}

std::size_t ranges_in(const ruleset::Ruleset& ruleset) {
    std::size_t count = 0;
    for (const ruleset::Set& set : ruleset.sets) {
        count += set.size();
    }
    return count;
}

/// `start` is when the work on this ruleset began.
Result<void> switch_to(drivers::NftPacketFilter& filter, const ruleset::Ruleset& ruleset, Clock::time_point start,
                       std::string& json) {
    const auto report = TRY(filter.apply(ruleset, clock_reading().now));
    const double applied = seconds_since(start);
    const auto early = TRY(filter.install_early_drop(ruleset));
    json += text::concat(json.empty() ? "" : ", ", "{\"seconds\": ", std::to_string(applied),
                         ", \"early_seconds\": ", std::to_string(seconds_since(start) - applied),
                         ", \"early_devices\": ", text::to_text(early.devices.size()),
                         ", \"sets_loaded\": ", text::to_text(report.sets_loaded),
                         ", \"elements_loaded\": ", text::to_text(report.elements_loaded), "}");
    return {};
}

/// One database walk, for the first configuration: the others leave the countries alone, and the daemon keeps contents.
Result<void> run(const std::string& database_path, std::span<char*> words) {
    const auto start = Clock::now();
    const auto database = TRY(drivers::open_country_database(database_path, "database"));
    const auto model = TRY(read_model(words[0]));
    const auto contents = TRY(select(*database, model));
    const double selected = seconds_since(start);
    const auto ruleset = TRY(ruleset::compile(model, clock_reading(), contents));
    if (words.size() == 3 && std::string_view(words[1]) == "--write") {
        return bench::write_batches(ruleset, words[2]);
    }
    const auto filter = TRY(drivers::NftPacketFilter::create());
    std::string switches;
    TRY(switch_to(*filter, ruleset, start, switches));
    for (const char* const path : words.subspan(1)) {
        const auto again = Clock::now();
        const auto other = TRY(read_model(path));
        const auto changed = TRY(ruleset::compile(other, clock_reading(), contents));
        TRY(switch_to(*filter, changed, again, switches));
    }
    std::printf("{\"select_seconds\": %.6f, \"ranges\": %zu, \"peak_kilobytes\": %ld, "
                "\"child_peak_kilobytes\": %ld, \"switches\": [%s]}\n",
                selected, ranges_in(ruleset), peak_kilobytes(RUSAGE_SELF), peak_kilobytes(RUSAGE_CHILDREN),
                switches.c_str());
    return {};
}

} // namespace

int main(int count, char** words) {
    if (count < 3) {
        std::fputs("usage: geo-load DATABASE CONFIGURATION [MORE... | --write FILE]\n", stderr);
        return 2;
    }
    const auto result = run(words[1], std::span(words, static_cast<std::size_t>(count)).subspan(2));
    if (!result) {
        std::fprintf(stderr, "geo-load: %s\n", result.error().message().c_str());
        return 1;
    }
    return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A country database that somebody imports: whatever its bytes are, it is refused in words that are safe to show, or
// its answers hold together: what is selected is sorted, merged and no special-purpose space, and is where the look-up
// of a single address finds it.
#include "drivers/geoip/country_database.hpp"
#include "tests/fuzz/require.hpp"

#include <memory>
#include <optional>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

using namespace sekisho;
using fuzz::require;

namespace {

std::unique_ptr<ports::GeoDatabase> open_database(const std::uint8_t* data, std::size_t size) {
    const int fd = memfd_create("database", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, data, size) == static_cast<ssize_t>(size), "the input is a file");
    auto database = drivers::open_country_database(drivers::Descriptor(fd), "upload");
    if (!database) {
        require(fuzz::is_plain(database.error().message()), "an error is safe to show");
        return nullptr;
    }
    return std::move(*database);
}

void judge_ranges(const std::vector<IpRange>& ranges, Family family) {
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        require(ranges[i].family() == family && ranges[i].last.family() == family, "ranges are of one family");
        require(ranges[i].first <= ranges[i].last, "a range has a first address");
        require(geo::is_global(ranges[i].first) && geo::is_global(ranges[i].last), "special space is in no set");
        IpAddress next = i == 0 ? ranges[0].first : ranges[i - 1].last;
        require(i == 0 || (next.increment() && next < ranges[i].first), "ranges are sorted and merged");
    }
}

/// What every address at an edge has for a country, by one look-up each. A code that stands for no country is unknown.
void judge_look_ups(ports::GeoDatabase& database, const std::vector<IpRange>& ranges,
                    std::optional<CountryCode> country) {
    constexpr std::size_t kMost = 50;
    for (std::size_t i = 0; i < ranges.size() && i < kMost; ++i) {
        for (const IpAddress& address : {ranges[i].first, ranges[i].last}) {
            const auto location = database.locate(address);
            const bool is_known = location.country && location.country->is_assigned();
            require(location.prefix.contains(address), "the prefix has the address");
            require((is_known ? location.country : std::nullopt) == country, "ranges hold what the look-up finds");
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto database = open_database(data, size);
    if (!database) {
        return 0;
    }
    const auto& facts = database->facts();
    require(fuzz::is_plain(facts.type) && fuzz::is_plain(facts.description), "facts are safe to show");
    require(facts.bytes == size, "the size is the file's");
    const CountryCode japan = CountryCode::parse("JP").value();
    const geo::Selection selections[] = {{.countries = {japan}, .unknown = false}, {.countries = {}, .unknown = true}};
    const auto contents = database->select(selections);
    const auto coverage = database->coverage();
    require(contents.has_value() == coverage.has_value(), "damage is found by every walk");
    if (!contents) {
        require(fuzz::is_plain(contents.error().message()), "an error is safe to show");
        static_cast<void>(database->locate(IpAddress::v4(0x08080808)));
        return 0;
    }
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        const auto place = static_cast<std::size_t>(family);
        for (const auto& selection : selections) {
            const auto& ranges = *contents->at(selection)[place].ranges;
            judge_ranges(ranges, family);
            judge_look_ups(*database, ranges, selection.unknown ? std::nullopt : std::optional(japan));
        }
    }
    require(coverage->v4 <= 0x1p32 && coverage->v6 <= 0x1p128, "no more than there is");
    return 0;
}

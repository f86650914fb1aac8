// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/geo/selection.hpp"

#include "policy/address/range_set.hpp"
#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

namespace sekisho::geo {

namespace {

constexpr std::size_t kUnknown = CountryCode::kCount; ///< row of addresses without a country
constexpr std::size_t kMostNamed = 3;                 ///< countries that a label spells out

/// In ascending order, none touching the next.
template <std::size_t kSize>
std::array<IpRange, kSize> parsed(const std::array<std::string_view, kSize>& texts) {
    std::array<IpRange, kSize> ranges;
    std::ranges::transform(texts, ranges.begin(), [](std::string_view text) { return IpRange::parse(text).value(); });
    return ranges;
}

std::string hash_of(const std::vector<IpRange>& ranges) {
    Sha256 hash;
    for (const IpRange& range : ranges) {
        hash.update(range.first.bytes());
        hash.update(range.last.bytes());
    }
    const auto digest = hash.finish();
    std::string digits;
    for (const std::uint8_t byte : std::span(digest).first(6)) {
        digits += text::to_hex(byte, 2);
    }
    return digits;
}

/// Appends a range that begins behind all that is there.
void append(std::vector<IpRange>& ranges, const IpRange& range) {
    if (!ranges.empty()) {
        IpAddress next = ranges.back().last;
        if (next.increment() && next == range.first) {
            ranges.back().last = range.last;
            return;
        }
    }
    ranges.push_back(range);
}

} // namespace

std::span<const IpRange> special_purpose(Family family) noexcept {
    // RFC 6890 and its successors in IANA's registries; for IPv6 what is not global unicast (RFC 4291)
    static const auto kV4 = parsed(std::to_array<std::string_view>(
        {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
         "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3"}));
    static const auto kV6 = parsed(std::to_array<std::string_view>(
        {"::-1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}));
    return family == Family::ipv4 ? std::span<const IpRange>(kV4) : std::span<const IpRange>(kV6);
}

bool is_global(const IpAddress& address) noexcept {
    return !address::contains(special_purpose(address.family()), address);
}

std::string Selection::label() const {
    std::string label;
    if (countries.size() > kMostNamed) {
        label = text::to_text(countries.size()) + "_countries";
    } else {
        for (const CountryCode country : countries) {
            std::string letters = country.text();
            for (char& letter : letters) {
                letter = static_cast<char>(letter - 'A' + 'a');
            }
            label += text::concat(label.empty() ? "" : "_", letters);
        }
    }
    if (unknown) {
        label += label.empty() ? "unknown" : "_unknown";
    }
    return label;
}

Collector::Collector(std::span<const Selection> selections) : m_selections(selections.begin(), selections.end()) {
    std::ranges::sort(m_selections);
    m_selections.erase(std::ranges::unique(m_selections).begin(), m_selections.end());
    m_ranges.resize(m_selections.size());
    for (std::size_t index = 0; index < m_selections.size(); ++index) {
        for (const CountryCode country : m_selections[index].countries) {
            m_wanted_by[country.index()].push_back(static_cast<std::uint16_t>(index));
        }
        if (m_selections[index].unknown) {
            m_wanted_by[kUnknown].push_back(static_cast<std::uint16_t>(index));
        }
    }
    // EU, AP and their like stand for no country that a list could name.
    for (char first = 'A'; first <= 'Z'; ++first) {
        for (char second = 'A'; second <= 'Z'; ++second) {
            const CountryCode code = *CountryCode::from_letters(std::string{first, second});
            if (!code.is_assigned()) {
                m_wanted_by[code.index()] = m_wanted_by[kUnknown];
            }
        }
    }
}

void Collector::add(const IpRange& range, std::optional<CountryCode> country) {
    const auto family = static_cast<std::size_t>(range.family());
    if (country) {
        ++m_ranges_by_country[country->index()];
        m_seen[family].set(country->index());
        m_covered[family] += address::count(std::span(&range, 1), range.family());
    }
    for (const std::uint16_t index : m_wanted_by[country ? country->index() : kUnknown]) {
        append(m_ranges[index][family], range);
    }
}

Contents Collector::finish() {
    Contents contents;
    for (std::size_t index = 0; index < m_selections.size(); ++index) {
        const std::vector<CountryCode> countries = m_selections[index].countries;
        Content& content = contents[std::move(m_selections[index])];
        for (const Family family : {Family::ipv4, Family::ipv6}) {
            const auto place = static_cast<std::size_t>(family);
            auto ranges = std::make_shared<const std::vector<IpRange>>(
                address::subtract(m_ranges[index][place], special_purpose(family)));
            m_ranges[index][place] = {};
            content[place].hash = hash_of(*ranges);
            content[place].ranges = std::move(ranges);
            std::ranges::copy_if(countries, std::back_inserter(content[place].absent),
                                 [&](CountryCode country) { return !m_seen[place].test(country.index()); });
        }
    }
    return contents;
}

} // namespace sekisho::geo

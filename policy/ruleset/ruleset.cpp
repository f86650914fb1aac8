// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/ruleset/ruleset.hpp"

#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

namespace sekisho::ruleset {

std::string_view name_of(Reason reason) noexcept {
    static constexpr std::array<std::string_view, 10> kNames{
        "accepted",    "invalid",    "spoofed", "blocked-list",      "country",
        "not-allowed", "no-service", "zone",    "port-unauthorized", "binding"};
    static_assert(static_cast<std::size_t>(Reason::binding) + 1 == kNames.size());
    return kNames[static_cast<std::size_t>(reason)];
}

std::string_view name_of(Hook hook) noexcept {
    static constexpr std::array<std::string_view, kHookCount> kNames{
        "early", "screen", "translate", "input", "forward", "output", "record_input", "masquerade", "record_forward"};
    static_assert(static_cast<std::size_t>(Hook::record_forward) + 1 == kNames.size());
    return kNames[static_cast<std::size_t>(hook)];
}

std::uint32_t rule_number(std::string_view id) noexcept {
    Sha256 hash;
    hash.update(id);
    const auto digest = hash.finish();
    const std::uint32_t number =
        static_cast<std::uint32_t>(digest[0]) << 16 | static_cast<std::uint32_t>(digest[1]) << 8 | digest[2];
    return number == 0 ? 1 : number; // 0 in a mark means that no rule has set it
}

std::map<std::string, std::uint32_t, std::less<>> role_numbers(std::span<const std::string> names) {
    std::vector<std::string> sorted(names.begin(), names.end());
    std::ranges::sort(sorted);
    std::set<std::uint32_t> taken{0, kOpenPort};
    std::map<std::string, std::uint32_t, std::less<>> numbers;
    for (const std::string& name : sorted) {
        std::uint32_t number = rule_number(name) >> 8;
        for (std::uint64_t attempt = 1; taken.contains(number); ++attempt) {
            number = rule_number(text::concat(name, "#", text::to_text(attempt))) >> 8;
        }
        taken.insert(number);
        numbers.emplace(name, number);
    }
    return numbers;
}

bool AddressIn::holds(const IpAddress& address) const noexcept {
    if (prefixes.front().family() != address.family()) {
        return false;
    }
    const bool in =
        std::ranges::any_of(prefixes, [&address](const IpPrefix& prefix) { return prefix.contains(address); });
    return in != negated;
}

bool is_in(const std::vector<model::PortRange>& ranges, std::uint16_t port) noexcept {
    return std::ranges::any_of(
        ranges, [port](const model::PortRange& range) { return range.first <= port && port <= range.last; });
}

bool Set::contains(const IpAddress& address, Time now) const noexcept {
    if (ranges) {
        return address::contains(*ranges, address);
    }
    const auto behind = std::ranges::upper_bound(elements, address, {},
                                                 [](const address::TimedRange& each) { return each.range.first; });
    if (behind == elements.begin()) {
        return false;
    }
    const address::TimedRange& element = *std::prev(behind);
    return element.range.contains(address) && (!element.expires || now < *element.expires);
}

Ruleset::Ruleset() = default;
Ruleset::Ruleset(const Ruleset&) = default;
Ruleset::Ruleset(Ruleset&&) noexcept = default;
Ruleset& Ruleset::operator=(const Ruleset&) = default;
Ruleset& Ruleset::operator=(Ruleset&&) noexcept = default;
Ruleset::~Ruleset() = default;

const ZoneEntry* Ruleset::find_zone(ZoneIndex index) const noexcept {
    const auto found = std::ranges::find(zones, index, &ZoneEntry::index);
    return found == zones.end() ? nullptr : &*found;
}

} // namespace sekisho::ruleset

template class std::vector<sekisho::ruleset::Match>;
template class std::vector<sekisho::ruleset::Rule>;

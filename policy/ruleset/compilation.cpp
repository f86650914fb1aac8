// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/ruleset/compilation.hpp"

#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>

namespace sekisho::ruleset {

namespace {

/// A log prefix holds 127 bytes; one is for the overflow mark.
constexpr std::size_t kLongestId = 126;

/// Where the search for a free number begins: derived from the name, so that a zone keeps its number while others come
/// and go.
unsigned preferred_number(std::string_view name) {
    Sha256 hash;
    hash.update(name);
    const auto digest = hash.finish();
    constexpr unsigned kNumbers = kLastZoneNumber - kFirstFreeZoneNumber + 1;
    return (static_cast<unsigned>(digest[0]) << 8 | digest[1]) % kNumbers;
}

ZoneFacts facts_of(const model::Model& model, const model::Zone& zone, ZoneIndex number) {
    ZoneFacts facts;
    facts.zone = &zone;
    facts.number = number;
    std::vector<IpPrefix> own;
    for (const IpAddress& address : model.own_addresses_of(zone)) {
        own.emplace_back(address, bits_of(address.family()));
    }
    const auto networks = model.networks_of(zone);
    for (const Family family : kFamilies) {
        facts.networks[static_cast<std::size_t>(family)] = normalised(of_family(networks, family));
        facts.addresses[static_cast<std::size_t>(family)] = normalised(of_family(own, family));
    }
    return facts;
}

} // namespace

std::string ZoneFacts::rule_id(std::string_view what) const {
    return text::concat("zone.", zone->name, ".", what);
}

std::vector<IpPrefix> normalised(std::vector<IpPrefix> prefixes) {
    std::vector<IpRange> ranges;
    ranges.reserve(prefixes.size());
    std::ranges::transform(prefixes, std::back_inserter(ranges), &IpRange::of);
    std::vector<IpPrefix> result;
    for (const IpRange& range : address::merge(std::move(ranges))) {
        append(result, address::to_prefixes(range));
    }
    return result;
}

std::vector<IpPrefix> of_family(const std::vector<IpPrefix>& prefixes, Family family) {
    std::vector<IpPrefix> result;
    std::ranges::copy_if(prefixes, std::back_inserter(result),
                         [family](const IpPrefix& prefix) { return prefix.family() == family; });
    return result;
}

void append(std::vector<IpPrefix>& to, const std::vector<IpPrefix>& prefixes) {
    to.insert(to.end(), prefixes.begin(), prefixes.end());
}

Result<void> Compilation::number_zones() {
    std::vector<const model::Zone*> by_name;
    for (const model::Zone& zone : model.zones) {
        if (!zone.is_wan()) {
            by_name.push_back(&zone);
        }
    }
    std::ranges::sort(by_name, {}, &model::Zone::name);
    constexpr std::size_t kNumbers = kLastZoneNumber - kFirstFreeZoneNumber + 1;
    if (by_name.size() > kNumbers) {
        return std::unexpected(Error(Domain::configuration, "zones",
                                     text::concat("at most ", text::to_text(kNumbers),
                                                  " inside zones fit into the connection mark, here are ",
                                                  text::to_text(by_name.size()))));
    }
    std::map<std::string_view, ZoneIndex> numbers{{model::kWanZone, kWanZoneNumber}};
    std::array<bool, kNumbers> taken{};
    for (const model::Zone* zone : by_name) {
        std::size_t slot = preferred_number(zone->name);
        while (taken[slot]) {
            slot = (slot + 1) % kNumbers;
        }
        taken[slot] = true;
        numbers[zone->name] = static_cast<ZoneIndex>(kFirstFreeZoneNumber + slot);
    }
    for (const model::Zone& zone : model.zones) {
        const ZoneIndex number = numbers.at(zone.name);
        m_ruleset.zones.push_back({number, zone.name, zone.interfaces, zone.is_wan()});
        if (!zone.interfaces.empty()) {
            zones.push_back(facts_of(model, zone, number));
        }
    }
    m_ruleset.zones.push_back({kRouterZoneNumber, std::string(model::kRouterZone), {}, false});
    m_ruleset.log = model.log;
    return {};
}

const ZoneFacts* Compilation::find_zone(std::string_view name) const noexcept {
    const auto found = std::ranges::find_if(zones, [name](const ZoneFacts& facts) { return facts.zone->name == name; });
    return found == zones.end() ? nullptr : &*found;
}

std::optional<std::size_t> Compilation::set_of(std::string_view name, Family family, ListUse use) {
    const auto [known, is_new] = m_sets.try_emplace({std::string(name), family, use});
    if (is_new) {
        known->second = make_set(name, family, use);
    }
    return known->second;
}

std::optional<std::size_t> Compilation::make_set(std::string_view name, Family family, ListUse use) {
    const model::AddressList* list = model.find_address_list(name);
    if (list == nullptr) {
        return std::nullopt;
    }
    std::vector<address::TimedRange> elements;
    for (const model::ListEntry& entry : list->entries) {
        if (entry.range.family() != family) {
            continue;
        }
        const bool in_doubt = entry.expires && !m_clock.synchronised;
        if (use == ListUse::refuses && in_doubt) {
            elements.push_back({entry.range, std::nullopt});
        } else if (!entry.expires || !m_clock.has_passed(*entry.expires)) {
            elements.push_back({entry.range, entry.expires});
        }
    }
    if (elements.empty()) {
        return std::nullopt;
    }
    elements = address::merge_timed(std::move(elements));
    std::string set_name =
        text::concat("al_", name, family == Family::ipv4 ? "_4_" : "_6_", address::content_hash(elements));
    return keep({.name = std::move(set_name), .family = family, .elements = std::move(elements), .ranges = nullptr});
}

std::optional<std::size_t> Compilation::countries_of(const model::GeoList& list, Family family, ListUse use) {
    const geo::Selection selection = selection_of(list, use);
    const auto content = m_countries.find(selection);
    if (content == m_countries.end()) {
        m_unknown_selection = list.name;
        return std::nullopt;
    }
    const geo::Ranges& ranges = content->second[static_cast<std::size_t>(family)];
    if (ranges.ranges->empty()) {
        return std::nullopt;
    }
    return keep({.name = text::concat("geo_", selection.label(), family == Family::ipv4 ? "_4_" : "_6_", ranges.hash),
                 .family = family,
                 .elements = {},
                 .ranges = ranges.ranges});
}

std::vector<std::size_t> Compilation::admitted_by(const std::vector<std::string>& geo_lists, Family family) {
    std::vector<std::size_t> sets;
    const auto take = [&sets](std::optional<std::size_t> set) {
        if (set && std::ranges::find(sets, *set) == sets.end()) {
            sets.push_back(*set);
        }
    };
    for (const std::string& name : geo_lists) {
        const model::GeoList& list = *model.find_geo_list(name);
        take(countries_of(list, family, ListUse::admits));
        for (const std::string& except : list.except_lists) {
            take(set_of(except, family, ListUse::admits));
        }
    }
    return sets;
}

std::vector<std::vector<Match>> Compilation::refused_by(const std::vector<std::string>& geo_lists, Family family,
                                                        Side side) {
    std::vector<std::vector<Match>> alternatives;
    for (const std::string& name : geo_lists) {
        const model::GeoList& list = *model.find_geo_list(name);
        const auto countries = countries_of(list, family, ListUse::refuses);
        if (!countries) {
            continue;
        }
        std::vector<Match> matches{AddressInSet{side, *countries}};
        for (const std::string& except : list.except_lists) {
            if (const auto set = set_of(except, family, ListUse::admits)) {
                matches.emplace_back(AddressInSet{side, *set, true});
            }
        }
        alternatives.push_back(std::move(matches));
    }
    return alternatives;
}

/// Equal content is one set.
std::size_t Compilation::keep(Set set) {
    const auto found = std::ranges::find(m_ruleset.sets, set.name, &Set::name);
    if (found != m_ruleset.sets.end()) {
        return static_cast<std::size_t>(found - m_ruleset.sets.begin());
    }
    m_ruleset.sets.push_back(std::move(set));
    return m_ruleset.sets.size() - 1;
}

void Compilation::accept_connection(Hook hook, std::string id, Place place, ZoneIndex zone, model::LogAccepted log,
                                    std::vector<Match> matches) {
    const bool recorded = log == model::LogAccepted::yes;
    // A connection that nobody wants in the log counts as recorded from the start, so the record hooks pass it by. The
    // rule's number comes when all ids are known.
    const std::uint32_t mark = make_mark(zone, 0) | (recorded ? 0 : kMarkRecorded);
    add({.id = std::move(id),
         .reason = Reason::accepted,
         .place = place,
         .hook = hook,
         .matches = std::move(matches),
         .log = recorded ? LogKind::recorded : LogKind::none,
         .mark = mark,
         .verdict = Accept{}});
}

void Compilation::accept_quietly(Hook hook, std::string id, Place place, std::vector<Match> matches) {
    add({.id = std::move(id),
         .reason = Reason::accepted,
         .place = place,
         .hook = hook,
         .matches = std::move(matches),
         .log = LogKind::none,
         .mark = 0,
         .verdict = Accept{}});
}

void Compilation::deny(Hook hook, std::string id, Reason reason, Place place, Verdict verdict,
                       std::vector<Match> matches) {
    add({.id = std::move(id),
         .reason = reason,
         .place = place,
         .hook = hook,
         .matches = std::move(matches),
         .log = LogKind::limited,
         .mark = 0,
         .verdict = std::move(verdict)});
}

void Compilation::number_rules() {
    std::map<std::string_view, std::uint32_t> numbers;
    for (const Rule& rule : m_ruleset.rules) {
        numbers.emplace(rule.id, 0);
    }
    // In the order of the ids, so that which of two gets its second choice does not depend on positions. 24 bits meet
    // now and then: that must not be what keeps a configuration from being accepted.
    std::set<std::uint32_t> taken;
    for (auto& [id, number] : numbers) {
        number = rule_number(id);
        for (std::uint64_t attempt = 1; !taken.insert(number).second; ++attempt) {
            number = rule_number(text::concat(id, "#", text::to_text(attempt)));
        }
    }
    for (Rule& rule : m_ruleset.rules) {
        rule.number = numbers.at(rule.id);
        if (zone_of_mark(rule.mark) != 0) {
            rule.mark |= rule.number;
        }
    }
}

Result<Ruleset> Compilation::finish() {
    if (!m_unknown_selection.empty()) {
        return std::unexpected(Error(Domain::configuration, text::concat("geo-list ", m_unknown_selection),
                                     "the country database was not read for it"));
    }
    for (const Rule& rule : m_ruleset.rules) {
        if (rule.id.size() > kLongestId) {
            return std::unexpected(Error(Domain::configuration, rule.id,
                                         text::concat("rule ids have at most ", text::to_text(kLongestId),
                                                      " characters: a shorter name is needed")));
        }
    }
    number_rules();
    return std::move(m_ruleset);
}

std::vector<Match> with(std::vector<Match> matches, std::vector<Match> more) {
    matches.insert(matches.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return matches;
}

std::vector<Match> transport_of(model::Protocol protocol, const std::vector<model::PortRange>& ports) {
    std::vector<Match> matches;
    if (protocol != model::Protocol::any) {
        matches.emplace_back(ProtocolIs{protocol});
    }
    if (!ports.empty()) {
        matches.emplace_back(DestinationPortIn{ports});
    }
    return matches;
}

} // namespace sekisho::ruleset

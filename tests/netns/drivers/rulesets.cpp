// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/netns/drivers/rulesets.hpp"

#include "policy/base/text.hpp"

#include <CppUTest/TestHarness.h>

namespace sekisho::test {

IpRange range(std::string_view text) {
    auto parsed = IpRange::parse(text);
    CHECK_TRUE_TEXT(parsed.has_value(), std::string(text).c_str());
    return *parsed;
}

ruleset::Set make_set(std::string_view list, Family family, std::vector<address::TimedRange> elements) {
    ruleset::Set set{
        .name = text::concat("al_", list, family == Family::ipv4 ? "_4_" : "_6_", address::content_hash(elements)),
        .family = family,
        .elements = std::move(elements)};
    return set;
}

ruleset::Set make_set(std::string_view list, Family family, std::initializer_list<std::string_view> ranges) {
    std::vector<address::TimedRange> elements;
    for (const std::string_view text : ranges) {
        elements.push_back({.range = range(text), .expires = std::nullopt});
    }
    return make_set(list, family, std::move(elements));
}

ruleset::Set make_country_set(std::string_view label, Family family,
                              std::shared_ptr<const std::vector<IpRange>> ranges) {
    std::vector<address::TimedRange> content;
    for (const IpRange& each : *ranges) {
        content.push_back({.range = each, .expires = std::nullopt});
    }
    return {.name = text::concat("geo_", label, family == Family::ipv4 ? "_4_" : "_6_", address::content_hash(content)),
            .family = family,
            .elements = {},
            .ranges = std::move(ranges)};
}

ruleset::Set make_country_set(std::string_view label, Family family, std::initializer_list<std::string_view> ranges) {
    auto parsed = std::make_shared<std::vector<IpRange>>();
    for (const std::string_view text : ranges) {
        parsed->push_back(range(text));
    }
    return make_country_set(label, family, std::move(parsed));
}

ruleset::Ruleset accept_from(std::vector<ruleset::Set> sets) {
    ruleset::Ruleset ruleset;
    ruleset.zones = {{.index = 1, .name = "wan", .interfaces = {"wan0"}, .is_wan = true}};
    ruleset.sets = std::move(sets);
    const auto add = [&](std::string id, std::vector<ruleset::Match> matches, ruleset::Verdict verdict) {
        ruleset::Rule rule;
        rule.id = std::move(id);
        rule.hook = ruleset::Hook::input;
        rule.matches = std::move(matches);
        rule.verdict = verdict;
        ruleset.rules.push_back(std::move(rule));
    };
    add("neighbour", {ruleset::ProtocolIs{model::Protocol::icmpv6}}, ruleset::Accept{});
    for (std::size_t index = 0; index < ruleset.sets.size(); ++index) {
        add(text::concat("list.", text::to_text(index)),
            {ruleset::IngressZone{1}, ruleset::AddressInSet{ruleset::Side::source, index},
             ruleset::ProtocolIs{model::Protocol::udp}, ruleset::DestinationPortIn{{{kPort, kPort}}}},
            ruleset::Accept{});
    }
    add("input.deny", {}, ruleset::Drop{});
    add("output.allow", {}, ruleset::Accept{});
    ruleset.rules.back().hook = ruleset::Hook::output;
    return ruleset;
}

} // namespace sekisho::test

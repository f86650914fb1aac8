// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/ruleset/fixture.hpp"

#include "policy/base/text.hpp"
#include "policy/ruleset/render_internal.hpp"

#include <algorithm>

#include <CppUTest/TestHarness.h>

namespace sekisho::test {

using namespace model;

namespace {

Interface interface(std::string name, const std::vector<std::string>& addresses) {
    Interface result;
    result.name = std::move(name);
    for (const std::string& address : addresses) {
        result.addresses.push_back(InterfaceAddress::parse(address).value());
    }
    return result;
}

Zone zone(std::string name, std::string interface, std::size_t line) {
    Zone result;
    result.name = std::move(name);
    result.place = {line, 5};
    result.interfaces = {std::move(interface)};
    return result;
}

} // namespace

ClockReading fixed_clock() {
    return {parse_rfc3339("2026-11-23T00:00:00Z").value(), true};
}

ClockReading unsynchronised_clock() {
    return {fixed_clock().now, false};
}

Time days_from_now(std::int64_t days) {
    return {fixed_clock().now.microseconds + days * 86'400'000'000};
}

Model base_model() {
    Model result;
    result.interfaces = {interface("wan0", {"203.0.113.2/29", "2001:db8:f::2/64"}),
                         interface("br-clinic", {"10.0.1.1/24", "2001:db8:1::1/64"}),
                         interface("lan3", {"10.0.2.1/24"})};
    result.zones = {zone("wan", "wan0", 2), zone("clinic", "br-clinic", 3), zone("guest", "lan3", 4)};
    result.address_lists = {list("vendor", {"198.51.100.0/28", "2001:db8:a::/48"}), list("four", {"192.0.2.7"}),
                            list("empty", {})};
    return result;
}

AddressList list(std::string name, const std::vector<std::string>& entries) {
    AddressList result;
    result.name = std::move(name);
    for (const std::string& entry : entries) {
        result.entries.push_back({IpRange::parse(entry).value(), {}, std::nullopt});
    }
    return result;
}

void add_expiring(AddressList& list, std::string_view range, Time expires) {
    list.entries.push_back({IpRange::parse(range).value(), {}, expires});
}

Service local(std::string name, std::uint16_t port) {
    Service result;
    result.name = std::move(name);
    result.place = {20, 1};
    result.from = {"wan"};
    result.ports = {{port, port}};
    result.source_lists = {"vendor"};
    return result;
}

Service forwarded(std::string name, std::uint16_t port, std::string_view host_v4) {
    Service result = local(std::move(name), port);
    result.forward_v4 = IpAddress::parse(host_v4).value();
    return result;
}

Service forwarded_v6(std::string name, std::uint16_t port, std::string_view host_v6) {
    Service result = local(std::move(name), port);
    result.forward_v6 = IpAddress::parse(host_v6).value();
    return result;
}

Policy policy(std::string name, std::string from, std::string to) {
    Policy result;
    result.name = std::move(name);
    result.place = {30, 1};
    result.from = std::move(from);
    result.to = std::move(to);
    return result;
}

ruleset::Ruleset compiled(const Model& model, const ClockReading& clock) {
    auto result = ruleset::compile(model, clock);
    if (!result) {
        FAIL(result.error().message().c_str());
    }
    return std::move(result).value();
}

std::vector<const ruleset::Rule*> rules_of(const ruleset::Ruleset& ruleset, ruleset::Hook hook, std::string_view id) {
    std::vector<const ruleset::Rule*> result;
    for (const ruleset::Rule& rule : ruleset.rules) {
        if (rule.hook == hook && rule.id == id) {
            result.push_back(&rule);
        }
    }
    return result;
}

std::vector<std::string> texts_of(const ruleset::Ruleset& ruleset, ruleset::Hook hook, std::string_view id) {
    std::vector<std::string> result;
    for (const ruleset::Rule* rule : rules_of(ruleset, hook, id)) {
        result.push_back(ruleset::rule_text(ruleset, *rule));
    }
    return result;
}

std::size_t position_of(const ruleset::Ruleset& ruleset, ruleset::Hook hook, std::string_view id) {
    std::size_t position = 0;
    for (const ruleset::Rule& rule : ruleset.rules) {
        if (rule.hook == hook) {
            if (rule.id == id) {
                return position;
            }
            ++position;
        }
    }
    FAIL(text::concat("no rule ", id, " on ", name_of(hook)).c_str());
    return 0;
}

std::string set_name(const ruleset::Ruleset& ruleset, std::string_view prefix) {
    const auto found =
        std::ranges::find_if(ruleset.sets, [prefix](const auto& set) { return set.name.starts_with(prefix); });
    return found == ruleset.sets.end() ? std::string() : found->name;
}

void check_texts(const std::vector<std::string>& expected, const std::vector<std::string>& actual) {
    STRCMP_EQUAL(text::join(expected, "\n").c_str(), text::join(actual, "\n").c_str());
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

} // namespace sekisho::test

// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a configuration: refused with a diagnostic, or a tree that survives printing, and a model that keeps its
// promises.
#include "policy/accounts/records.hpp"
#include "policy/config/certificate.hpp"
#include "policy/config/parser.hpp"
#include "policy/config/printer.hpp"
#include "policy/config/ssh_key.hpp"
#include "policy/model/build.hpp"
#include "policy/ruleset/compiler.hpp"
#include "policy/ruleset/renderer.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>
#include <set>
#include <string>

using namespace sekisho;
using fuzz::require;

namespace {

void check_printing(const config::Tree& tree) {
    const std::string printed = config::print(tree);
    Diagnostics diagnostics;
    const auto again = config::parse(printed, diagnostics);
    require(again.has_value() && !diagnostics.has_errors(), "printed text parses");
    require(*again == tree, "printed text means the same");
    require(config::print(*again) == printed, "printing is stable");
    require(config::set_lines(*again) == config::set_lines(tree), "set lines are the same");
    require(config::diff(tree, *again).empty(), "no difference to itself");
}

/// What others build on without looking again: files of keys, rules, connections.
void check_management(const model::Model& model) {
    std::set<std::string> keys;
    for (const model::Account& account : model.accounts) {
        require(accounts::is_account_name(account.name), "accounts have names of accounts");
        for (const std::string& key : account.ssh_keys) {
            require(keys.insert(key).second, "a key belongs to one account");
            require(config::canonical_ssh_key(key) == key, "keys are in canonical spelling");
            require(std::ranges::count(key, ' ') == 1, "keys have no comment");
        }
    }
    for (const std::string& name : model.management.ssh_zones) {
        require(model.find_zone(name) != nullptr && name != model::kWanZone, "SSH is open from inside zones");
    }
    require(model.management.ssh_port != 0, "SSH has a port");
    require(!model::ssh_from_wan(model) || !model.management.ssh_zones.empty(), "no SSH from the WAN alone");
    for (const model::SyslogServer& server : model.syslog_servers) {
        const bool is_protected = server.transport == model::SyslogTransport::tls;
        require(!server.host.empty() && server.port != 0, "a log server is somewhere");
        require(server.certificates.empty() != is_protected && server.server_name.empty() != is_protected,
                "TLS, and it alone, knows its server");
        require(std::ranges::all_of(server.certificates,
                                    [](const std::string& pem) { return config::canonical_certificate(pem) == pem; }),
                "certificates are in canonical spelling");
    }
}

void check_model(const model::Model& model) {
    check_management(model);
    for (const model::Service& service : model.services) {
        require(!service.source_lists.empty(), "a service names its sources");
        require(std::ranges::all_of(service.source_lists,
                                    [&](const std::string& name) { return model.find_address_list(name) != nullptr; }),
                "source lists exist");
        require(std::ranges::all_of(service.from,
                                    [&](const std::string& name) { return model.find_zone(name) != nullptr; }),
                "zones of a service exist");
        require(std::ranges::all_of(
                    service.ports, [](model::PortRange range) { return range.first > 0 && range.first <= range.last; }),
                "ports are in order");
    }
    for (const model::AddressList& list : model.address_lists) {
        require(std::ranges::all_of(list.entries,
                                    [](const model::ListEntry& entry) {
                                        return entry.range.first.family() == entry.range.last.family() &&
                                               entry.range.first <= entry.range.last;
                                    }),
                "ranges are in order");
    }
}

void check_ruleset(const model::Model& model, const ClockReading& clock) {
    const auto ruleset = ruleset::compile(model, clock);
    if (!ruleset) {
        require(!ruleset.error().message().empty(), "a refusal says why");
        return;
    }
    for (const ruleset::Set& set : ruleset->sets) {
        require(!set.elements.empty(), "no set without elements");
        require(
            std::ranges::all_of(
                set.elements, [&](const address::TimedRange& element) { return element.range.family() == set.family; }),
            "a set has one family");
        require(std::ranges::adjacent_find(set.elements,
                                           [](const address::TimedRange& left, const address::TimedRange& right) {
                                               return left.range.last >= right.range.first;
                                           }) == set.elements.end(),
                "elements don't overlap");
        require(std::ranges::all_of(set.elements,
                                    [&](const address::TimedRange& element) {
                                        return !element.expires || !clock.synchronised || *element.expires > clock.now;
                                    }),
                "nothing expired is loaded");
    }
    const std::string text = ruleset::render_text(*ruleset, clock.now);
    require(fuzz::is_plain(text), "nothing in the text that nft or a terminal could take for something else");
    require(std::ranges::all_of(ruleset->rules, [&](const ruleset::Rule& rule) { return text.contains(rule.id); }),
            "rule ids are in the text");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Diagnostics diagnostics;
    const auto tree = config::parse(fuzz::text_of(data, size), diagnostics);
    require(tree.has_value() == !diagnostics.has_errors(), "a tree exactly where there is no error");
    require(fuzz::is_plain(diagnostics.text("fuzz.conf")), "diagnostics are safe to show");
    if (!tree) {
        return 0;
    }
    check_printing(*tree);
    for (const ClockReading clock :
         {ClockReading{Time::from_seconds(0), false}, ClockReading{Time::from_seconds(1'800'000'000), true}}) {
        Diagnostics meaning;
        const auto model = model::build_model(*tree, clock, meaning);
        require(model.has_value() == !meaning.has_errors(), "a model exactly where there is no error");
        require(fuzz::is_plain(meaning.text("fuzz.conf")), "diagnostics are safe to show");
        if (model) {
            check_model(*model);
            check_ruleset(*model, clock);
        }
    }
    return 0;
}

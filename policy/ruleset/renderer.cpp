// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/ruleset/renderer.hpp"

#include "policy/base/text.hpp"
#include "policy/ruleset/render_internal.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace sekisho::ruleset {

namespace {

struct HookRow {
    Hook hook;
    std::string_view chain; ///< name in the table; nft's own words can't be one
    std::string_view type;
    std::string_view place;  ///< netfilter's hook and priority
    std::string_view policy; ///< what happens to a packet that no rule decides on
    bool always;             ///< there even without rules: its policy is what closes
};

// Hook::early is none of them: it is rendered by itself, for devices that are there.
//
// The record hooks come after the hooks that judge, and record_forward after source translation (priority 100), so that
// the record knows both addresses.
constexpr std::array<HookRow, kHookCount - 1> kHooks{{
    {Hook::screen, "screen", "filter", "prerouting priority raw", "accept", false},
    {Hook::translate, "translate", "nat", "prerouting priority dstnat", "accept", false},
    {Hook::input, "input", "filter", "input priority filter", "drop", true},
    {Hook::forward, "forward", "filter", "forward priority filter", "drop", true},
    {Hook::output, "output", "filter", "output priority filter", "drop", true},
    {Hook::record_input, "record_input", "filter", "input priority filter + 10", "accept", false},
    {Hook::masquerade, "masquerading", "nat", "postrouting priority srcnat", "accept", false},
    {Hook::record_forward, "record_forward", "filter", "postrouting priority srcnat + 50", "accept", false},
}};

struct Chain {
    std::string name;
    std::vector<std::string> lines;
};

bool is_known(const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

void add_once(std::vector<std::string>& names, std::string name) {
    if (!is_known(names, name)) {
        names.push_back(std::move(name));
    }
}

std::vector<Chain> denial_chains(const Ruleset& ruleset) {
    std::vector<Chain> chains;
    bool rejects = false;
    for (const Rule& rule : ruleset.rules) {
        rejects = rejects || std::holds_alternative<Reject>(rule.verdict);
        if (has_denial_chain(rule) &&
            std::ranges::find(chains, denial_chain_name(rule), &Chain::name) == chains.end()) {
            chains.push_back({denial_chain_name(rule), denial_rules(rule, ruleset.log)});
        }
    }
    if (rejects) {
        chains.insert(chains.begin(), {std::string(kRejectChain), reject_rules()});
    }
    return chains;
}

std::vector<Chain> base_chains(const Ruleset& ruleset) {
    std::vector<Chain> chains;
    for (const HookRow& row : kHooks) {
        Chain chain{std::string(row.chain),
                    {text::concat("type ", row.type, " hook ", row.place, "; policy ", row.policy, ";")}};
        for (const Rule& rule : ruleset.rules) {
            if (rule.hook == row.hook) {
                chain.lines.push_back(rule_text(ruleset, rule));
            }
        }
        if (row.always || chain.lines.size() > 1) {
            chains.push_back(std::move(chain));
        }
    }
    return chains;
}

std::vector<Chain> all_chains(const Ruleset& ruleset) {
    auto chains = base_chains(ruleset);
    std::ranges::move(denial_chains(ruleset), std::back_inserter(chains));
    return chains;
}

std::vector<std::string> counter_names(const Ruleset& ruleset) {
    std::vector<std::string> names;
    for (const Rule& rule : ruleset.rules) {
        add_once(names, rule.id);
        if (has_denial_chain(rule)) {
            add_once(names, text::concat(rule.id, kSuppressedSuffix));
            add_once(names, text::concat(rule.id, kOverflowSuffix));
        }
    }
    return names;
}

std::string block(std::string_view kind, std::string_view name, const std::vector<std::string>& lines) {
    std::string result = text::concat("    ", kind, " ", name, " {\n");
    for (const std::string& line : lines) {
        result += text::concat("        ", line, "\n");
    }
    return result + "    }\n";
}

std::vector<std::string> set_lines(const Set& set) {
    return {text::concat("type ", set.family == Family::ipv4 ? "ipv4_addr" : "ipv6_addr"),
            set.ranges ? "flags interval" : "flags interval,timeout"};
}

/// Days and seconds: nft takes no number of seconds with more than eight digits.
std::string timeout_text(std::int64_t seconds) {
    constexpr std::int64_t kDay = 86'400;
    std::string result;
    if (seconds >= kDay) {
        result = text::to_text(static_cast<std::uint64_t>(seconds / kDay)) + "d";
    }
    if (seconds < kDay || seconds % kDay != 0) {
        result += text::to_text(static_cast<std::uint64_t>(seconds % kDay)) + "s";
    }
    return result;
}

/// Seconds; the kernel refuses what does not fit its nanoseconds (584 years), and no router runs for a hundred.
constexpr std::int64_t kLongestTimeout = 100ll * 365 * 86'400;

/// The elements that hold at `now`; a part of a second that remains counts as none.
std::vector<std::string> element_texts(const Set& set, Time now) {
    std::vector<std::string> elements;
    if (set.ranges) {
        std::ranges::transform(*set.ranges, std::back_inserter(elements), &IpRange::text);
    }
    for (const address::TimedRange& element : set.elements) {
        if (!element.expires) {
            elements.push_back(element.range.text());
            continue;
        }
        const std::int64_t remaining =
            std::min(Time{element.expires->microseconds - now.microseconds}.seconds(), kLongestTimeout);
        if (remaining > 0) {
            elements.push_back(text::concat(element.range.text(), " timeout ", timeout_text(remaining)));
        }
    }
    return elements;
}

std::string declared_sets(const Ruleset& ruleset) {
    std::string result;
    for (const Set& set : ruleset.sets) {
        result += block("set", set.name, set_lines(set));
    }
    return result;
}

std::string filled_sets(const Ruleset& ruleset, Time now) {
    std::string result;
    for (const Set& set : ruleset.sets) {
        auto lines = set_lines(set);
        if (const auto elements = element_texts(set, now); !elements.empty()) {
            lines.push_back(text::concat("elements = { ", text::join(elements, ",\n                     "), " }"));
        }
        result += block("set", set.name, lines);
    }
    return result;
}

bool has_limits(const Ruleset& ruleset) {
    return std::ranges::any_of(ruleset.rules, has_denial_chain);
}

std::string limit_sets() {
    // A source that is quiet for a minute starts afresh; its place in the table is free again.
    const auto lines = [](std::string_view type) {
        return std::vector<std::string>{text::concat("type ", type, " . mark"),
                                        text::concat("size ", text::to_text(kLimitSetSize)), "flags dynamic,timeout",
                                        "timeout 1m"};
    };
    return block("set", kLimitSetV4, lines("ipv4_addr")) + block("set", kLimitSetV6, lines("ipv6_addr"));
}

bool has_cut_flows(const Ruleset& ruleset) {
    return std::ranges::any_of(ruleset.rules, [](const Rule& rule) {
        return std::ranges::any_of(rule.matches,
                                   [](const Match& match) { return std::holds_alternative<OfCutFlow>(match); });
    });
}

std::vector<std::string> cut_set_names() {
    std::vector<std::string> names;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        for (const bool with_ports : {true, false}) {
            names.emplace_back(cut_set(family, with_ports));
        }
    }
    return names;
}

/// `timeout` says that elements come and go by themselves, as far as the rules are concerned; these have none.
std::string cut_sets() {
    const std::vector<std::string> rest{text::concat("size ", text::to_text(kCutSetSize)), "flags timeout"};
    std::string result;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        const std::string_view address = family == Family::ipv4 ? "ipv4_addr" : "ipv6_addr";
        std::vector<std::string> lines{
            text::concat("type inet_proto . ", address, " . inet_service . ", address, " . inet_service")};
        lines.insert(lines.end(), rest.begin(), rest.end());
        result += block("set", cut_set(family, true), lines);
        lines.front() = text::concat("type inet_proto . ", address, " . ", address);
        result += block("set", cut_set(family, false), lines);
    }
    return result;
}

/// Counters without values and chains in one block: adding what is there already changes nothing, so counters keep
/// their values.
std::string rules_block(const Ruleset& ruleset, std::string_view sets) {
    std::string result = text::concat("table inet ", kTable, " {\n", sets);
    if (has_limits(ruleset)) {
        result += limit_sets();
    }
    if (has_cut_flows(ruleset)) {
        result += cut_sets();
    }
    for (const std::string& name : counter_names(ruleset)) {
        result += text::concat("    counter ", name, " { }\n");
    }
    for (const Chain& chain : all_chains(ruleset)) {
        result += block("chain", chain.name, chain.lines);
    }
    return result + "}\n";
}

std::string early_chain(const Ruleset& ruleset, const std::vector<std::string>& devices) {
    std::vector<std::string> names;
    for (const std::string& device : devices) {
        names.push_back(text::concat("\"", device, "\""));
    }
    std::vector<std::string> lines{text::concat("type filter hook ingress devices = { ", text::join(names, ", "),
                                                " } priority -500; policy accept;")};
    for (const Rule& rule : ruleset.rules) {
        if (rule.hook == Hook::early) {
            lines.push_back(rule_text(ruleset, rule));
        }
    }
    if (devices.empty() || lines.size() == 1) {
        return {};
    }
    return text::concat("table inet ", kTable, " {\n", block("chain", kEarlyChain, lines), "}\n");
}

/// For readers: it is a transaction of its own, and one that names an absent device fails.
std::string early_comment(const Ruleset& ruleset) {
    std::vector<std::string> devices;
    for (const ZoneEntry& zone : ruleset.zones) {
        if (zone.is_wan) {
            devices = zone.interfaces;
        }
    }
    const std::string chain = early_chain(ruleset, devices);
    if (chain.empty()) {
        return {};
    }
    std::string result = "# Early drop, loaded afterwards on the devices that are there:\n";
    for (const std::string_view line : text::split(chain, '\n')) {
        result += line.empty() ? std::string() : text::concat("# ", line, "\n");
    }
    return result;
}

/// Takes all rules away, in the same transaction that brings the new ones; chains, sets and counters stay.
std::string flush_text() {
    return text::concat("add table inet ", kTable, "\nflush table inet ", kTable, "\n");
}

} // namespace

std::string_view cut_set(Family family, bool with_ports) noexcept {
    if (family == Family::ipv4) {
        return with_ports ? "cut_v4" : "cut_hosts_v4";
    }
    return with_ports ? "cut_v6" : "cut_hosts_v6";
}

Rendered render(const Ruleset& ruleset) {
    Rendered rendered;
    rendered.declarations = text::concat("table inet ", kTable, " {\n", declared_sets(ruleset), "}\n");
    rendered.transaction = flush_text() + rules_block(ruleset, {});
    for (const Chain& chain : all_chains(ruleset)) {
        rendered.chains.push_back(chain.name);
    }
    rendered.counters = counter_names(ruleset);
    for (const Set& set : ruleset.sets) {
        rendered.sets.push_back(set.name);
    }
    if (has_limits(ruleset)) {
        rendered.sets.emplace_back(kLimitSetV4);
        rendered.sets.emplace_back(kLimitSetV6);
    }
    if (has_cut_flows(ruleset)) {
        std::ranges::move(cut_set_names(), std::back_inserter(rendered.sets));
    }
    return rendered;
}

std::string early_text(const Ruleset& ruleset, const std::vector<std::string>& devices) {
    return text::concat("add table inet ", kTable, "\ndestroy chain inet ", kTable, " ", kEarlyChain, "\n",
                        early_chain(ruleset, devices));
}

std::string cleanup(const Rendered& rendered, const TableObjects& existing) {
    std::string result;
    const auto remove = [&result](std::string_view kind, const std::vector<std::string>& there,
                                  const std::vector<std::string>& used) {
        for (const std::string& name : there) {
            if (!is_known(used, name) && !name.starts_with("__")) {
                result += text::concat("delete ", kind, " inet ", kTable, " ", name, "\n");
            }
        }
    };
    remove("chain", existing.chains, rendered.chains);
    remove("counter", existing.counters, rendered.counters);
    remove("set", existing.sets, rendered.sets);
    remove("map", existing.maps, {});
    return result;
}

std::string render_text(const Ruleset& ruleset, Time now) {
    return flush_text() + rules_block(ruleset, filled_sets(ruleset, now)) + early_comment(ruleset);
}

} // namespace sekisho::ruleset

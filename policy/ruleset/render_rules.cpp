// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/text.hpp"
#include "policy/ruleset/mark.hpp"
#include "policy/ruleset/render_internal.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

namespace sekisho::ruleset {

namespace {

/// Records per minute and burst of one rule once the limit table is full: enough to see that there is an attack, and
/// where.
constexpr unsigned kOverflowPerMinute = 60;
constexpr unsigned kOverflowBurst = 20;

std::string hex32(std::uint32_t value) {
    return "0x" + text::to_hex(value, 8);
}

std::string comment_text(std::string_view id) {
    return text::concat("comment \"", id, "\"");
}

std::string counter_text(std::string_view id, std::string_view suffix = {}) {
    return text::concat("counter name \"", id, suffix, "\"");
}

std::string mark_text(std::uint32_t mark) {
    if (mark == kMarkRecorded) {
        return text::concat("ct mark set ct mark | ", hex32(mark));
    }
    // the recorded bit survives: a repeated first packet would otherwise put the connection into the log twice
    return text::concat("ct mark set ct mark & ", hex32(kMarkRecorded), " | ", hex32(mark));
}

struct VerdictWriter {
    std::string operator()(const Accept&) const { return "accept"; }

    std::string operator()(const Drop&) const { return "drop"; }

    std::string operator()(const Reject&) const { return text::concat("goto ", kRejectChain); }

    std::string operator()(const Continue&) const { return {}; }

    std::string operator()(const Masquerade&) const { return "masquerade"; }

    std::string operator()(const TranslateDestination& verdict) const {
        const bool v4 = verdict.address.family() == Family::ipv4;
        std::string result = v4 ? "dnat ip to " : "dnat ip6 to ";
        if (!verdict.port) {
            return result + verdict.address.text();
        }
        const std::string address = v4 ? verdict.address.text() : text::concat("[", verdict.address.text(), "]");
        return text::concat(result, address, ":", text::to_text(*verdict.port));
    }
};

/// The part of a source address that shares a limit, together with the rule: one source's flood on one rule hides
/// neither its denials by another rule nor another source's.
std::string limit_key(Family family, unsigned prefix_length, std::uint32_t number) {
    const bool v4 = family == Family::ipv4;
    std::string key = v4 ? "ip saddr" : "ip6 saddr";
    if (prefix_length < bits_of(family)) {
        std::array<std::uint8_t, 16> ones{};
        ones.fill(0xff);
        const IpPrefix mask(IpAddress::from_bytes(family, std::span(ones).first(bits_of(family) / 8)), prefix_length);
        key += text::concat(" & ", mask.address().text());
    }
    return text::concat(key, " . ", hex32(number));
}

/// A denial of what came in from an inside zone. On a LAN neighbours share their network's prefix and nothing else:
/// each address has a limit of its own there, so that no device hides another.
bool is_from_inside(const Rule& rule) {
    return std::ranges::any_of(rule.matches, [](const Match& match) {
        const auto* ingress = std::get_if<IngressZone>(&match);
        return ingress != nullptr && ingress->zone != kWanZoneNumber;
    });
}

std::string join_words(const std::vector<std::string>& words) {
    std::vector<std::string> given;
    std::ranges::copy_if(words, std::back_inserter(given), [](const std::string& word) { return !word.empty(); });
    return text::join(given, " ");
}

} // namespace

bool has_denial_chain(const Rule& rule) noexcept {
    return rule.log == LogKind::limited;
}

std::string denial_chain_name(const Rule& rule) {
    return text::concat(std::holds_alternative<Reject>(rule.verdict) ? "reject." : "drop.", rule.id);
}

std::string rule_text(const Ruleset& ruleset, const Rule& rule) {
    std::vector<std::string> words;
    for (const Match& match : rule.matches) {
        words.push_back(match_text(ruleset, match));
    }
    if (has_denial_chain(rule)) {
        words.push_back(text::concat("goto ", denial_chain_name(rule)));
    } else {
        words.push_back(counter_text(rule.id));
        words.push_back(rule.mark == 0 ? std::string() : mark_text(rule.mark));
        if (rule.log == LogKind::recorded && std::holds_alternative<Continue>(rule.verdict)) {
            words.push_back(text::concat("log group ", text::to_text(kLogGroupAccepted), " snaplen ",
                                         text::to_text(kLogSnapLength)));
        }
        words.push_back(std::visit(VerdictWriter{}, rule.verdict));
    }
    words.push_back(comment_text(rule.id));
    return join_words(words);
}

std::vector<std::string> denial_rules(const Rule& rule, const model::LogSettings& log) {
    struct FamilyLimit {
        Family family;
        unsigned prefix_length;
        std::string_view set;
    };

    const bool inside = is_from_inside(rule);
    const FamilyLimit limits[] = {{Family::ipv4, inside ? bits_of(Family::ipv4) : log.ipv4_prefix, kLimitSetV4},
                                  {Family::ipv6, inside ? bits_of(Family::ipv6) : log.ipv6_prefix, kLimitSetV6}};
    const std::string verdict = std::visit(VerdictWriter{}, rule.verdict);
    const std::string comment = comment_text(rule.id);
    const auto log_text = [&rule](std::string_view mark) {
        return text::concat("log prefix \"", rule.id, mark, "\" group ", text::to_text(kLogGroupDenied), " snaplen ",
                            text::to_text(kLogSnapLength));
    };
    const auto rate_text = [](unsigned per_minute, unsigned burst) {
        return text::concat("limit rate ", text::to_text(per_minute), "/minute burst ", text::to_text(burst),
                            " packets");
    };

    std::vector<std::string> rules{join_words({counter_text(rule.id), comment})};
    // The verdict may stand in the rules that log because the last rule gives it to whatever they let through.
    for (const auto& [family, prefix_length, set] : limits) {
        const std::string key = limit_key(family, prefix_length, rule.number);
        rules.push_back(
            join_words({text::concat("update @", set, " { ", key, " ", rate_text(log.per_minute, log.burst), " }"),
                        log_text({}), verdict, comment}));
        // Not found although it was just to be added: the table is full. (The reverse look-up of a source that is found
        // would use up its limit.)
        const std::string missing = text::concat(key, " != @", set);
        rules.push_back(join_words({missing, rate_text(kOverflowPerMinute, kOverflowBurst),
                                    log_text(std::string_view(&kOverflowMark, 1)), verdict, comment}));
        rules.push_back(join_words({missing, counter_text(rule.id, kOverflowSuffix), verdict, comment}));
    }
    rules.push_back(join_words({counter_text(rule.id, kSuppressedSuffix), verdict, comment}));
    return rules;
}

std::vector<std::string> reject_rules() {
    return {"meta l4proto tcp reject with tcp reset", "reject with icmpx admin-prohibited"};
}

} // namespace sekisho::ruleset

// SPDX-License-Identifier: GPL-2.0-or-later
// Each kind of match as nft(8) writes it. Protocols are nft's own words: names that it would look up in /etc/protocols
// fail on the router, which has none.
#include "policy/base/text.hpp"
#include "policy/ruleset/mark.hpp"
#include "policy/ruleset/render_internal.hpp"

namespace sekisho::ruleset {

namespace {

std::string_view word_of(Family family) {
    return family == Family::ipv4 ? "ip" : "ip6";
}

std::string_view word_of(Side side) {
    return side == Side::source ? "saddr" : "daddr";
}

std::string_view unless(bool negated) {
    return negated ? "!= " : "";
}

std::string_view word_of(model::Protocol protocol) {
    switch (protocol) {
    case model::Protocol::icmp:
        return "icmp";
    case model::Protocol::tcp:
        return "tcp";
    case model::Protocol::udp:
        return "udp";
    case model::Protocol::gre:
        return "gre";
    case model::Protocol::esp:
        return "esp";
    case model::Protocol::ah:
        return "ah";
    case model::Protocol::icmpv6:
        return "icmpv6";
    case model::Protocol::sctp:
        return "sctp";
    case model::Protocol::any:
        break;
    }
    return {};
}

std::string ports_text(const std::vector<model::PortRange>& ports) {
    std::vector<std::string> items;
    for (const model::PortRange& range : ports) {
        std::string item = text::to_text(range.first);
        if (range.last != range.first) {
            item += text::concat("-", text::to_text(range.last));
        }
        items.push_back(std::move(item));
    }
    return one_or_set(items);
}

std::string zone_text(const Ruleset& ruleset, ZoneIndex index) {
    std::vector<std::string> items;
    if (const ZoneEntry* zone = ruleset.find_zone(index)) {
        for (const std::string& name : zone->interfaces) {
            items.push_back(text::concat("\"", name, "\""));
        }
    }
    return one_or_set(items);
}

std::string_view word_of(AddressKind::Kind kind) {
    switch (kind) {
    case AddressKind::Kind::local:
        return "local";
    case AddressKind::Kind::broadcast:
        return "broadcast";
    case AddressKind::Kind::multicast:
        break;
    }
    return "multicast";
}

struct Writer {
    const Ruleset& ruleset;

    std::string operator()(const IngressZone& match) const { return "iifname " + zone_text(ruleset, match.zone); }

    std::string operator()(const IngressDevice& match) const { return text::concat("iifname \"", match.name, "\""); }

    std::string operator()(const RoleIs& match) const { return "meta mark " + text::to_text(match.role); }

    std::string operator()(const EgressZone& match) const { return "oifname " + zone_text(ruleset, match.zone); }

    std::string operator()(const IngressLoopback&) const { return "iifname \"lo\""; }

    std::string operator()(const EgressLoopback&) const { return "oifname \"lo\""; }

    std::string operator()(const FamilyIs& match) const {
        return text::concat("meta nfproto ", match.family == Family::ipv4 ? "ipv4" : "ipv6");
    }

    std::string operator()(const AddressIn& match) const {
        std::vector<std::string> items;
        for (const IpPrefix& prefix : match.prefixes) {
            items.push_back(IpRange::of(prefix).text());
        }
        const Family family = match.prefixes.empty() ? Family::ipv4 : match.prefixes.front().family();
        return text::concat(word_of(family), " ", word_of(match.side), " ", unless(match.negated), one_or_set(items));
    }

    std::string operator()(const AddressInSet& match) const {
        const Set& set = ruleset.sets[match.set];
        return text::concat(word_of(set.family), " ", word_of(match.side), " ", unless(match.negated), "@", set.name);
    }

    std::string operator()(const OpensTcp&) const { return "tcp flags & (fin | syn | rst | ack) == syn"; }

    std::string operator()(const NotFragment& match) const {
        return match.family == Family::ipv4 ? "ip frag-off & 0x3fff == 0" : "exthdr frag missing";
    }

    std::string operator()(const ProtocolIs& match) const {
        const std::string_view word = word_of(match.protocol);
        return word.empty() ? std::string() : text::concat("meta l4proto ", word);
    }

    std::string operator()(const DestinationPortIn& match) const { return "th dport " + ports_text(match.ports); }

    std::string operator()(const SourcePortIn& match) const { return "th sport " + ports_text(match.ports); }

    std::string operator()(const IcmpTypeIn& match) const {
        std::vector<std::string> items;
        for (const std::uint8_t type : match.types) {
            items.push_back(text::to_text(type));
        }
        // nft adds the address family and the protocol by itself
        return text::concat(match.family == Family::ipv4 ? "icmp" : "icmpv6", " type ", one_or_set(items));
    }

    std::string operator()(const HopLimitIs& match) const { return "ip6 hoplimit " + text::to_text(match.value); }

    std::string operator()(const AddressKind& match) const {
        return text::concat("fib ", word_of(match.side), match.by_interface ? " . iif" : "", " type ",
                            unless(match.negated), word_of(match.kind));
    }

    std::string operator()(const ConnectionState& match) const {
        std::vector<std::string> states;
        const auto take = [&states](bool given, const char* word) {
            if (given) {
                states.emplace_back(word);
            }
        };
        take(match.invalid, "invalid");
        take(match.established, "established");
        take(match.related, "related");
        take(match.fresh, "new");
        return "ct state " + text::join(states, ",");
    }

    std::string operator()(const DestinationTranslated& match) const {
        return match.negated ? "ct status & dnat == 0" : "ct status dnat";
    }

    std::string operator()(const OriginalDestinationPortIn& match) const {
        return "ct original proto-dst " + ports_text(match.ports);
    }

    std::string operator()(const Recorded& match) const {
        const std::string bit = "0x" + text::to_hex(kMarkRecorded, 8);
        return text::concat("ct mark & ", bit, match.negated ? " == 0" : " != 0");
    }

    std::string operator()(const OfCutFlow& match) const {
        const std::string_view family = word_of(match.family);
        return match.with_ports ? text::concat("meta l4proto . ", family, " saddr . th sport . ", family,
                                               " daddr . th dport @", cut_set(match.family, true))
                                : text::concat("meta l4proto . ", family, " saddr . ", family, " daddr @",
                                               cut_set(match.family, false));
    }
};

} // namespace

std::string one_or_set(const std::vector<std::string>& items) {
    return items.size() == 1 ? items.front() : text::concat("{ ", text::join(items, ", "), " }");
}

std::string match_text(const Ruleset& ruleset, const Match& match) {
    return std::visit(Writer{ruleset}, match);
}

} // namespace sekisho::ruleset

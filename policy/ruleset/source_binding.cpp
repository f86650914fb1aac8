// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/ruleset/source_binding.hpp"

#include "policy/base/text.hpp"
#include "policy/ruleset/station_filter.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

namespace sekisho::ruleset {

namespace {

constexpr unsigned kMostLeased = 65'536;
constexpr unsigned kMostTold = 4'096;     ///< devices remembered at a time, per report
constexpr unsigned kSnapLength = 80;      ///< an IPv6 header and what neighbour discovery claims behind it
constexpr unsigned kDhcpSnapLength = 600; ///< a request with the options that clients send

struct Row {
    BindingReport report;
    std::string_view name;   ///< of its chain and its counter, and set
    std::string_view prefix; ///< in the log
    std::string_view reason;
};

constexpr std::array<Row, 7> kRows{{
    {BindingReport::claimed, "claimed", "station.claimed", "address-of-another"},
    {BindingReport::other_address, "other_address", "station.other-address", "not-its-address"},
    {BindingReport::arp_sender, "arp_sender", "station.arp-sender", "arp-sender"},
    {BindingReport::dhcp_client, "dhcp_client", "station.dhcp-client", "dhcp-client-address"},
    {BindingReport::dhcp_server, "dhcp_server", "station.dhcp-server", "dhcp-server"},
    {BindingReport::router_advertisement, "router_advertisement", "station.router-advertisement",
     "router-advertisement"},
    {BindingReport::unbound, "unbound", "station.unbound", "no-lease"},
}};

constexpr std::array<std::string_view, 2> kUnboundSets{"told_unbound4", "told_unbound6"};

/// Beside those of the refusals; each in front of those that it leads to.
constexpr std::array<std::string_view, 12> kChains{kBindingChain,      "binding_udp",        "binding_dhcp",
                                                   "binding_icmp6",    "binding_arp",        "binding_ip6",
                                                   "binding_target",   "binding_arp_sender", "binding_source4",
                                                   "binding_unbound4", "binding_unbound6",   "binding_request"};

constexpr std::string_view kToldRequests = "told_request";
/// A client asks five times and more until its server has looked whether an address is free.
constexpr std::string_view kRequestLimit = "rate 20/minute burst 20 packets";

const Row& row_of(BindingReport report) noexcept {
    return kRows[static_cast<std::size_t>(report)];
}

std::string chain(std::string_view name, const std::vector<std::string>& rules) {
    return text::concat("    chain ", name, " {\n        ", text::join(rules, "\n        "), "\n    }\n");
}

/// Nobody's telling depends on what others send, or on what else he sends.
std::string log_text(std::string_view set, std::string_view prefix,
                     std::string_view limit = "rate 6/minute burst 5 packets", unsigned snap_length = kSnapLength) {
    return text::concat("update @", set, " { iifname . ether saddr limit ", limit, " } log prefix \"", prefix,
                        "\" group ", text::to_text(kLogGroupStations), " snaplen ", text::to_text(snap_length));
}

std::string refusing(BindingReport report) {
    return text::concat("goto refuse_", row_of(report).name);
}

/// Told of within limits, dropped always.
std::string refusal_chain(const Row& row) {
    return chain(text::concat("refuse_", row.name), {log_text(text::concat("told_", row.name), row.prefix),
                                                     text::concat("counter name ", row.name, " drop")});
}

std::string unbound_chain(std::string_view name, std::string_view set, const BindingRules& rules, bool may_drop) {
    const auto ports = [](const std::vector<std::string>& names) {
        std::vector<std::string> quoted;
        std::ranges::transform(names, std::back_inserter(quoted),
                               [](const std::string& port) { return text::concat("\"", port, "\""); });
        return text::concat("iifname { ", text::join(quoted, ", "), " } ");
    };
    const Row& row = row_of(BindingReport::unbound);
    std::vector<std::string> texts;
    if (!rules.off.empty()) {
        texts.push_back(ports(rules.off) + "accept");
    }
    texts.push_back(log_text(set, row.prefix));
    if (may_drop && !rules.strict.empty()) {
        texts.push_back(text::concat(ports(rules.strict), "counter name ", row.name, " drop"));
    }
    texts.emplace_back("accept");
    return chain(name, texts);
}

/// What says where the packet comes from is in `field`: the source of IPv4, the sender of ARP.
std::vector<std::string> source4_rules(std::string_view field) {
    return {
        text::concat("ether saddr . ", field, " @bound4 accept"),
        text::concat(field, " @reserved4 ", refusing(BindingReport::claimed)),
        text::concat(field, " 0.0.0.0 accept"), // asks for an address, or whether one is free (RFC 5227)
        text::concat("ether saddr @fixed ", refusing(BindingReport::other_address)),
        text::concat("ether saddr . ", field, " @", kLeasedSet, " accept"),
        "goto binding_unbound4",
    };
}

/// The own address of a frame, twice, is put into a set where it stays for a second: only a packet that names it
/// twice finds itself there. (nft can't compare two fields of a packet.)
constexpr std::string_view kRememberSelf = "update @selves { @ll,48,48 . @ll,48,48 }";

/// Every datagram comes by here: two look-ups are what it costs.
std::vector<std::string> udp_rules() {
    const std::string refused = refusing(BindingReport::dhcp_server);
    return {
        text::concat("udp sport { 67, 547 } ", refused),
        // clients take an answer from any source port
        text::concat("udp dport vmap { 67 : goto binding_dhcp, 68 : ", refused, ", 546 : ", refused, " }"),
    };
}

std::vector<std::string> dhcp_rules() {
    return {
        std::string(kRememberSelf),
        // by no relay (giaddr), and for the frame's sender (chaddr)
        "@th,256,32 0 @ll,48,48 . @th,288,48 @selves goto binding_request",
        refusing(BindingReport::dhcp_client),
    };
}

std::vector<std::string> icmp6_rules() {
    return {
        text::concat("icmpv6 type { nd-router-advert, nd-redirect } ", refusing(BindingReport::router_advertisement))};
}

std::vector<std::string> arp_rules() {
    return {
        std::string(kRememberSelf),
        "arp htype 1 arp ptype ip arp hlen 6 arp plen 4 @ll,48,48 . @nh,64,48 @selves goto binding_arp_sender",
        refusing(BindingReport::arp_sender),
    };
}

std::vector<std::string> ip6_rules() {
    return {
        // what these claim is not in their source
        "icmpv6 type nd-neighbor-advert jump binding_target",
        "icmpv6 type nd-neighbor-solicit ip6 saddr :: jump binding_target",
        "ip6 saddr :: accept",
        "ether saddr . ip6 saddr @bound6 accept",
        text::concat("ip6 saddr @reserved6 ", refusing(BindingReport::claimed)),
        "ip6 saddr fe80::/10 accept",
        text::concat("ether saddr @fixed ", refusing(BindingReport::other_address)),
        "goto binding_unbound6",
    };
}

std::vector<std::string> target_rules() {
    return {
        "ether saddr . icmpv6 taddr @bound6 return",
        text::concat("icmpv6 taddr @reserved6 ", refusing(BindingReport::claimed)),
        "icmpv6 taddr fe80::/10 return",
        text::concat("ether saddr @fixed ", refusing(BindingReport::other_address)),
    };
}

std::string fixed_set(std::string_view name, std::string_view type, const std::set<std::string>& elements) {
    const std::vector<std::string> all(elements.begin(), elements.end());
    return text::concat(
        "    set ", name, " {\n        type ", type, "\n",
        all.empty() ? std::string() : text::concat("        elements = { ", text::join(all, ", "), " }\n"), "    }\n");
}

std::string told_set(std::string_view name) {
    return text::concat("    set ", name, " {\n        type ifname . ether_addr\n        size ",
                        text::to_text(kMostTold), "\n        flags dynamic,timeout\n        timeout 1m\n    }\n");
}

std::string fixed_sets_text(const BindingRules& rules) {
    std::set<std::string> bound[2];
    std::set<std::string> reserved[2];
    std::set<std::string> fixed;
    for (const BindingRules::Named& named : rules.named) {
        const auto family = static_cast<std::size_t>(named.address.family());
        bound[family].insert(text::concat(named.mac.text(), " . ", named.address.text()));
        reserved[family].insert(named.address.text());
        fixed.insert(named.mac.text());
    }
    for (const IpAddress& own : rules.own) {
        reserved[static_cast<std::size_t>(own.family())].insert(own.text());
    }
    return fixed_set("bound4", "ether_addr . ipv4_addr", bound[0]) +
           fixed_set("bound6", "ether_addr . ipv6_addr", bound[1]) + fixed_set("reserved4", "ipv4_addr", reserved[0]) +
           fixed_set("reserved6", "ipv6_addr", reserved[1]) + fixed_set("fixed", "ether_addr", fixed);
}

std::optional<IpAddress> address_at(std::span<const std::uint8_t> packet, std::size_t offset, Family family) noexcept {
    const std::size_t size = bits_of(family) / 8;
    if (packet.size() < offset + size) {
        return std::nullopt;
    }
    return IpAddress::from_bytes(family, packet.subspan(offset, size));
}

std::optional<IpAddress> claimed_v6(std::span<const std::uint8_t> packet) noexcept {
    constexpr std::size_t kHeader = 40;
    constexpr std::uint8_t kIcmpv6 = 58;
    constexpr std::uint8_t kSolicitation = 135;
    constexpr std::uint8_t kAdvertisement = 136;
    const auto source = address_at(packet, 8, Family::ipv6);
    if (source && packet.size() > kHeader && packet[6] == kIcmpv6) {
        const std::uint8_t type = packet[kHeader];
        if (type == kAdvertisement || (type == kSolicitation && source->is_unspecified())) {
            return address_at(packet, kHeader + 8, Family::ipv6);
        }
    }
    return source;
}

} // namespace

std::optional<BindingReport> binding_report_of(std::string_view prefix) noexcept {
    const auto found = std::ranges::find(kRows, prefix, &Row::prefix);
    return found == kRows.end() ? std::nullopt : std::optional(found->report);
}

std::string_view name_of(BindingReport report) noexcept {
    return row_of(report).reason;
}

BindingRules binding_rules_of(const model::Model& model, std::span<const std::string> ports) {
    BindingRules rules;
    for (const model::Device& device : model.access.devices) {
        for (const IpAddress& address : device.addresses) {
            rules.named.push_back({device.mac, address});
        }
    }
    for (const model::Interface& interface : model.interfaces) {
        for (const InterfaceAddress& own : interface.addresses) {
            rules.own.push_back(own.address);
        }
    }
    for (const std::string& name : ports) {
        const model::AccessPort* port = model.access.find_port(name);
        const auto binding = port == nullptr ? model::SourceBinding::off : port->source_binding;
        if (binding == model::SourceBinding::off) {
            rules.off.push_back(name);
        } else if (binding == model::SourceBinding::enforce) {
            rules.strict.push_back(name);
        }
    }
    return rules;
}

std::string binding_removal_text(std::string_view table) {
    std::string result;
    const auto remove = [&](std::string_view kind, std::string_view name) {
        result += text::concat("destroy ", kind, " ", table, " ", name, "\n");
    };
    for (const std::string_view name : kChains) {
        remove("chain", name);
    }
    for (const Row& row : kRows) {
        if (is_refusal(row.report)) {
            remove("chain", text::concat("refuse_", row.name));
        }
    }
    for (const std::string_view name : {"bound4", "bound6", "reserved4", "reserved6", "fixed"}) {
        remove("set", name);
    }
    return result;
}

std::string binding_sets_text(const BindingRules& rules) {
    std::string result =
        text::concat("    set ", kLeasedSet, " {\n        type ether_addr . ipv4_addr\n        size ",
                     text::to_text(kMostLeased), "\n        flags timeout\n    }\n") +
        text::concat("    set selves {\n        typeof @ll,48,48 . @th,288,48\n        size ",
                     text::to_text(kMostLeased), "\n        flags dynamic,timeout\n        timeout 1s\n    }\n") +
        fixed_sets_text(rules);
    for (const Row& row : kRows) {
        result += text::concat("    counter ", row.name, " { }\n");
        if (is_refusal(row.report)) {
            result += told_set(text::concat("told_", row.name));
        }
    }
    for (const std::string_view name : kUnboundSets) {
        result += told_set(name);
    }
    return result + told_set(kToldRequests);
}

std::string binding_chains_text(const BindingRules& rules) {
    std::string result;
    for (const Row& row : kRows) {
        if (is_refusal(row.report)) {
            result += refusal_chain(row);
        }
    }
    return result + unbound_chain("binding_unbound4", kUnboundSets[0], rules, true) +
           unbound_chain("binding_unbound6", kUnboundSets[1], rules, false) +
           chain("binding_source4", source4_rules("ip saddr")) +
           chain("binding_arp_sender", source4_rules("arp saddr ip")) + chain("binding_target", target_rules()) +
           chain("binding_request", {log_text(kToldRequests, kRequestPrefix, kRequestLimit, kDhcpSnapLength)}) +
           chain("binding_dhcp", dhcp_rules()) + chain("binding_udp", udp_rules()) +
           chain("binding_icmp6", icmp6_rules()) + chain("binding_arp", arp_rules()) +
           chain("binding_ip6", ip6_rules()) +
           chain(kBindingChain, {"meta l4proto vmap { udp : jump binding_udp, icmpv6 : jump binding_icmp6 }",
                                 "ether type vmap { ip : goto binding_source4, arp : goto binding_arp, ip6 : goto "
                                 "binding_ip6 }",
                                 "accept"});
}

std::optional<IpAddress> claimed_address(std::span<const std::uint8_t> packet) noexcept {
    constexpr std::array<std::uint8_t, 6> kEthernetIpv4{0, 1, 8, 0, 6, 4}; // RFC 826
    if (packet.size() >= kEthernetIpv4.size() &&
        std::ranges::equal(packet.first(kEthernetIpv4.size()), kEthernetIpv4)) {
        return address_at(packet, 14, Family::ipv4);
    }
    const unsigned version = packet.empty() ? 0u : packet[0] >> 4u;
    return version == 4 ? address_at(packet, 12, Family::ipv4) : version == 6 ? claimed_v6(packet) : std::nullopt;
}

} // namespace sekisho::ruleset

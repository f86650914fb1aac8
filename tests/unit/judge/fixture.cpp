// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/judge/fixture.hpp"

#include "policy/base/text.hpp"
#include "policy/packet/checksum.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>

namespace sekisho::test {

using namespace ruleset;

namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmpv6 = 58;

void put16(Bytes& to, std::size_t where, std::size_t value) {
    to[where] = static_cast<std::uint8_t>(value >> 8);
    to[where + 1] = static_cast<std::uint8_t>(value);
}

void put32(Bytes& to, std::size_t where, std::uint32_t value) {
    put16(to, where, value >> 16);
    put16(to, where + 2, value & 0xffff);
}

std::size_t sum_place(std::uint8_t protocol) {
    return protocol == kTcp ? 16 : protocol == kUdp ? 6 : protocol == kIcmp || protocol == kIcmpv6 ? 2 : 0;
}

void seal(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol, Bytes& payload) {
    const std::size_t place = sum_place(protocol);
    if (place == 0 || payload.size() < place + 2) {
        return;
    }
    std::uint32_t pseudo = 0;
    if (protocol != kIcmp) {
        pseudo = static_cast<std::uint32_t>(packet::ones_sum(source.bytes())) + packet::ones_sum(destination.bytes()) +
                 static_cast<std::uint32_t>(payload.size()) + protocol;
    }
    put16(payload, place, static_cast<std::uint16_t>(~packet::ones_sum(payload, pseudo)));
}

} // namespace

IpAddress ip(std::string_view text) {
    return IpAddress::parse(text).value();
}

Time at(std::int64_t seconds) {
    return Time::from_seconds(seconds);
}

Bytes packet(std::string_view source, std::string_view destination, std::uint8_t protocol, Bytes payload,
             std::uint8_t hop_limit) {
    const IpAddress from = ip(source);
    const IpAddress to = ip(destination);
    seal(from, to, protocol, payload);
    Bytes result;
    if (from.family() == Family::ipv4) {
        result.resize(20);
        result[0] = 0x45;
        put16(result, 2, 20 + payload.size());
        result[8] = hop_limit;
        result[9] = protocol;
        std::ranges::copy(from.bytes(), result.begin() + 12);
        std::ranges::copy(to.bytes(), result.begin() + 16);
        put16(result, 10, static_cast<std::uint16_t>(~packet::ones_sum(result)));
    } else {
        result.resize(40);
        result[0] = 0x60;
        put16(result, 4, payload.size());
        result[6] = protocol;
        result[7] = hop_limit;
        std::ranges::copy(from.bytes(), result.begin() + 8);
        std::ranges::copy(to.bytes(), result.begin() + 24);
    }
    result.insert(result.end(), payload.begin(), payload.end());
    return result;
}

Bytes tcp(std::string_view source, std::string_view destination, const TcpPart& part) {
    Bytes payload(20 + part.payload);
    put16(payload, 0, part.source);
    put16(payload, 2, part.destination);
    put32(payload, 4, part.sequence);
    put32(payload, 8, part.acked);
    payload[12] = 0x50;
    payload[13] = part.flags;
    put16(payload, 14, part.window);
    return packet(source, destination, kTcp, std::move(payload));
}

Bytes udp(std::string_view source, std::string_view destination, std::uint16_t from, std::uint16_t to,
          std::size_t size) {
    Bytes payload(8 + size);
    put16(payload, 0, from);
    put16(payload, 2, to);
    put16(payload, 4, payload.size());
    return packet(source, destination, kUdp, std::move(payload));
}

Bytes icmp(std::string_view source, std::string_view destination, std::uint8_t type, std::uint8_t code,
           const Bytes& rest, std::uint8_t hop_limit) {
    Bytes payload(8);
    payload[0] = type;
    payload[1] = code;
    payload.insert(payload.end(), rest.begin(), rest.end());
    const bool v4 = ip(source).family() == Family::ipv4;
    return packet(source, destination, v4 ? kIcmp : kIcmpv6, std::move(payload), hop_limit);
}

std::vector<Bytes> pieces(const Bytes& whole, std::size_t size) {
    std::vector<Bytes> result;
    for (std::size_t from = 20; from < whole.size(); from += size) {
        const std::size_t count = std::min(size, whole.size() - from);
        Bytes piece(whole.begin(), whole.begin() + 20);
        put16(piece, 2, 20 + count);
        put16(piece, 4, 77);
        put16(piece, 6, (from - 20) / 8 | (from + count < whole.size() ? 0x2000U : 0U));
        put16(piece, 10, 0);
        put16(piece, 10, static_cast<std::uint16_t>(~packet::ones_sum(piece)));
        const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(from);
        piece.insert(piece.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
        result.push_back(std::move(piece));
    }
    return result;
}

judge::Environment environment() {
    const auto own = [](std::string_view text) { return InterfaceAddress::parse(text).value(); };
    judge::Environment result;
    result.devices = {{.name = "wan0",
                       .zone = kWan,
                       .is_wan = true,
                       .addresses = {own("198.51.100.2/24"), own("2001:db8:100::2/64")}},
                      {.name = "lan1", .zone = kClinic, .addresses = {own("10.0.1.1/24"), own("2001:db8:10::1/64")}}};
    result.routes = {{IpPrefix(ip("0.0.0.0"), 0), 0, ip("198.51.100.1")},
                     {IpPrefix(ip("::"), 0), 0, ip("2001:db8:100::1")}};
    return result;
}

Rule rule(Hook hook, std::string id, std::vector<Match> matches, Verdict verdict, std::uint32_t mark) {
    return {.id = std::move(id),
            .reason = std::holds_alternative<Drop>(verdict) ? Reason::zone : Reason::accepted,
            .hook = hook,
            .matches = std::move(matches),
            .mark = mark,
            .verdict = std::move(verdict)};
}

std::vector<Rule> clinic_rules() {
    const ConnectionState invalid{.invalid = true};
    const ConnectionState known{.established = true, .related = true};
    const AddressIn clinic{Side::source, false, {IpPrefix(ip("10.0.1.0"), 24)}};
    const AddressIn server{Side::destination, false, {IpPrefix(ip("10.0.1.20"), 32)}};
    const AddressKind here{Side::destination, AddressKind::Kind::local, true, false};
    return {
        rule(Hook::screen, "screen", {IngressZone{kWan}, clinic}, Drop{}),
        rule(Hook::translate, "web.translate",
             {IngressZone{kWan}, FamilyIs{Family::ipv4}, here, ProtocolIs{model::Protocol::tcp},
              DestinationPortIn{{{8443, 8443}}}},
             TranslateDestination{ip("10.0.1.20"), std::uint16_t{443}}),
        rule(Hook::input, "input.invalid", {invalid}, Drop{}),
        rule(Hook::input, "input.established", {known}, Accept{}),
        rule(Hook::input, "neighbour", {IcmpTypeIn{Family::ipv6, {135}}, HopLimitIs{255}}, Accept{}),
        rule(Hook::input, "echo", {here, IcmpTypeIn{Family::ipv4, {8}}}, Accept{}, make_mark(kWan, 7)),
        rule(Hook::input, "input.deny", {}, Drop{}),
        rule(Hook::forward, "invalid", {invalid}, Drop{}),
        rule(Hook::forward, "established", {known}, Accept{}),
        rule(Hook::forward, "web.allow", {DestinationTranslated{}, OriginalDestinationPortIn{{{8443, 8443}}}, server},
             Accept{}, make_mark(kWan, 5)),
        rule(Hook::forward, "out", {IngressZone{kClinic}, EgressZone{kWan}}, Accept{}, make_mark(kClinic, 6)),
        rule(Hook::forward, "deny", {}, Drop{}),
        rule(Hook::output, "output", {}, Accept{}, make_mark(2, 8)),
        rule(Hook::masquerade, "masquerade", {EgressZone{kWan}, clinic}, Masquerade{}),
        rule(Hook::record_forward, "record", {ConnectionState{.fresh = true}, Recorded{.negated = true}}, Continue{},
             kMarkRecorded),
    };
}

Router::Router(std::vector<Rule> rules, std::vector<Set> sets) : environment(test::environment()) {
    ruleset.rules = std::move(rules);
    ruleset.sets = std::move(sets);
}

judge::Judge& Router::judge() {
    if (!m_judge) {
        m_judge = std::make_unique<judge::Judge>(ruleset, environment);
    }
    return *m_judge;
}

judge::Judgement Router::come_in(std::string_view device, const Bytes& packet) {
    judge::Arrival arrival = with;
    arrival.packet = packet;
    arrival.wire_size = std::max(with.wire_size, packet.size());
    arrival.device = environment.find_device(device);
    arrival.when = now;
    return judge().judge(flows, arrival);
}

judge::Judgement Router::sent(std::string_view device, const Bytes& packet) {
    return judge().judge_sent(
        flows, {.packet = packet, .wire_size = packet.size(), .device = environment.find_device(device), .when = now});
}

std::string Router::told(const judge::Judgement& judgement) {
    if (judgement.verdict == judge::Verdict::stack) {
        return std::string(name_of(judgement.cause));
    }
    return judgement.rule != nullptr ? judgement.rule->id : std::string(name_of(judgement.verdict));
}

} // namespace sekisho::test

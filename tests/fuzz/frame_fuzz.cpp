// SPDX-License-Identifier: GPL-2.0-or-later
// Any frame of any link type on its way through a router: a verdict comes out that fits itself, and the connections
// stay in bounds. The first byte chooses link type and device; the rest is split into frames by length bytes.
#include "policy/judge/judge.hpp"
#include "policy/ruleset/mark.hpp"
#include "tests/fuzz/require.hpp"

using namespace sekisho;
using fuzz::require;

namespace {

using namespace ruleset;

IpPrefix prefix(const char* text) {
    return IpPrefix::parse(text).value();
}

judge::Environment make_environment() {
    judge::Environment environment;
    environment.devices = {{.name = "wan0",
                            .zone = 1,
                            .is_wan = true,
                            .addresses = {InterfaceAddress::parse("198.51.100.2/24").value(),
                                          InterfaceAddress::parse("2001:db8:100::2/64").value()}},
                           {.name = "lan1",
                            .zone = 3,
                            .addresses = {InterfaceAddress::parse("10.0.1.1/24").value(),
                                          InterfaceAddress::parse("2001:db8:10::1/64").value()}}};
    environment.routes = {{prefix("0.0.0.0/0"), 0, std::nullopt}, {prefix("::/0"), 0, std::nullopt}};
    environment.checks_sums = false; // or next to nothing would get past them
    environment.tcp_loose = true;
    return environment;
}

Ruleset make_ruleset() {
    Ruleset ruleset;
    const auto add = [&ruleset](Hook hook, const char* id, std::vector<Match> matches, Verdict verdict,
                                std::uint32_t mark = 0) {
        ruleset.rules.push_back(
            {.id = id, .hook = hook, .matches = std::move(matches), .mark = mark, .verdict = std::move(verdict)});
    };
    add(Hook::early, "early",
        {NotFragment{Family::ipv6}, OpensTcp{}, AddressIn{Side::source, false, {prefix("2001::/16")}}}, Drop{});
    add(Hook::screen, "screen", {IngressZone{1}, AddressIn{Side::source, false, {prefix("10.0.0.0/8")}}}, Drop{});
    add(Hook::translate, "translate",
        {IngressZone{1}, ProtocolIs{model::Protocol::tcp}, DestinationPortIn{{{1, 9999}}}},
        TranslateDestination{IpAddress::parse("10.0.1.20").value(), std::uint16_t{443}});
    for (const Hook hook : {Hook::input, Hook::forward}) {
        add(hook, "invalid", {ConnectionState{.invalid = true}}, Drop{});
        add(hook, "established", {ConnectionState{.established = true, .related = true}}, Accept{});
        add(hook, "refused", {IcmpTypeIn{Family::ipv4, {8}}}, Reject{});
        add(hook, "marked", {}, Accept{}, make_mark(3, 7));
        add(hook, "rest", {}, Drop{});
    }
    add(Hook::output, "output", {}, Accept{}, make_mark(2, 8));
    add(Hook::masquerade, "masquerade", {EgressZone{1}}, Masquerade{});
    add(Hook::record_forward, "record", {ConnectionState{.fresh = true}, Recorded{.negated = true}}, Continue{},
        kMarkRecorded);
    return ruleset;
}

void check(const judge::Judgement& judgement, const judge::Arrival& arrival, const judge::FlowTable& flows) {
    using judge::Verdict;
    require((judgement.verdict == Verdict::stack) == (judgement.cause != judge::StackCause::none),
            "what the stack turns away has a cause, nothing else has");
    require(judgement.verdict == Verdict::stack || judgement.verdict == Verdict::waiting || judgement.rule != nullptr,
            "every verdict is a rule's");
    require(judgement.verdict != Verdict::accepted || judgement.state != judge::State::invalid,
            "nothing invalid is let through");
    require(flows.size() <= flows.capacity(), "the table keeps its bound");
    require(judgement.flow == nullptr || judgement.flow->expires > arrival.when, "a connection lives on");
    require(judgement.flow == nullptr || judgement.verdict != Verdict::accepted || judgement.flow->confirmed,
            "what is let through is kept");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const judge::Environment kEnvironment = make_environment();
    static const Ruleset kRuleset = make_ruleset();
    static judge::Judge judge(kRuleset, kEnvironment);
    static judge::FlowTable flows(16);
    flows.clear();
    judge.clear();
    std::span<const std::uint8_t> rest(data, size);
    Time now = Time::from_seconds(1000);
    while (rest.size() >= 3) {
        const auto type = static_cast<packet::LinkType>(rest[0] % 7);
        const bool is_sent = (rest[0] & 0x80) != 0;
        const auto device = static_cast<judge::DeviceIndex>(rest[0] >> 6 & 1);
        now.microseconds += std::int64_t{rest[1]} * rest[1] * 1'000'000;
        const std::size_t length = std::min<std::size_t>(rest[2] == 0 ? rest.size() - 3 : rest[2], rest.size() - 3);
        const packet::Frame frame = packet::read_frame(type, rest.subspan(3, length));
        rest = rest.subspan(3 + length);
        require(frame.content == packet::Frame::Content::ip || frame.packet.empty(), "only IP has a packet");
        if (frame.content != packet::Frame::Content::ip) {
            continue;
        }
        const judge::Arrival arrival{.packet = frame.packet,
                                     .wire_size = frame.packet.size() + (length & 1),
                                     .device = device,
                                     .addressed = frame.addressed,
                                     .is_foreign_vlan = frame.vlan != 0,
                                     .when = now};
        if (is_sent) {
            static_cast<void>(judge.judge_sent(flows, arrival));
        } else {
            check(judge.judge(flows, arrival), arrival, flows);
        }
    }
    return 0;
}

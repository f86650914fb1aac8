// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/tracking.hpp"

#include "policy/base/bytes.hpp"
#include "policy/judge/tcp_tracking.hpp"
#include "policy/packet/checksum.hpp"

#include <algorithm>
#include <array>

namespace sekisho::judge {

namespace {

using Bytes = std::span<const std::uint8_t>;

// IANA protocol numbers.
constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kGre = 47;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kSctp = 132;

// The kernel's defaults (nf_conntrack-sysctl), in seconds.
constexpr std::int64_t kUdpTimeout = 30;
constexpr std::int64_t kUdpStreamTimeout = 120;
constexpr std::int64_t kIcmpTimeout = 30;
constexpr std::int64_t kGreTimeout = 30;
constexpr std::int64_t kGreStreamTimeout = 180;
constexpr std::int64_t kOtherTimeout = 600;
constexpr std::int64_t kStreamAfter = 2;

[[nodiscard]] Time later(Time now, std::int64_t seconds) noexcept {
    return {now.microseconds + seconds * 1'000'000};
}

[[nodiscard]] std::uint16_t type_and_code(std::uint8_t type, std::uint8_t code) noexcept {
    return static_cast<std::uint16_t>(type << 8 | code);
}

/// The type that answers an ICMP type, for those that ask or answer.
[[nodiscard]] std::optional<std::uint8_t> answering_type(std::uint8_t protocol, std::uint8_t type) noexcept {
    struct Pair {
        std::uint8_t question;
        std::uint8_t answer;
    };

    constexpr std::array<Pair, 4> kV4{{{8, 0}, {13, 14}, {15, 16}, {17, 18}}}; // RFC 792, RFC 950
    constexpr std::array<Pair, 2> kV6{{{128, 129}, {139, 140}}};               // RFC 4443, RFC 4620
    const std::span<const Pair> pairs = protocol == kIcmp ? std::span<const Pair>(kV4) : std::span<const Pair>(kV6);
    for (const Pair& pair : pairs) {
        if (type == pair.question || type == pair.answer) {
            return type == pair.question ? pair.answer : pair.question;
        }
    }
    return std::nullopt;
}

[[nodiscard]] bool is_question(std::uint8_t protocol, std::uint8_t type) noexcept {
    return protocol == kIcmp ? type == 8 || type == 13 || type == 15 || type == 17 : type == 128 || type == 139;
}

/// Ports, or what stands for them, of the transport header at `at`.
[[nodiscard]] bool read_ports(Tuple& tuple, Bytes bytes, std::size_t at) noexcept {
    const std::size_t left = bytes.size() - at;
    switch (tuple.protocol) {
    case kTcp:
    case kUdp:
    case kSctp:
        if (left < 4) {
            return false;
        }
        tuple.source_port = bytes::read_be16(bytes, at);
        tuple.destination_port = bytes::read_be16(bytes, at + 2);
        return true;
    case kIcmp:
    case kIcmpv6:
        if (left < 8) {
            return false;
        }
        tuple.source_port = bytes::read_be16(bytes, at + 4);
        tuple.destination_port = type_and_code(bytes[at], bytes[at + 1]);
        return true;
    case kGre: { // version 1 is that of PPTP (RFC 2637)
        constexpr std::uint16_t kPpp = 0x880b;
        if (left < 8 || (bytes[at + 1] & 7) != 1) {
            return true;
        }
        tuple.destination_port = bytes::read_be16(bytes, at + 6);
        return bytes::read_be16(bytes, at + 2) == kPpp;
    }
    default:
        return true;
    }
}

[[nodiscard]] bool sum_holds(const Segment& segment, const Transport& transport, TrackSettings settings) {
    return !settings.checks_sums || segment.is_cut() ||
           packet::payload_sum_holds(segment.headers, transport.protocol, segment.bytes.subspan(transport.at));
}

[[nodiscard]] bool udp_holds(const Segment& segment, const Transport& transport, TrackSettings settings) {
    const Bytes udp = segment.bytes.subspan(transport.at);
    if (udp.size() < 8) {
        return false;
    }
    const std::size_t length = bytes::read_be16(udp, 4);
    if (length < 8 || length > segment.size - transport.at) {
        return false;
    }
    return bytes::read_be16(udp, 6) == 0 || sum_holds(segment, transport, settings);
}

void refresh_udp(Flow& flow, Time now) {
    if (!flow.confirmed) {
        flow.stream_from = later(now, kStreamAfter);
    }
    if (!flow.answered || now <= flow.stream_from) {
        flow.expires = later(now, kUdpTimeout);
        return;
    }
    flow.expires = later(now, kUdpStreamTimeout);
    flow.assured = true;
}

/// An association (RFC 9260) begins with INIT; what follows is not told apart.
[[nodiscard]] bool sctp_holds(const Flow& flow, const Segment& segment, const Transport& transport) {
    constexpr std::uint8_t kInit = 1;
    const Bytes sctp = segment.bytes.subspan(transport.at);
    if (sctp.size() < 12) {
        return false;
    }
    return flow.confirmed || (sctp.size() >= 16 && sctp[12] == kInit && bytes::read_be32(sctp, 4) == 0);
}

/// What the protocol makes of the packet.
[[nodiscard]] Tracked take(Flow& flow, Way way, const Segment& segment, const Transport& transport,
                           TrackSettings settings, Time now) {
    const auto if_true = [](bool holds) { return holds ? Tracked::accepted : Tracked::invalid; };
    switch (transport.protocol) {
    case kTcp: {
        const auto tcp = read_tcp(segment.bytes.subspan(transport.at), segment.size - transport.at);
        if (!tcp || !sum_holds(segment, transport, settings) || !flags_fit(tcp->flags)) {
            return Tracked::invalid;
        }
        return track_tcp(flow, way, *tcp, settings.loose, now);
    }
    case kUdp:
        if (!udp_holds(segment, transport, settings)) {
            return Tracked::invalid;
        }
        refresh_udp(flow, now);
        return Tracked::accepted;
    case kIcmp:
    case kIcmpv6:
        // of the question, whichever way the packet goes; each in its own family
        flow.expires = later(now, kIcmpTimeout);
        return if_true(
            (transport.protocol == kIcmp) == (segment.headers.family == Family::ipv4) &&
            is_question(transport.protocol, static_cast<std::uint8_t>(flow.tuples[0].destination_port >> 8)));
    case kGre:
        flow.expires = later(now, flow.answered ? kGreStreamTimeout : kGreTimeout);
        return Tracked::accepted;
    case kSctp:
        flow.expires = later(now, kOtherTimeout);
        return if_true(sctp_holds(flow, segment, transport));
    default:
        flow.expires = later(now, kOtherTimeout);
        return Tracked::accepted;
    }
}

/// An error quotes a packet: the connection is the one that answers to that packet belong to, and the error has to go
/// where they would go.
[[nodiscard]] Tracking track_quoted(FlowTable& table, const Segment& segment, std::size_t at, Time now) {
    const Family family = segment.headers.family;
    const auto transport = tracked_transport(family, segment.bytes, at);
    if (!transport) {
        return {};
    }
    const bool v4 = family == Family::ipv4;
    const std::size_t size = v4 ? 4 : 16;
    const std::size_t source = at + (v4 ? 12 : 8);
    Tuple quoted{.source = IpAddress::from_bytes(family, segment.bytes.subspan(source, size)),
                 .destination = IpAddress::from_bytes(family, segment.bytes.subspan(source + size, size)),
                 .protocol = transport->protocol};
    if (!read_ports(quoted, segment.bytes, transport->at)) {
        return {};
    }
    const auto answer = answer_to(quoted);
    const auto found = answer ? table.find(*answer, now) : FlowTable::Found{};
    if (found.flow == nullptr ||
        found.flow->tuples[static_cast<std::size_t>(found.way)].destination != segment.headers.destination) {
        return {};
    }
    return {State::related, found.flow, found.way, true};
}

[[nodiscard]] std::optional<Tracking> track_icmp_v4(FlowTable& table, const Segment& segment,
                                                    const Transport& transport, Time now) {
    constexpr std::uint8_t kHighestType = 18;
    const std::uint8_t type = segment.bytes[transport.at];
    if (type > kHighestType) {
        return Tracking{};
    }
    const bool is_error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    return is_error ? std::optional(track_quoted(table, segment, transport.at + 8, now)) : std::nullopt;
}

/// A redirect (RFC 4861) quotes in an option, and only if that is the first one.
[[nodiscard]] std::optional<Tracking> track_redirect(FlowTable& table, const Segment& segment, std::size_t at,
                                                     Time now) {
    constexpr std::size_t kRedirectSize = 40;
    constexpr std::uint8_t kRedirectedHeader = 4;
    const Bytes redirect = segment.bytes.subspan(at);
    if (redirect.size() < kRedirectSize) {
        return Tracking{};
    }
    if (redirect[1] != 0) {
        return std::nullopt;
    }
    if (segment.headers.hop_limit != 255 || !segment.headers.source.is_link_local() ||
        redirect.size() < kRedirectSize + 2 || redirect[kRedirectSize + 1] == 0) {
        return Tracking{};
    }
    if (redirect[kRedirectSize] != kRedirectedHeader) {
        return std::nullopt;
    }
    return track_quoted(table, segment, at + kRedirectSize + 8, now);
}

[[nodiscard]] std::optional<Tracking> track_icmp_v6(FlowTable& table, const Segment& segment,
                                                    const Transport& transport, Time now) {
    constexpr std::uint8_t kRedirect = 137;
    const std::uint8_t type = segment.bytes[transport.at];
    if ((type >= 130 && type <= 136) || type == 143) {
        return Tracking{State::untracked, nullptr, Way::original, false};
    }
    if (type == kRedirect) {
        return track_redirect(table, segment, transport.at, now);
    }
    return type < 128 ? std::optional(track_quoted(table, segment, transport.at + 8, now)) : std::nullopt;
}

} // namespace

std::string_view name_of(State state) noexcept {
    static constexpr std::array<std::string_view, 5> kNames{"invalid", "new", "established", "related", "untracked"};
    static_assert(static_cast<std::size_t>(State::untracked) + 1 == kNames.size());
    return kNames[static_cast<std::size_t>(state)];
}

std::optional<Tuple> tuple_of(const Segment& segment, const Transport& transport) noexcept {
    Tuple tuple{
        .source = segment.headers.source, .destination = segment.headers.destination, .protocol = transport.protocol};
    if (!read_ports(tuple, segment.bytes, transport.at)) {
        return std::nullopt;
    }
    return tuple;
}

std::optional<Tuple> answer_to(const Tuple& tuple) noexcept {
    Tuple answer{.source = tuple.destination,
                 .destination = tuple.source,
                 .source_port = tuple.destination_port,
                 .destination_port = tuple.source_port,
                 .protocol = tuple.protocol};
    if (tuple.protocol == kIcmp || tuple.protocol == kIcmpv6) {
        const auto type = answering_type(tuple.protocol, static_cast<std::uint8_t>(tuple.destination_port >> 8));
        if (!type) {
            return std::nullopt;
        }
        answer.source_port = tuple.source_port;
        answer.destination_port = type_and_code(*type, static_cast<std::uint8_t>(tuple.destination_port));
    }
    return answer;
}

Tracking track(FlowTable& table, const Segment& segment, const Transport& transport, const Tuple& tuple,
               TrackSettings settings, Time now, Flow& pending) {
    for (;;) {
        auto [flow, way] = table.find(tuple, now);
        if (flow == nullptr) {
            const auto answer = answer_to(tuple);
            if (!answer) {
                return {};
            }
            pending = Flow{.tuples = {tuple, *answer}};
            flow = &pending;
            way = Way::original;
        }
        const State state = way == Way::reply || flow->answered ? State::established : State::fresh;
        switch (take(*flow, way, segment, transport, settings, now)) {
        case Tracked::invalid:
            return {};
        case Tracked::again:
            table.forget(*flow);
            continue;
        case Tracked::accepted:
            break;
        }
        if (flow->confirmed) {
            table.touch(*flow);
        }
        flow->answered = flow->answered || way == Way::reply;
        return {state, flow, way, false};
    }
}

std::optional<Tracking> track_icmp(FlowTable& table, const Segment& segment, const Transport& transport,
                                   TrackSettings settings, Time now) {
    const bool v4 = segment.headers.family == Family::ipv4;
    if (transport.protocol != (v4 ? kIcmp : kIcmpv6)) {
        return std::nullopt;
    }
    if (segment.bytes.size() < transport.at + 8 || !sum_holds(segment, transport, settings)) {
        return Tracking{};
    }
    return v4 ? track_icmp_v4(table, segment, transport, now) : track_icmp_v6(table, segment, transport, now);
}

} // namespace sekisho::judge

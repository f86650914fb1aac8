// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/harness/packet_maker.hpp"

#include "policy/packet/checksum.hpp"

#include <algorithm>
#include <array>

namespace sekisho::test {

namespace {

using Bytes = std::span<const std::uint8_t>;

void put16(std::vector<std::uint8_t>& to, std::size_t at, std::uint32_t value) {
    to[at] = static_cast<std::uint8_t>(value >> 8);
    to[at + 1] = static_cast<std::uint8_t>(value);
}

void put32(std::vector<std::uint8_t>& to, std::size_t at, std::uint32_t value) {
    put16(to, at, value >> 16);
    put16(to, at + 2, value);
}

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::size_t kMostConversations = 64;
constexpr std::size_t kRangesPerSet = 24;

} // namespace

PacketMaker::PacketMaker(const ruleset::Ruleset& ruleset, const judge::Environment& environment, std::uint64_t seed)
    : m_environment(environment), m_random(seed) {
    gather(ruleset);
    for (const judge::Device& device : environment.devices) {
        for (const InterfaceAddress& own : device.addresses) {
            add_borders(IpRange::of(own.network()));
            add_borders({own.address, own.address});
        }
    }
    for (const char* text :
         {"255.255.255.255", "0.0.0.0",   "127.0.0.1",  "224.0.0.1", "224.0.0.251",     "239.1.2.3", "169.254.1.1",
          "8.8.8.8",         "240.0.0.1", "::",         "::1",       "ff02::1",         "ff02::2",   "ff02::fb",
          "ff05::2",         "ff01::1",   "fe80::1234", "fe80::1",   "2001:4860::8888", "fd00::1"}) {
        const IpAddress address = IpAddress::parse(text).value();
        m_addresses[static_cast<std::size_t>(address.family())].push_back(address);
    }
    m_ports.insert(m_ports.end(), {0, 22, 53, 67, 68, 80, 443, 65535});
}

void PacketMaker::add_borders(const IpRange& range) {
    auto& to = m_addresses[static_cast<std::size_t>(range.family())];
    IpAddress before = range.first;
    IpAddress behind = range.last;
    to.push_back(range.first);
    to.push_back(range.last);
    if (before.decrement()) {
        to.push_back(before);
    }
    if (behind.increment()) {
        to.push_back(behind);
    }
}

void PacketMaker::add_ports(const std::vector<model::PortRange>& ports) {
    for (const model::PortRange& range : ports) {
        for (const int each : {range.first - 1, int{range.first}, int{range.last}, range.last + 1}) {
            m_ports.push_back(static_cast<std::uint16_t>(each));
        }
    }
}

void PacketMaker::gather(const ruleset::Ruleset& ruleset) {
    for (const ruleset::Rule& rule : ruleset.rules) {
        for (const ruleset::Match& match : rule.matches) {
            if (const auto* prefixes = std::get_if<ruleset::AddressIn>(&match)) {
                for (const IpPrefix& prefix : prefixes->prefixes) {
                    add_borders(IpRange::of(prefix));
                }
            } else if (const auto* to = std::get_if<ruleset::DestinationPortIn>(&match)) {
                add_ports(to->ports);
            } else if (const auto* original = std::get_if<ruleset::OriginalDestinationPortIn>(&match)) {
                add_ports(original->ports);
            } else if (const auto* from = std::get_if<ruleset::SourcePortIn>(&match)) {
                add_ports(from->ports);
            }
        }
        if (const auto* to = std::get_if<ruleset::TranslateDestination>(&rule.verdict)) {
            m_addresses[0].push_back(to->address);
        }
    }
    for (const ruleset::Set& set : ruleset.sets) {
        for (std::size_t count = 0; count < std::min(set.size(), kRangesPerSet); ++count) {
            const std::size_t at = set.size() <= kRangesPerSet ? count : m_random() % set.size();
            add_borders(set.ranges ? (*set.ranges)[at] : set.elements[at].range);
        }
    }
    std::ranges::sort(m_ports);
    m_ports.erase(std::ranges::unique(m_ports).begin(), m_ports.end());
}

IpAddress PacketMaker::address(Family family) {
    const auto& known = m_addresses[static_cast<std::size_t>(family)];
    if (!one_in(12)) {
        return known[pick(static_cast<std::uint32_t>(known.size()))];
    }
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::generate(bytes, [this] { return static_cast<std::uint8_t>(m_random()); });
    if (family == Family::ipv6) {
        bytes[0] = one_in(3) ? 0xff : 0x20;
    }
    return IpAddress::from_bytes(family, Bytes(bytes).first(family == Family::ipv4 ? 4 : 16));
}

std::uint16_t PacketMaker::port() {
    return one_in(6) ? static_cast<std::uint16_t>(m_random())
                     : m_ports[pick(static_cast<std::uint32_t>(m_ports.size()))];
}

PacketMaker::Packet PacketMaker::tcp(std::uint16_t source, std::uint16_t destination, std::uint8_t flags,
                                     std::uint32_t sequence, std::uint32_t acked) {
    Packet options;
    if ((flags & 2) != 0 && one_in(2)) {
        options = {2, 4, 5, 0xb4, 4, 2, 1, 3, 3, static_cast<std::uint8_t>(pick(16)), 0, 0};
    } else if (one_in(16)) {
        options = {1, 1, 5, 10, 0, 0, 0, 0, 0, 0, 0, 0};
        put32(options, 4, acked);
        put32(options, 8, acked + pick(200));
    }
    Packet payload((flags & 2) != 0 ? 0 : pick(3) * 7, 0x41);
    Packet result(20);
    put16(result, 0, source);
    put16(result, 2, destination);
    put32(result, 4, sequence);
    put32(result, 8, acked);
    result[12] = static_cast<std::uint8_t>((20 + options.size()) / 4 << 4);
    result[13] = flags;
    put16(result, 14, one_in(8) ? pick(3) : 1000 + pick(64000));
    result.insert(result.end(), options.begin(), options.end());
    result.insert(result.end(), payload.begin(), payload.end());
    if (one_in(60)) {
        result[12] = static_cast<std::uint8_t>(pick(16) << 4); // lies about its length
    }
    return result;
}

/// Right checksums, most of the time.
void PacketMaker::seal(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol, Packet& payload) {
    const std::size_t at = protocol == kTcp                           ? 16
                           : protocol == kUdp                         ? 6
                           : protocol == kIcmp || protocol == kIcmpv6 ? 2
                                                                      : 0;
    if (at == 0 || payload.size() < at + 2 || one_in(80)) {
        return;
    }
    put16(payload, at, 0);
    std::uint32_t pseudo = 0;
    if (protocol != kIcmp) {
        pseudo = static_cast<std::uint32_t>(packet::ones_sum(source.bytes())) + packet::ones_sum(destination.bytes()) +
                 static_cast<std::uint32_t>(payload.size()) + protocol;
    }
    const auto sum = static_cast<std::uint16_t>(~packet::ones_sum(payload, pseudo));
    put16(payload, at, sum == 0 && protocol == kUdp ? 0xffff : sum);
    if (protocol == kUdp && one_in(20)) {
        put16(payload, at, 0);
    }
}

PacketMaker::Packet PacketMaker::transport(Family family, const IpAddress& source, const IpAddress& destination,
                                           std::uint8_t& protocol) {
    constexpr std::array<std::uint8_t, 8> kFlags{0x02, 0x02, 0x02, 0x12, 0x10, 0x11, 0x04, 0x18};
    Packet result;
    switch (pick(10)) {
    case 0:
    case 1:
    case 2:
    case 3:
        protocol = kTcp;
        result = tcp(port(), port(), one_in(10) ? static_cast<std::uint8_t>(m_random()) : kFlags[pick(8)],
                     static_cast<std::uint32_t>(m_random()), static_cast<std::uint32_t>(m_random()));
        break;
    case 4:
    case 5:
    case 6: {
        protocol = kUdp;
        result.resize(8 + pick(40));
        put16(result, 0, port());
        put16(result, 2, port());
        put16(result, 4, static_cast<std::uint32_t>(result.size()) + (one_in(40) ? pick(9) - 4 : 0));
        break;
    }
    case 7:
    case 8: {
        protocol = (family == Family::ipv4) != one_in(40) ? kIcmp : kIcmpv6;
        constexpr std::array<std::uint8_t, 16> kTypes{1,   2,   3,   4,   128, 129, 130, 131,
                                                      133, 134, 135, 136, 137, 139, 143, 200};
        result.resize(8 + pick(60));
        result[0] = protocol == kIcmp ? static_cast<std::uint8_t>(pick(22)) : kTypes[pick(16)];
        result[1] = one_in(4) ? static_cast<std::uint8_t>(pick(6)) : std::uint8_t{0};
        put16(result, 4, 77 + pick(4));
        break;
    }
    default: {
        constexpr std::array<std::uint8_t, 8> kOthers{2, 47, 50, 51, 103, 254, 59, 4};
        protocol = kOthers[pick(8)];
        result.resize(4 + pick(30));
        std::ranges::generate(result, [this] { return static_cast<std::uint8_t>(pick(3)); });
        break;
    }
    }
    if (one_in(50)) {
        result.resize(pick(static_cast<std::uint32_t>(result.size()) + 1));
    }
    seal(source, destination, protocol, result);
    return result;
}

PacketMaker::Packet PacketMaker::packet(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                        Packet payload) {
    constexpr std::array<std::uint8_t, 4> kLives{64, 255, 1, 2};
    const std::uint8_t life = kLives[one_in(12) ? pick(4) : protocol == kIcmpv6 ? 1 : 0];
    Packet result;
    if (source.family() == Family::ipv4) {
        const bool with_options = one_in(40);
        result.resize(with_options ? 24 : 20);
        result[0] = static_cast<std::uint8_t>(0x40 + result.size() / 4);
        put16(result, 2, static_cast<std::uint32_t>(result.size() + payload.size()) + (one_in(80) ? pick(5) - 2 : 0));
        put16(result, 4, static_cast<std::uint32_t>(m_random()));
        put16(result, 6, one_in(2) ? 0x4000 : 0);
        result[8] = life;
        result[9] = protocol;
        std::ranges::copy(source.bytes(), result.begin() + 12);
        std::ranges::copy(destination.bytes(), result.begin() + 16);
        if (with_options) {
            constexpr std::array<std::array<std::uint8_t, 4>, 5> kOptions{
                {{1, 1, 1, 0}, {148, 4, 0, 0}, {131, 3, 4, 0}, {7, 3, 4, 0}, {68, 4, 5, 0}}};
            std::ranges::copy(kOptions[pick(5)], result.begin() + 20);
        }
        const auto sum = static_cast<std::uint16_t>(~packet::ones_sum(result));
        put16(result, 10, one_in(100) ? sum + 1U : sum);
    } else {
        std::uint8_t next = protocol;
        Packet extensions;
        while (one_in(6) && extensions.size() < 60) {
            constexpr std::array<std::uint8_t, 4> kKinds{60, 43, 51, 0};
            const std::uint8_t kind = kKinds[pick(4)];
            Packet header(8, 0);
            header[0] = next;
            if (kind == 60 || kind == 0) {
                header[2] = one_in(10) ? static_cast<std::uint8_t>(0xc0 + pick(64)) : std::uint8_t{1};
                header[3] = 4;
            }
            extensions.insert(extensions.begin(), header.begin(), header.end());
            next = kind;
        }
        result.resize(40);
        result[0] = 0x60;
        put16(result, 4,
              static_cast<std::uint32_t>(extensions.size() + payload.size()) + (one_in(80) ? pick(5) - 2 : 0));
        result[6] = next;
        result[7] = life;
        std::ranges::copy(source.bytes(), result.begin() + 8);
        std::ranges::copy(destination.bytes(), result.begin() + 24);
        result.insert(result.end(), extensions.begin(), extensions.end());
    }
    result.insert(result.end(), payload.begin(), payload.end());
    return result;
}

/// The packet in fragments, in any order, now and then with one that overlaps, comes twice, or is missing.
std::vector<PacketMaker::Packet> PacketMaker::pieces(const Packet& whole) {
    const bool v4 = whole[0] >> 4 == 4;
    const std::size_t header = v4 ? (whole[0] & 0x0fU) * 4 : 40;
    if (whole.size() < header + 16 || (!v4 && (whole[6] == 0 || whole[6] == 43 || whole[6] == 51 || whole[6] == 60))) {
        return {whole};
    }
    const auto identification = static_cast<std::uint32_t>(m_random());
    std::vector<Packet> result;
    for (std::size_t at = header; at < whole.size();) {
        const std::size_t size = std::min(whole.size() - at, (1 + pick(3)) * std::size_t{8});
        const bool more = at + size < whole.size();
        const auto offset = static_cast<std::uint32_t>(at - header);
        Packet piece(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(header));
        if (v4) {
            put16(piece, 2, static_cast<std::uint32_t>(header + size));
            put16(piece, 4, identification);
            put16(piece, 6, offset / 8 | (more ? 0x2000U : 0U));
            put16(piece, 10, 0);
            put16(piece, 10, static_cast<std::uint16_t>(~packet::ones_sum(piece)));
        } else {
            Packet fragment{piece[6], 0, 0, 0, 0, 0, 0, 0};
            put16(fragment, 2, offset | (more ? 1U : 0U));
            put32(fragment, 4, identification);
            piece[6] = 44;
            put16(piece, 4, static_cast<std::uint32_t>(8 + size));
            piece.insert(piece.end(), fragment.begin(), fragment.end());
        }
        piece.insert(piece.end(), whole.begin() + static_cast<std::ptrdiff_t>(at),
                     whole.begin() + static_cast<std::ptrdiff_t>(at + size));
        result.push_back(std::move(piece));
        at += one_in(30) ? std::max<std::size_t>(size - 8, 8) : size;
    }
    if (one_in(3)) {
        std::ranges::shuffle(result, m_random);
    }
    if (one_in(10)) {
        result.push_back(result[pick(static_cast<std::uint32_t>(result.size()))]);
    }
    if (one_in(10)) {
        result.pop_back();
    }
    return result;
}

MadeFrame PacketMaker::frame(judge::DeviceIndex device, const Packet& packet, bool is_whole) {
    Packet result(14, 0);
    if (one_in(50)) {
        result[0] = one_in(2) ? 0xff : 0x01;
        std::ranges::fill(std::span(result).subspan(1, 5), static_cast<std::uint8_t>(result[0] == 0xff ? 0xff : 1));
    }
    const bool v6 = packet.empty() ? false : packet[0] >> 4 == 6;
    const std::uint32_t type = v6 ? 0x86dd : 0x0800;
    put16(result, 12, type);
    if (is_whole && one_in(100)) {
        put16(result, 12, one_in(2) ? 0x8100 : 0x88a8);
        Packet tag(4);
        put16(tag, 0, one_in(2) ? 0 : 0x2005);
        put16(tag, 2, type);
        result.insert(result.end(), tag.begin(), tag.end());
    }
    result.insert(result.end(), packet.begin(), packet.end());
    if (one_in(10)) {
        result.resize(result.size() + pick(20)); // padding of the link
    }
    if (is_whole && one_in(150)) {
        result.resize(14 + pick(static_cast<std::uint32_t>(result.size() - 13)));
    }
    return {device, std::move(result)};
}

std::vector<MadeFrame> PacketMaker::fresh() {
    const Family family = one_in(2) ? Family::ipv4 : Family::ipv6;
    const auto device = static_cast<judge::DeviceIndex>(pick(static_cast<std::uint32_t>(m_environment.devices.size())));
    IpAddress source = address(family);
    if (one_in(2)) { // somebody of that network
        for (const InterfaceAddress& own : m_environment.devices[device].addresses) {
            if (own.address.family() == family && !m_environment.devices[device].is_wan && !one_in(4)) {
                source = own.address;
                for (unsigned count = 1 + pick(30); count > 0; --count) {
                    source.increment();
                }
            }
        }
    }
    const IpAddress destination = address(family);
    std::uint8_t protocol = 0;
    Packet payload = transport(family, source, destination, protocol);
    const Packet whole = packet(source, destination, protocol, std::move(payload));
    std::vector<MadeFrame> result;
    const std::vector<Packet> all = one_in(10) ? pieces(whole) : std::vector<Packet>{whole};
    for (const Packet& piece : all) {
        result.push_back(
            frame(device, piece, all.size() == 1)); // the trace does not tell for sure whose other fragments are
    }
    return result;
}

PacketMaker::Packet PacketMaker::error_about(const Conversation& conversation, bool from_server) {
    // what the router sent on to the server is quoted; from the other side, what it sent on to the client
    const judge::Tuple& answer = from_server ? conversation.reply : conversation.original;
    const bool v4 = answer.source.family() == Family::ipv4;
    Packet quoted(8, 0);
    put16(quoted, 0, answer.destination_port + (one_in(20) ? 1U : 0U));
    put16(quoted, 2, answer.source_port);
    if (answer.protocol == kIcmp || answer.protocol == kIcmpv6) {
        quoted[0] = static_cast<std::uint8_t>(answer.protocol == kIcmp ? 8 : 128);
        quoted[1] = 0;
        put16(quoted, 4, answer.source_port);
    }
    Packet inner = packet(answer.destination, answer.source, answer.protocol, std::move(quoted));
    Packet error(8, 0);
    error[0] = static_cast<std::uint8_t>(v4 ? (one_in(2) ? 3 : one_in(2) ? 11 : 5) : 1 + pick(4));
    error.insert(error.end(), inner.begin(), inner.end());
    const IpAddress reporter = one_in(2) ? answer.source : address(answer.source.family());
    const IpAddress& to = one_in(20) ? answer.source : answer.destination;
    const std::uint8_t protocol = v4 ? kIcmp : kIcmpv6;
    seal(reporter, to, protocol, error);
    return packet(reporter, to, protocol, std::move(error));
}

std::vector<MadeFrame> PacketMaker::continued() {
    Conversation& conversation = m_conversations[pick(static_cast<std::uint32_t>(m_conversations.size()))];
    const bool from_server = one_in(2);
    const judge::Tuple& tuple = from_server ? conversation.reply : conversation.original;
    const judge::DeviceIndex device = from_server ? conversation.server : conversation.client;
    if (one_in(10)) {
        return {frame(device, error_about(conversation, from_server))};
    }
    Packet payload;
    if (tuple.protocol == kTcp) {
        std::uint32_t& own = conversation.sequence[from_server ? 1 : 0];
        const std::uint32_t other = conversation.sequence[from_server ? 0 : 1];
        const unsigned step = conversation.step++;
        std::uint8_t flags = step == 0 ? (from_server ? 0x12 : 0x02) : 0x10;
        if (one_in(6)) {
            constexpr std::array<std::uint8_t, 8> kFlags{0x02, 0x12, 0x10, 0x11, 0x04, 0x14, 0x18, 0x01};
            flags = kFlags[pick(8)];
        }
        std::uint32_t sequence = own;
        std::uint32_t acked = other;
        if (one_in(8)) {
            constexpr std::array<std::int64_t, 10> kSteps{-1,     1,       -66'001,   66'000, 65'535,
                                                          70'000, -70'000, 1'000'000, -1460,  1460};
            (one_in(2) ? sequence : acked) += static_cast<std::uint32_t>(kSteps[pick(10)]);
        }
        payload = tcp(tuple.source_port, tuple.destination_port, flags, sequence, acked);
        own = sequence + static_cast<std::uint32_t>(payload.size()) - (payload[12] >> 4) * 4U +
              ((flags & 3) != 0 ? 1 : 0);
    } else if (tuple.protocol == kIcmp || tuple.protocol == kIcmpv6) {
        payload.resize(8 + pick(20));
        payload[0] = static_cast<std::uint8_t>(tuple.destination_port >> 8);
        payload[1] = static_cast<std::uint8_t>(tuple.destination_port);
        put16(payload, 4, tuple.source_port);
    } else if (tuple.protocol == kUdp) {
        payload.resize(8 + pick(20));
        put16(payload, 0, tuple.source_port);
        put16(payload, 2, tuple.destination_port);
        put16(payload, 4, static_cast<std::uint32_t>(payload.size()));
    } else {
        payload.resize(12, 0);
    }
    seal(tuple.source, tuple.destination, tuple.protocol, payload);
    return {frame(device, packet(tuple.source, tuple.destination, tuple.protocol, std::move(payload)))};
}

std::vector<MadeFrame> PacketMaker::next() {
    return !m_conversations.empty() && one_in(2) ? continued() : fresh();
}

void PacketMaker::learn(const judge::Judgement& judgement, judge::DeviceIndex ingress) {
    if (judgement.verdict != judge::Verdict::accepted || judgement.flow == nullptr || judgement.flow->port_chosen ||
        judgement.state != judge::State::fresh) {
        return;
    }
    Conversation conversation{
        .original = judgement.flow->tuples[0], .reply = judgement.flow->tuples[1], .client = ingress};
    conversation.server = judgement.egress == judge::kNoDevice ? ingress : judgement.egress;
    conversation.sequence[0] = judgement.flow->tcp.ends[0].end;
    if (judgement.egress == judge::kNoDevice) {
        return; // the router itself keeps still
    }
    if (m_conversations.size() < kMostConversations) {
        m_conversations.push_back(conversation);
    } else {
        m_conversations[pick(kMostConversations)] = conversation;
    }
}

} // namespace sekisho::test

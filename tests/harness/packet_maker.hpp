// SPDX-License-Identifier: GPL-2.0-or-later
// Packets around the borders of a policy, made from a seed: addresses and ports beside and on each end of every range
// that a rule names, conversations that go on, and packets that are wrong on purpose.
#pragma once

#include "policy/judge/judge.hpp"
#include "policy/ruleset/ruleset.hpp"

#include <cstdint>
#include <random>
#include <vector>

namespace sekisho::test {

/// A frame and the device of the router that it comes in by. Its link-layer addresses are filled in by who sends it,
/// as far as `addressed` leaves that open.
struct MadeFrame {
    judge::DeviceIndex device = 0;
    std::vector<std::uint8_t> bytes; ///< Ethernet
};

class PacketMaker {
public:
    PacketMaker(const ruleset::Ruleset& ruleset, const judge::Environment& environment, std::uint64_t seed);

    /// The next frames: one, or the fragments of one packet.
    std::vector<MadeFrame> next();

    /// What became of the latest packet that opened or continued a connection.
    void learn(const judge::Judgement& judgement, judge::DeviceIndex ingress);

private:
    struct Conversation {
        judge::Tuple original;
        judge::Tuple reply;
        judge::DeviceIndex client = 0;
        judge::DeviceIndex server = 0;
        std::uint32_t sequence[2] = {1000, 5000};
        unsigned step = 0;
    };

    using Packet = std::vector<std::uint8_t>;

    std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(m_random() % below); }

    bool one_in(std::uint32_t count) { return pick(count) == 0; }

    void gather(const ruleset::Ruleset& ruleset);
    void add_borders(const IpRange& range);
    void add_ports(const std::vector<model::PortRange>& ports);
    IpAddress address(Family family);
    std::uint16_t port();
    Packet transport(Family family, const IpAddress& source, const IpAddress& destination, std::uint8_t& protocol);
    Packet tcp(std::uint16_t source, std::uint16_t destination, std::uint8_t flags, std::uint32_t sequence,
               std::uint32_t acked);
    void seal(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol, Packet& payload);
    Packet packet(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol, Packet payload);
    std::vector<Packet> pieces(const Packet& whole);
    std::vector<MadeFrame> fresh();
    std::vector<MadeFrame> continued();
    Packet error_about(const Conversation& conversation, bool from_server);
    MadeFrame frame(judge::DeviceIndex device, const Packet& packet, bool is_whole = true);

    const judge::Environment& m_environment;
    std::mt19937_64 m_random;
    std::vector<IpAddress> m_addresses[2];
    std::vector<std::uint16_t> m_ports;
    std::vector<Conversation> m_conversations;
};

} // namespace sekisho::test

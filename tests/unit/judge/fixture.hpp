// SPDX-License-Identifier: GPL-2.0-or-later
// Packets made by hand, and a small router that judges them.
#pragma once

#include "policy/judge/judge.hpp"
#include "policy/ruleset/ruleset.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::test {

using Bytes = std::vector<std::uint8_t>;

[[nodiscard]] IpAddress ip(std::string_view text);
[[nodiscard]] Time at(std::int64_t seconds);

struct TcpPart {
    std::uint16_t source = 40'000;
    std::uint16_t destination = 443;
    std::uint8_t flags = 0x02;
    std::uint32_t sequence = 1000;
    std::uint32_t acked = 0;
    std::uint16_t window = 60'000;
    std::size_t payload = 0;
};

/// Whole IP packets with right lengths and checksums, hop limit 64.
[[nodiscard]] Bytes packet(std::string_view source, std::string_view destination, std::uint8_t protocol, Bytes payload,
                           std::uint8_t hop_limit = 64);
[[nodiscard]] Bytes tcp(std::string_view source, std::string_view destination, const TcpPart& part);
[[nodiscard]] Bytes udp(std::string_view source, std::string_view destination, std::uint16_t from, std::uint16_t to,
                        std::size_t payload = 4);
[[nodiscard]] Bytes icmp(std::string_view source, std::string_view destination, std::uint8_t type,
                         std::uint8_t code = 0, const Bytes& rest = {}, std::uint8_t hop_limit = 64);
/// An IPv4 packet in pieces of so many bytes, a multiple of eight.
[[nodiscard]] std::vector<Bytes> pieces(const Bytes& whole, std::size_t size);

inline constexpr ruleset::ZoneIndex kWan = 1;
inline constexpr ruleset::ZoneIndex kClinic = 3;

/// wan0 198.51.100.2/24 and 2001:db8:100::2/64 with default routes, lan1 10.0.1.1/24 and 2001:db8:10::1/64.
[[nodiscard]] judge::Environment environment();

[[nodiscard]] ruleset::Rule rule(ruleset::Hook hook, std::string id, std::vector<ruleset::Match> matches,
                                 ruleset::Verdict verdict, std::uint32_t mark = 0);

/// One router with its rules and its connections. `wan` and `clinic` judge a packet that comes in there.
class Router {
public:
    explicit Router(std::vector<ruleset::Rule> rules, std::vector<ruleset::Set> sets = {});

    judge::Judgement wan(const Bytes& packet) { return come_in("wan0", packet); }

    judge::Judgement clinic(const Bytes& packet) { return come_in("lan1", packet); }

    judge::Judgement come_in(std::string_view device, const Bytes& packet);
    judge::Judgement sent(std::string_view device, const Bytes& packet);

    /// Id of the rule that decided, "STACK-CAUSE", or "waiting".
    static std::string told(const judge::Judgement& judgement);

    judge::Environment environment;
    ruleset::Ruleset ruleset;
    judge::FlowTable flows{64};
    judge::Arrival with; ///< what else a packet comes in with
    Time now = at(1000);

private:
    judge::Judge& judge();
    std::unique_ptr<judge::Judge> m_judge;
};

/// Rules of a router that lets its clinic out by masquerading and one web service in, as the compiler makes them.
[[nodiscard]] std::vector<ruleset::Rule> clinic_rules();

} // namespace sekisho::test

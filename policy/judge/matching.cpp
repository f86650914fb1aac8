// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/matching.hpp"

#include "policy/base/bytes.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>

namespace sekisho::judge {

namespace {

using namespace ruleset;

constexpr std::uint8_t kTcp = 6;

/// One answer per kind of match, without a default: a kind that is missing here does not compile.
class Answer {
public:
    Answer(const Matcher& matcher, const Passage& passage) : m_matcher(matcher), m_passage(passage) {}

    bool operator()(const IngressZone& match) const { return zone_of(m_passage.ingress) == match.zone; }

    bool operator()(const IngressDevice& match) const {
        return m_passage.ingress != kNoDevice && device(m_passage.ingress).name == match.name;
    }

    bool operator()(const RoleIs& match) const { return m_passage.role == match.role; }

    bool operator()(const EgressZone& match) const { return zone_of(m_passage.egress) == match.zone; }

    // what the router says to itself is not judged here
    bool operator()(const IngressLoopback&) const { return false; }

    bool operator()(const EgressLoopback&) const { return false; }

    bool operator()(const FamilyIs& match) const { return match.family == headers().family; }

    bool operator()(const AddressIn& match) const { return match.holds(address_of(match.side)); }

    bool operator()(const AddressInSet& match) const {
        const SetIndex& set = m_matcher.set(match.set);
        return set.family() == headers().family && set.contains(address_of(match.side), m_passage.now) != match.negated;
    }

    bool operator()(const OpensTcp&) const {
        constexpr std::uint8_t kAsked = 0x17; // FIN, SYN, RST, ACK
        constexpr std::uint8_t kSyn = 0x02;
        const std::size_t at = headers().transport_at + 13;
        return headers().protocol == kTcp && !headers().later_fragment && at < m_passage.segment.bytes.size() &&
               (m_passage.segment.bytes[at] & kAsked) == kSyn;
    }

    bool operator()(const NotFragment& match) const {
        if (match.family != headers().family) {
            return false;
        }
        return match.family == Family::ipv4 ? !headers().fragment : !has_fragment_header(m_passage.segment.bytes);
    }

    bool operator()(const ProtocolIs& match) const {
        return match.protocol == model::Protocol::any ||
               headers().protocol == static_cast<std::uint16_t>(match.protocol);
    }

    bool operator()(const DestinationPortIn& match) const {
        return headers().transport_complete && is_in(match.ports, headers().destination_port);
    }

    bool operator()(const SourcePortIn& match) const {
        return headers().transport_complete && is_in(match.ports, headers().source_port);
    }

    bool operator()(const IcmpTypeIn& match) const {
        const auto protocol = match.family == Family::ipv4 ? model::Protocol::icmp : model::Protocol::icmpv6;
        return match.family == headers().family && headers().transport_complete &&
               headers().protocol == static_cast<std::uint16_t>(protocol) &&
               std::ranges::contains(match.types, headers().icmp_type);
    }

    bool operator()(const HopLimitIs& match) const {
        return headers().family == Family::ipv6 && headers().hop_limit == match.value;
    }

    bool operator()(const AddressKind& match) const {
        const DeviceIndex only = match.by_interface ? m_passage.ingress : kNoDevice;
        return m_matcher.routing().is_kind(address_of(match.side), match.kind, only) != match.negated;
    }

    bool operator()(const ConnectionState& match) const {
        switch (m_passage.state) {
        case State::invalid:
            return match.invalid;
        case State::fresh:
            return match.fresh;
        case State::established:
            return match.established;
        case State::related:
            return match.related;
        case State::untracked:
            return false;
        }
        std::unreachable();
    }

    // what has no connection matches none of these, negated or not
    bool operator()(const DestinationTranslated& match) const {
        return m_passage.flow != nullptr && m_passage.flow->destination_translated != match.negated;
    }

    bool operator()(const OriginalDestinationPortIn& match) const {
        return m_passage.flow != nullptr && is_in(match.ports, m_passage.flow->tuples[0].destination_port);
    }

    bool operator()(const Recorded& match) const {
        return m_passage.flow != nullptr && ((m_passage.flow->mark & kMarkRecorded) != 0) != match.negated;
    }

    bool operator()(const OfCutFlow& match) const {
        if (match.family != headers().family || (match.with_ports && !headers().transport_complete)) {
            return false;
        }
        CutFlow flow{.protocol = headers().protocol, .source = headers().source, .destination = headers().destination};
        if (match.with_ports) {
            flow.source_port = headers().source_port;
            flow.destination_port = headers().destination_port;
        }
        return std::ranges::binary_search(m_matcher.environment().cut_flows, flow);
    }

private:
    [[nodiscard]] const packet::Headers& headers() const noexcept { return m_passage.segment.headers; }

    [[nodiscard]] const IpAddress& address_of(Side side) const noexcept {
        return side == Side::source ? headers().source : headers().destination;
    }

    [[nodiscard]] const Device& device(DeviceIndex index) const noexcept {
        return m_matcher.environment().devices[index];
    }

    [[nodiscard]] ZoneIndex zone_of(DeviceIndex index) const noexcept {
        return index == kNoDevice ? ZoneIndex{0} : device(index).zone;
    }

    const Matcher& m_matcher;
    const Passage& m_passage;
};

} // namespace

Matcher::Matcher(const Ruleset& ruleset, const Environment& environment, const Routing& routing)
    : m_environment(environment), m_routing(routing) {
    m_sets.reserve(ruleset.sets.size());
    for (const Set& set : ruleset.sets) {
        m_sets.emplace_back(set);
    }
}

bool Matcher::holds(const Rule& rule, const Passage& passage) const {
    const Answer answer(*this, passage);
    return std::ranges::all_of(rule.matches, [&answer](const Match& match) { return std::visit(answer, match); });
}

} // namespace sekisho::judge

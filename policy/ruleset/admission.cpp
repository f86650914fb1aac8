// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/ruleset/admission.hpp"

#include "policy/ruleset/mark.hpp"

#include <algorithm>

namespace sekisho::ruleset {

namespace {

/// A match's word on a connection; `untold` where nothing that is kept of a connection answers it.
enum class Answer : std::uint8_t { no, yes, untold };

constexpr Answer answer(bool holds) noexcept {
    return holds ? Answer::yes : Answer::no;
}

/// One per kind of match, without a default: a kind that is missing here does not compile.
class Question {
public:
    Question(const Ruleset& ruleset, const Flow& flow, Time now) : m_ruleset(ruleset), m_flow(flow), m_now(now) {}

    Answer operator()(const IngressZone& match) const { return answer(match.zone == zone_of_mark(m_flow.mark)); }

    Answer operator()(const IngressDevice& match) const {
        return m_flow.sender ? answer(match.name == m_flow.sender->device) : Answer::untold;
    }

    Answer operator()(const RoleIs& match) const {
        return m_flow.sender ? answer(match.role == m_flow.sender->role) : Answer::untold;
    }

    Answer operator()(const EgressZone& match) const {
        const ZoneEntry* zone = m_ruleset.find_zone(match.zone);
        return answer(zone != nullptr &&
                      (m_flow.egress_device.empty() ? zone->is_wan
                                                    : std::ranges::contains(zone->interfaces, m_flow.egress_device)));
    }

    Answer operator()(const IngressLoopback&) const { return Answer::no; }

    Answer operator()(const EgressLoopback&) const { return Answer::no; }

    Answer operator()(const FamilyIs& match) const { return answer(match.family == family()); }

    Answer operator()(const AddressIn& match) const { return answer(match.holds(address_of(match.side))); }

    Answer operator()(const AddressInSet& match) const {
        const Set& set = m_ruleset.sets[match.set];
        if (set.family != family()) {
            return Answer::no;
        }
        return answer(set.contains(address_of(match.side), m_now) != match.negated);
    }

    Answer operator()(const OpensTcp&) const { return answer(is(model::Protocol::tcp)); }

    Answer operator()(const NotFragment& match) const { return answer(match.family == family()); }

    Answer operator()(const ProtocolIs& match) const {
        return answer(match.protocol == model::Protocol::any || is(match.protocol));
    }

    Answer operator()(const DestinationPortIn& match) const { return answer(is_in(match.ports, m_flow.reached_port)); }

    Answer operator()(const SourcePortIn& match) const { return answer(is_in(match.ports, m_flow.source_port)); }

    Answer operator()(const IcmpTypeIn& match) const {
        const bool is_icmp = is(match.family == Family::ipv4 ? model::Protocol::icmp : model::Protocol::icmpv6);
        return answer(is_icmp && std::ranges::find(match.types, m_flow.icmp_type) != match.types.end());
    }

    Answer operator()(const HopLimitIs&) const { return Answer::untold; }

    Answer operator()(const AddressKind& match) const {
        if (match.side == Side::source || match.kind == AddressKind::Kind::broadcast) {
            return Answer::untold;
        }
        if (match.kind == AddressKind::Kind::multicast) {
            return answer(m_flow.reached.is_multicast() != match.negated);
        }
        const bool is_own = !m_flow.own_device.empty() && (!match.by_interface || is_on_ingress_zone());
        return answer(is_own != match.negated);
    }

    Answer operator()(const ConnectionState& match) const { return answer(match.fresh); }

    Answer operator()(const DestinationTranslated& match) const { return answer(m_flow.translated != match.negated); }

    Answer operator()(const OriginalDestinationPortIn& match) const {
        return answer(is_in(match.ports, m_flow.destination_port));
    }

    Answer operator()(const Recorded&) const { return Answer::untold; }

    /// What is asked is whether it may be one again.
    Answer operator()(const OfCutFlow&) const { return Answer::no; }

private:
    [[nodiscard]] Family family() const noexcept { return m_flow.source.family(); }

    [[nodiscard]] bool is(model::Protocol protocol) const noexcept {
        return m_flow.protocol == static_cast<std::uint16_t>(protocol);
    }

    [[nodiscard]] const IpAddress& address_of(Side side) const noexcept {
        return side == Side::source ? m_flow.source : m_flow.reached;
    }

    [[nodiscard]] bool is_on_ingress_zone() const {
        const ZoneEntry* zone = m_ruleset.find_zone(zone_of_mark(m_flow.mark));
        return zone != nullptr && std::ranges::find(zone->interfaces, m_flow.own_device) != zone->interfaces.end();
    }

    const Ruleset& m_ruleset;
    const Flow& m_flow;
    Time m_now;
};

/// What is for the router, or for everybody on the link.
bool is_for_router(const Flow& flow) {
    static const IpAddress kBroadcast = IpAddress::v4(0xffff'ffff);
    return !flow.own_device.empty() || flow.reached == kBroadcast || flow.reached.is_multicast();
}

} // namespace

Admission admission_of(const Ruleset& ruleset, const Flow& flow, Time now) {
    const Hook hook = is_for_router(flow) ? Hook::input : Hook::forward;
    const Question question(ruleset, flow, now);
    for (const Rule& rule : ruleset.rules) {
        if (rule.hook != hook) {
            continue;
        }
        const bool accepts = std::holds_alternative<Accept>(rule.verdict);
        const bool refuses = std::holds_alternative<Drop>(rule.verdict) || std::holds_alternative<Reject>(rule.verdict);
        const bool had_told = accepts && rule.number != 0 && rule.number == rule_of_mark(flow.mark);
        const bool holds = std::ranges::all_of(rule.matches, [&](const Match& match) {
            const Answer said = std::visit(question, match);
            return said == Answer::yes || (said == Answer::untold && had_told);
        });
        if (holds && (accepts || refuses)) {
            return {.admitted = accepts, .rule = &rule};
        }
    }
    return {};
}

} // namespace sekisho::ruleset

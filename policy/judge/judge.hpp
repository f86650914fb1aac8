// SPDX-License-Identifier: GPL-2.0-or-later
// The evaluator: judges a packet as the kernel does with the rules that policy/ruleset renders, and follows the
// connections that it lets pass. Assumes what the environment says, routers without helpers, offloads and marks of
// others, and that what a packet needs on its way out (neighbours, room in queues) is there.
#pragma once

#include "policy/judge/environment.hpp"
#include "policy/judge/flow_table.hpp"
#include "policy/judge/matching.hpp"
#include "policy/judge/reassembly.hpp"
#include "policy/judge/routing.hpp"
#include "policy/judge/tracking.hpp"
#include "policy/packet/frame.hpp"
#include "policy/ruleset/ruleset.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sekisho::judge {

/// A packet that comes in by a device, or leaves by it.
struct Arrival {
    std::span<const std::uint8_t> packet; ///< from its IP header on, what a link layer padded included
    std::size_t wire_size = 0;            ///< as it was on the wire; more than `packet` where a capture cut it
    DeviceIndex device = kNoDevice;
    packet::Addressed addressed = packet::Addressed::host;
    bool is_foreign_vlan = false; ///< tagged for a VLAN: the router has none
    bool is_unsummed = false;     ///< its checksum was made behind the capture: it counts as right, by assumption
    std::uint32_t role = 0;       ///< what its sender was admitted as (mark.hpp); on devices without port access 0
    Time when;                    ///< never before that of the packet before; expiries and time-outs go by it
};

enum class Verdict : std::uint8_t {
    accepted,
    denied,   ///< silently
    rejected, ///< and the sender is told
    stack,    ///< the IP stack turned it away, not a rule
    waiting,  ///< a fragment: its datagram is judged when it is whole
};
[[nodiscard]] std::string_view name_of(Verdict verdict) noexcept;

struct Judgement {
    Verdict verdict = Verdict::stack;
    StackCause cause = StackCause::none; ///< of Verdict::stack
    const ruleset::Rule* rule = nullptr; ///< that decided; for `stack` the one that let it through
                                         ///< before, if it came so far; none for `waiting` and a hook without rules
    ruleset::Hook hook = ruleset::Hook::screen; ///< where it decided
    State state = State::invalid;
    Tuple tuple;                    ///< as it leaves, after translation; as it came where it does not get there
    DeviceIndex egress = kNoDevice; ///< none: to the router itself
    const Flow* flow = nullptr;     ///< valid until the next packet is judged; none where nothing is kept of it
    bool assumed = false; ///< it rests on a connection whose beginning was not seen, or on bytes that are not there

    [[nodiscard]] ruleset::Reason reason() const noexcept {
        return rule != nullptr ? rule->reason : ruleset::Reason::zone;
    }
};

/// What a hook said to a packet.
struct Step {
    ruleset::Hook hook = ruleset::Hook::screen;
    const ruleset::Rule* rule = nullptr; ///< that held; none: no rule of the hook decided
};

/// Prepared for many packets; nothing is allocated for one, once `flows` and the fragments have their room. Borrows
/// ruleset and environment.
class Judge {
public:
    Judge(const ruleset::Ruleset& ruleset, const Environment& environment);
    Judge(const Judge&) = delete;
    Judge& operator=(const Judge&) = delete;

    /// A packet that comes in.
    Judgement judge(FlowTable& flows, const Arrival& arrival);

    /// A packet that the router sends, as it is on the wire of the device: after translation. A connection that it
    /// belongs to is found by the addresses that the other end knows; one in the middle that is not known yet is
    /// assumed to have been opened before.
    Judgement judge_sent(FlowTable& flows, const Arrival& arrival);

    /// Every hook that is asked from now on is added to `steps`, with each rule that held; null ends it.
    void watch(std::vector<Step>* steps) noexcept { m_steps = steps; }

    /// Forgets fragments.
    void clear() { m_reassembly.clear(); }

private:
    struct Course; ///< a packet on its way

    /// The first rule that decides, with the marks of those before it; none: the hook's own policy holds.
    [[nodiscard]] const ruleset::Rule* ask(ruleset::Hook hook, Course& course) const;
    [[nodiscard]] Judgement decided(const Course& course, ruleset::Hook hook, const ruleset::Rule* rule) const;
    [[nodiscard]] Judgement turned_away(const Course& course, StackCause cause) const;

    [[nodiscard]] Judgement lost(Course& course, ruleset::Hook hook, const ruleset::Rule* rule, StackCause cause) const;

    [[nodiscard]] bool dropped_early(const Arrival& arrival, Judgement& judgement) const;
    void follow(FlowTable& flows, Course& course);
    void translate_destination(Course& course) const;
    [[nodiscard]] Judgement deliver(FlowTable& flows, Course& course);
    [[nodiscard]] Judgement forward(FlowTable& flows, Course& course);
    /// Source translation, recording, and the connection is kept; or why not.
    [[nodiscard]] StackCause leave(FlowTable& flows, Course& course, ruleset::Hook record);
    void choose_port(FlowTable& flows, Course& course) const;

    const Environment& m_environment;
    Routing m_routing;
    Matcher m_matcher;
    std::array<std::vector<const ruleset::Rule*>, ruleset::kHookCount> m_rules;
    Reassembly m_reassembly;
    Flow m_pending;
    std::vector<Step>* m_steps = nullptr;
};

} // namespace sekisho::judge

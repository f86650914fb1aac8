// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/judge.hpp"

#include "policy/ruleset/mark.hpp"

#include <algorithm>

namespace sekisho::judge {

using ruleset::Hook;
using ruleset::Rule;

struct Judge::Course {
    Segment segment;
    std::optional<Transport> transport;
    DeviceIndex ingress = kNoDevice;
    DeviceIndex egress = kNoDevice;
    std::uint32_t role = 0;
    Tracking tracking;
    Time now;
    bool is_unsummed = false;
    bool assumed = false;

    [[nodiscard]] Passage passage() const {
        return {segment, ingress, egress, role, tracking.state, tracking.flow, now};
    }

    [[nodiscard]] bool is_unsettled() const noexcept {
        return tracking.flow != nullptr && tracking.state == State::fresh && !tracking.flow->confirmed;
    }
};

namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kIcmpRedirect = 5;

/// A mark that is recorded alone is added; any other replaces what is there but for that bit.
void apply_mark(const Rule& rule, Flow* flow) noexcept {
    if (flow == nullptr || rule.mark == 0) {
        return;
    }
    flow->mark = rule.mark == ruleset::kMarkRecorded ? flow->mark | rule.mark
                                                     : (flow->mark & ruleset::kMarkRecorded) | rule.mark;
}

[[nodiscard]] bool has_ports(std::uint8_t protocol) noexcept {
    return protocol == kTcp || protocol == 17 || protocol == 132;
}

[[nodiscard]] bool changes_destination(const Tracking& tracking) noexcept {
    return tracking.way == Way::original ? tracking.flow->destination_translated : tracking.flow->source_translated;
}

[[nodiscard]] bool changes_source(const Tracking& tracking) noexcept {
    return tracking.way == Way::original ? tracking.flow->source_translated : tracking.flow->destination_translated;
}

/// Whether the packet has what translation writes to: of a packet that an error quotes, eight bytes of its transport
/// header; of GRE a version that it knows, where the destination is written (of what an error quotes, the other end).
/// What has not is dropped.
[[nodiscard]] bool can_be_translated(const Segment& segment, const Transport& transport, bool is_error,
                                     bool is_destination) noexcept {
    constexpr std::uint8_t kGre = 47;
    const Family family = segment.headers.family;
    std::optional<Transport> changed = transport;
    if (is_error) {
        changed = tracked_transport(family, segment.bytes, transport.at + 8);
        if (!changed) {
            return false;
        }
    }
    const std::size_t left = segment.bytes.size() - changed->at;
    if (changed->protocol == kGre) {
        return left >= 8 && (is_destination == is_error || (segment.bytes[changed->at + 1] & 7) <= 1);
    }
    return left >= 8 || !(has_ports(changed->protocol) || changed->protocol == kIcmp);
}

/// What the other direction's addresses say that this packet becomes on its way in.
void rewrite_destination(packet::Headers& headers, const Tracking& tracking) noexcept {
    if (!changes_destination(tracking)) {
        return;
    }
    const Tuple& other = tracking.flow->tuples[static_cast<std::size_t>(opposite(tracking.way))];
    headers.destination = other.source;
    if (!tracking.is_error && has_ports(other.protocol)) {
        headers.destination_port = other.source_port;
    }
}

/// The same on its way out.
void rewrite_source(packet::Headers& headers, const Tracking& tracking) noexcept {
    if (!changes_source(tracking)) {
        return;
    }
    const Tuple& other = tracking.flow->tuples[static_cast<std::size_t>(opposite(tracking.way))];
    headers.source = other.destination;
    if (!tracking.is_error && has_ports(other.protocol)) {
        headers.source_port = other.destination_port;
    }
}

[[nodiscard]] Tuple shown(const packet::Headers& headers) noexcept {
    return {.source = headers.source,
            .destination = headers.destination,
            .source_port = headers.source_port,
            .destination_port = headers.destination_port,
            .protocol = headers.protocol};
}

[[nodiscard]] Verdict verdict_of(const ruleset::Verdict& verdict) noexcept {
    if (std::holds_alternative<ruleset::Drop>(verdict)) {
        return Verdict::denied;
    }
    return std::holds_alternative<ruleset::Reject>(verdict) ? Verdict::rejected : Verdict::accepted;
}

} // namespace

std::string_view name_of(Verdict verdict) noexcept {
    static constexpr std::array<std::string_view, 5> kNames{"accepted", "denied", "rejected", "stack", "waiting"};
    static_assert(static_cast<std::size_t>(Verdict::waiting) + 1 == kNames.size());
    return kNames[static_cast<std::size_t>(verdict)];
}

Judge::Judge(const ruleset::Ruleset& ruleset, const Environment& environment)
    : m_environment(environment), m_routing(environment), m_matcher(ruleset, environment, m_routing) {
    for (const Rule& rule : ruleset.rules) {
        m_rules[static_cast<std::size_t>(rule.hook)].push_back(&rule);
    }
}

const Rule* Judge::ask(Hook hook, Course& course) const {
    for (const Rule* rule : m_rules[static_cast<std::size_t>(hook)]) {
        // setting a mark reads it first, and what has no connection has none: the rule breaks off there
        if ((rule->mark != 0 && course.tracking.flow == nullptr) || !m_matcher.holds(*rule, course.passage())) {
            continue;
        }
        if (m_steps != nullptr) {
            m_steps->push_back({hook, rule});
        }
        apply_mark(*rule, course.tracking.flow);
        if (!std::holds_alternative<ruleset::Continue>(rule->verdict)) {
            return rule;
        }
    }
    if (m_steps != nullptr) {
        m_steps->push_back({hook, nullptr});
    }
    return nullptr;
}

Judgement Judge::decided(const Course& course, Hook hook, const Rule* rule) const {
    return {.verdict = rule != nullptr ? verdict_of(rule->verdict) : Verdict::denied,
            .rule = rule,
            .hook = hook,
            .state = course.tracking.state,
            .tuple = shown(course.segment.headers),
            .egress = course.egress,
            .flow = course.tracking.flow,
            .assumed = course.assumed || (course.tracking.flow != nullptr && course.tracking.flow->assumed)};
}

Judgement Judge::turned_away(const Course& course, StackCause cause) const {
    return {.verdict = Verdict::stack,
            .cause = cause,
            .state = course.tracking.state,
            .tuple = shown(course.segment.headers),
            .assumed = course.assumed};
}

/// Let through by a rule, and then nothing became of it.
Judgement Judge::lost(Course& course, Hook hook, const Rule* rule, StackCause cause) const {
    course.tracking.flow = nullptr;
    Judgement judgement = decided(course, hook, rule);
    judgement.verdict = Verdict::stack;
    judgement.cause = cause;
    return judgement;
}

/// The ingress of the WAN's devices, before anything else has looked at the packet.
bool Judge::dropped_early(const Arrival& arrival, Judgement& judgement) const {
    if (!m_environment.devices[arrival.device].is_wan || m_rules[static_cast<std::size_t>(Hook::early)].empty()) {
        return false;
    }
    if (!fits_ingress(arrival.packet, arrival.wire_size)) {
        judgement = {.cause = StackCause::header};
        return true;
    }
    const auto headers = packet::read_headers(arrival.packet);
    if (!headers) {
        return false;
    }
    Course course{.segment = {arrival.packet.first(headers->end), headers->end, *headers},
                  .ingress = arrival.device,
                  .role = arrival.role,
                  .now = arrival.when};
    const Rule* rule = ask(Hook::early, course);
    if (rule == nullptr || verdict_of(rule->verdict) == Verdict::accepted) {
        return false;
    }
    judgement = decided(course, Hook::early, rule);
    return true;
}

void Judge::follow(FlowTable& flows, Course& course) {
    course.transport = tracked_transport(course.segment.headers.family, course.segment.bytes);
    if (!course.transport) {
        return;
    }
    const TrackSettings settings{m_environment.checks_sums && !course.is_unsummed, m_environment.tcp_loose};
    if (const auto icmp = track_icmp(flows, course.segment, *course.transport, settings, course.now)) {
        course.tracking = *icmp;
        return;
    }
    if (const auto tuple = tuple_of(course.segment, *course.transport)) {
        course.tracking = track(flows, course.segment, *course.transport, *tuple, settings, course.now, m_pending);
    }
}

void Judge::translate_destination(Course& course) const {
    Tracking& tracking = course.tracking;
    if (tracking.flow == nullptr) {
        return;
    }
    if (course.is_unsettled() && !tracking.flow->destination_done) {
        tracking.flow->destination_done = true;
        const Rule* rule = ask(Hook::translate, course);
        const auto* to = rule != nullptr ? std::get_if<ruleset::TranslateDestination>(&rule->verdict) : nullptr;
        if (to != nullptr) {
            Tuple answer = tracking.flow->tuples[1];
            answer.source = to->address;
            if (to->port && has_ports(answer.protocol)) {
                answer.source_port = *to->port;
            }
            tracking.flow->destination_translated = answer != tracking.flow->tuples[1];
            tracking.flow->tuples[1] = answer;
        }
    }
    rewrite_destination(course.segment.headers, tracking);
}

/// Answers have to find their connection: where another one has the same, the source port is changed.
void Judge::choose_port(FlowTable& flows, Course& course) const {
    constexpr std::uint16_t kLowest = 1024;
    Flow& flow = *course.tracking.flow;
    Tuple& answer = flow.tuples[1];
    if (!has_ports(answer.protocol) || !flows.is_taken(answer, course.now)) {
        return;
    }
    flow.port_chosen = true;
    flow.source_translated = true;
    for (unsigned attempt = 0; attempt < 65'536 - kLowest && flows.is_taken(answer, course.now); ++attempt) {
        answer.destination_port = answer.destination_port == 0xffff
                                      ? kLowest
                                      : static_cast<std::uint16_t>(std::max<int>(answer.destination_port + 1, kLowest));
    }
}

StackCause Judge::leave(FlowTable& flows, Course& course, Hook record) {
    Tracking& tracking = course.tracking;
    if (tracking.flow == nullptr) {
        return StackCause::none;
    }
    if (course.is_unsettled() && !tracking.flow->source_done) {
        tracking.flow->source_done = true;
        const bool leaves = record == Hook::record_forward;
        const Rule* rule = leaves ? ask(Hook::masquerade, course) : nullptr;
        if (rule != nullptr && std::holds_alternative<ruleset::Masquerade>(rule->verdict)) {
            const IpAddress* own = m_routing.masquerade_address(course.egress, course.segment.headers.destination);
            if (own == nullptr) {
                return StackCause::no_address;
            }
            tracking.flow->source_translated = *own != tracking.flow->tuples[1].destination;
            tracking.flow->tuples[1].destination = *own;
        }
        choose_port(flows, course);
    }
    if (record == Hook::record_forward) {
        if (changes_source(tracking) && course.transport &&
            !can_be_translated(course.segment, *course.transport, tracking.is_error, false)) {
            return StackCause::untranslatable;
        }
        rewrite_source(course.segment.headers, tracking);
    }
    static_cast<void>(ask(record, course)); // they only mark
    if (!tracking.flow->confirmed) {
        if (flows.is_taken(tracking.flow->tuples[1], course.now)) {
            return StackCause::clash;
        }
        tracking.flow = &flows.add(*tracking.flow);
    }
    return StackCause::none;
}

Judgement Judge::deliver(FlowTable& flows, Course& course) {
    const Rule* rule = ask(Hook::input, course);
    if (rule != nullptr && verdict_of(rule->verdict) == Verdict::accepted) {
        if (const StackCause cause = leave(flows, course, Hook::record_input); cause != StackCause::none) {
            return lost(course, Hook::input, rule, cause);
        }
    } else if (course.is_unsettled()) {
        course.tracking.flow = nullptr;
    }
    return decided(course, Hook::input, rule);
}

Judgement Judge::forward(FlowTable& flows, Course& course) {
    const packet::Headers& headers = course.segment.headers;
    if (headers.hop_limit <= 1) {
        return turned_away(course, StackCause::hop_limit);
    }
    if (headers.family == Family::ipv6 && course.egress != course.ingress &&
        (headers.source.is_unspecified() || headers.source.is_link_local())) {
        return turned_away(course, StackCause::address); // means nothing beyond its link
    }
    const Rule* rule = ask(Hook::forward, course);
    Judgement judgement = decided(course, Hook::forward, rule);
    if (judgement.verdict != Verdict::accepted) {
        if (course.is_unsettled()) {
            judgement.flow = nullptr;
        }
        return judgement;
    }
    if (const StackCause cause = leave(flows, course, Hook::record_forward); cause != StackCause::none) {
        return lost(course, Hook::forward, rule, cause);
    }
    judgement.flow = course.tracking.flow;
    judgement.tuple = shown(headers);
    return judgement;
}

Judgement Judge::judge(FlowTable& flows, const Arrival& arrival) {
    Judgement early;
    if (dropped_early(arrival, early)) {
        return early;
    }
    Course course{
        .ingress = arrival.device, .role = arrival.role, .now = arrival.when, .is_unsummed = arrival.is_unsummed};
    if (arrival.is_foreign_vlan || arrival.addressed == packet::Addressed::other) {
        return turned_away(course, StackCause::other_station);
    }
    const CheckedPacket checked = check_arrival(arrival.packet, arrival.wire_size);
    if (checked.cause != StackCause::none) {
        return turned_away(course, checked.cause);
    }
    const auto whole = m_reassembly.take(checked.bytes, arrival.addressed, arrival.when);
    switch (whole.outcome) {
    case Reassembly::Outcome::waiting:
        return {.verdict = Verdict::waiting};
    case Reassembly::Outcome::discarded:
        return turned_away(course, StackCause::fragment);
    case Reassembly::Outcome::whole:
    case Reassembly::Outcome::complete:
        break;
    }
    const auto headers = packet::read_headers(whole.packet);
    if (!headers) {
        return turned_away(course, StackCause::header);
    }
    course.segment = {whole.packet, packet::size_by_header(whole.packet), *headers};
    course.assumed = course.segment.is_cut() || course.is_unsummed;

    const Rule* screened = ask(Hook::screen, course);
    if (screened != nullptr && verdict_of(screened->verdict) != Verdict::accepted) {
        return decided(course, Hook::screen, screened);
    }
    follow(flows, course);
    translate_destination(course);
    const auto& now = course.segment.headers;
    if (course.tracking.flow != nullptr && changes_destination(course.tracking) &&
        !can_be_translated(course.segment, *course.transport, course.tracking.is_error, true)) {
        return turned_away(course, StackCause::untranslatable);
    }
    if (course.tracking.is_error && now.protocol == kIcmp && now.icmp_type == kIcmpRedirect &&
        (course.tracking.flow->source_translated || course.tracking.flow->destination_translated)) {
        return turned_away(course, StackCause::address); // would lead ends past the translation
    }
    const Decision decision = m_routing.decide(now.source, now.destination, now.protocol, course.ingress);
    Judgement judgement;
    if (decision.to == Decision::To::nowhere) {
        judgement = turned_away(course, decision.cause);
    } else if (now.family == Family::ipv4 && has_bad_options(whole.packet)) {
        judgement = turned_away(course, StackCause::options);
    } else if (decision.to == Decision::To::router) {
        judgement = deliver(flows, course);
    } else if (whole.addressed != packet::Addressed::host) {
        judgement = turned_away(course, StackCause::link_multicast);
    } else {
        course.egress = decision.egress;
        judgement = forward(flows, course);
    }
    if (course.tracking.flow != nullptr && course.tracking.flow->confirmed && course.tracking.flow->ended) {
        flows.forget(*course.tracking.flow);
        judgement.flow = nullptr;
    }
    return judgement;
}

Judgement Judge::judge_sent(FlowTable& flows, const Arrival& arrival) {
    Course course{.egress = arrival.device, .now = arrival.when};
    const auto headers = packet::read_headers(arrival.packet);
    if (!headers) {
        return turned_away(course, StackCause::header);
    }
    const auto bytes = arrival.packet.first(headers->end);
    course.segment = {bytes, packet::size_by_header(arrival.packet), *headers};
    course.transport = tracked_transport(headers->family, bytes);
    const auto tuple = course.transport ? tuple_of(course.segment, *course.transport) : std::nullopt;
    const auto seen_by_other_end = tuple ? answer_to(*tuple) : std::nullopt;
    // sums are made behind the capture, by the network interface
    TrackSettings settings{.checks_sums = false, .loose = m_environment.tcp_loose};
    std::optional<Tracking> icmp;
    if (course.transport) {
        icmp = track_icmp(flows, course.segment, *course.transport, settings, course.now);
    }
    if (icmp) {
        course.tracking = *icmp;
    } else if (seen_by_other_end) {
        const auto found = flows.find(*seen_by_other_end, course.now);
        const Tuple own =
            found.flow != nullptr ? found.flow->tuples[static_cast<std::size_t>(opposite(found.way))] : *tuple;
        settings.loose = true;
        course.tracking = track(flows, course.segment, *course.transport, own, settings, course.now, m_pending);
        if (course.is_unsettled() && course.tracking.flow->tcp.state != TcpState::none &&
            course.tracking.flow->tcp.state != TcpState::syn_sent) {
            course.tracking.flow->assumed = true;
        }
    }
    const Rule* rule = ask(Hook::output, course);
    Judgement judgement = decided(course, Hook::output, rule);
    if (judgement.verdict == Verdict::accepted && leave(flows, course, Hook::record_forward) == StackCause::none) {
        judgement.flow = course.tracking.flow;
        judgement.tuple = shown(course.segment.headers);
    } else if (course.is_unsettled()) {
        judgement.flow = nullptr;
    }
    if (course.tracking.flow != nullptr && course.tracking.flow->confirmed && course.tracking.flow->ended) {
        flows.forget(*course.tracking.flow);
        judgement.flow = nullptr;
    }
    return judgement;
}

} // namespace sekisho::judge

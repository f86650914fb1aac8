// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/replay.hpp"

#include "policy/base/text.hpp"
#include "policy/packet/checksum.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>
#include <cstring>

namespace sekisho::services {

namespace {

using judge::Judgement;
using judge::Verdict;

constexpr std::string_view kNewlyAdmitted = "newly admitted";
constexpr std::string_view kNewlyBlocked = "newly blocked";
constexpr std::size_t kLocated = 4096; ///< addresses whose country is kept

[[nodiscard]] bool is_inside_of(const judge::Device& device, const IpAddress& address) {
    return std::ranges::any_of(device.addresses,
                               [&address](const InterfaceAddress& own) { return own.network().contains(address); });
}

/// An inside device on whose networks the address is.
[[nodiscard]] judge::DeviceIndex home_of(const judge::Environment& environment, const IpAddress& address) {
    for (std::size_t index = 0; index < environment.devices.size(); ++index) {
        const judge::Device& device = environment.devices[index];
        if (!device.is_wan && is_inside_of(device, address)) {
            return static_cast<judge::DeviceIndex>(index);
        }
    }
    return judge::kNoDevice;
}

[[nodiscard]] std::string endpoint(const IpAddress& address, std::uint16_t port, bool has_port) {
    if (!has_port) {
        return address.text();
    }
    const bool v4 = address.family() == Family::ipv4;
    return text::concat(v4 ? "" : "[", address.text(), v4 ? ":" : "]:", text::to_text(port));
}

[[nodiscard]] std::string example_of(const packet::Headers& headers) {
    const auto protocol = static_cast<model::Protocol>(headers.protocol);
    const std::string_view name = model::name_of(protocol);
    const bool has_port = headers.transport_complete && model::has_ports(protocol);
    return text::concat(name.empty() ? text::concat("protocol ", text::to_text(headers.protocol)) : std::string(name),
                        " ", endpoint(headers.source, headers.source_port, has_port), " > ",
                        endpoint(headers.destination, headers.destination_port, has_port));
}

[[nodiscard]] std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) noexcept {
    hash = (hash ^ value) * 0x9e37'79b9'7f4a'7c15ULL;
    return hash ^ hash >> 29;
}

[[nodiscard]] std::uint64_t digest_of(const IpAddress& address, std::uint16_t port) noexcept {
    std::array<std::uint64_t, 2> halves{};
    const auto bytes = address.bytes();
    std::memcpy(halves.data(), bytes.data(), bytes.size());
    return mixed(mixed(mixed(0, halves[0]), halves[1]), port);
}

/// The same for both directions.
[[nodiscard]] std::uint64_t digest_of(const packet::Headers& headers) noexcept {
    const bool has_port =
        headers.transport_complete && model::has_ports(static_cast<model::Protocol>(headers.protocol));
    const std::uint64_t left = digest_of(headers.source, has_port ? headers.source_port : std::uint16_t{0});
    const std::uint64_t right = digest_of(headers.destination, has_port ? headers.destination_port : std::uint16_t{0});
    return mixed(left + right, headers.protocol);
}

[[nodiscard]] bool is_unsummed(const packet::Headers& headers, std::span<const std::uint8_t> bytes) {
    const std::size_t size = packet::size_by_header(bytes);
    return headers.transport_at <= std::min(size, bytes.size()) &&
           packet::payload_sum_is_unmade(headers, bytes.subspan(headers.transport_at), size - headers.transport_at);
}

/// Where no rule decides, the stack did, or the hook's own policy.
[[nodiscard]] std::string_view rule_of(const Judgement& judgement) {
    if (judgement.rule != nullptr) {
        return judgement.rule->id;
    }
    return judgement.verdict == Verdict::denied ? ruleset::name_of(judgement.hook) : judge::name_of(judgement.cause);
}

} // namespace

bool Replay::Seen::add(std::uint64_t fingerprint) {
    fingerprint |= 1; // 0 marks an empty slot
    const std::size_t mask = m_slots.size() - 1;
    std::size_t at = (fingerprint >> 1) & mask;
    while (m_slots[at] != 0) {
        if (m_slots[at] == fingerprint) {
            return false;
        }
        at = (at + 1) & mask;
    }
    if (m_size >= kMost) {
        m_full = true;
        return true;
    }
    m_slots[at] = fingerprint;
    if (++m_size * 2 > m_slots.size()) {
        std::vector<std::uint64_t> old(m_slots.size() * 2);
        old.swap(m_slots);
        for (const std::uint64_t each : old) {
            if (each != 0) {
                std::size_t to = (each >> 1) & (m_slots.size() - 1);
                while (m_slots[to] != 0) {
                    to = (to + 1) & (m_slots.size() - 1);
                }
                m_slots[to] = each;
            }
        }
    }
    return true;
}

Replay::Court::Court(const ReplayPolicy& of, const ReplayOptions& options)
    : policy(of),
      judge(of.ruleset, of.environment),
      flows(options.most_flows),
      ingress(of.environment.find_device(options.ingress)) {}

Replay::Replay(const ReplayPolicy& policy, const ReplayPolicy* against, const ReplayOptions& options,
               ports::GeoDatabase* countries)
    : m_options(options), m_court(policy, options), m_countries(countries), m_located(kLocated) {
    if (against != nullptr) {
        m_against = std::make_unique<Court>(*against, options);
    }
}

/// Who sent it decides which way it went: the router, somebody inside (past the capture, to the outside), or somebody
/// beyond the device.
Judgement Replay::judge_in(Court& court, const packet::Frame& frame, std::size_t wire_size, Time when) {
    const judge::Environment& environment = court.policy.environment;
    judge::Arrival arrival{.packet = frame.packet,
                           .wire_size = wire_size,
                           .device = court.ingress,
                           .addressed = frame.addressed,
                           .is_foreign_vlan = frame.vlan != 0,
                           .when = when};
    const auto headers = packet::read_headers(frame.packet);
    const judge::Device& device = environment.devices[court.ingress];
    if (headers) {
        const bool to_inside =
            !device.is_wan && !is_inside_of(device, headers->source) && is_inside_of(device, headers->destination);
        if (frame.addressed == packet::Addressed::outgoing || to_inside ||
            environment.device_of(headers->source) != judge::kNoDevice) {
            return court.judge.judge_sent(court.flows, arrival);
        }
        if (const auto home = device.is_wan ? home_of(environment, headers->source) : judge::kNoDevice;
            home != judge::kNoDevice) {
            arrival.device = home;
        }
        arrival.is_unsummed = is_unsummed(*headers, frame.packet);
    }
    // what its sender was admitted as can't be told from here: as if its port asked for no proof
    const bool is_guarded = environment.devices[arrival.device].is_guarded;
    arrival.role = is_guarded ? ruleset::kOpenPort : 0;
    Judgement judgement = court.judge.judge(court.flows, arrival);
    judgement.assumed |= is_guarded;
    return judgement;
}

/// Of the source, else of the destination. Few addresses send most packets.
std::optional<CountryCode> Replay::country_of(const packet::Headers& headers) {
    if (m_countries == nullptr) {
        return std::nullopt;
    }
    for (const IpAddress& address : {headers.source, headers.destination}) {
        auto& [known, country] = m_located[digest_of(address, 0) % kLocated];
        if (known != address) {
            known = address;
            country = geo::is_global(address) ? m_countries->locate(address).country : std::nullopt;
        }
        if (country) {
            return country;
        }
    }
    return std::nullopt;
}

bool Replay::is_assumed(const Judgement& judgement, const packet::Headers* headers) const {
    constexpr std::uint8_t kTcp = 6;
    constexpr std::uint8_t kSyn = 0x02;
    if (judgement.assumed || m_options.has_unknown_address) {
        return true;
    }
    // in the middle of a connection that nothing is known of: its beginning may lie before the capture
    return headers != nullptr && judgement.rule != nullptr && judgement.state == judge::State::invalid &&
           headers->protocol == kTcp && headers->transport_complete && (headers->tcp_flags & kSyn) == 0;
}

void Replay::count(Kind kind, const packet::Frame& frame, const packet::Headers* headers, Time when) {
    auto [at, is_new] = m_groups.try_emplace(std::move(kind));
    Group& group = at->second;
    if (is_new) {
        group.first = when;
        group.example =
            headers != nullptr ? example_of(*headers) : text::concat("type 0x", text::to_hex(frame.ether_type, 4));
    }
    ++group.packets;
    const std::uint64_t flow = headers != nullptr ? digest_of(*headers) : frame.ether_type;
    if (m_seen.add(mixed(flow, reinterpret_cast<std::uintptr_t>(&group)))) {
        ++group.flows;
    }
}

void Replay::count_other(const packet::Frame& frame, Time when) {
    if (m_against) {
        return; // no policy says anything about it
    }
    const bool is_readable = frame.content == packet::Frame::Content::other;
    Kind kind{.verdict = name_of(Verdict::stack),
              .rule = name_of(is_readable ? judge::StackCause::not_ip : judge::StackCause::header)};
    count(std::move(kind), frame, nullptr, when);
}

void Replay::take(packet::LinkType link_type, std::span<const std::uint8_t> bytes, std::size_t wire_size, Time when) {
    ++m_packets;
    m_backwards += when < m_latest ? 1 : 0;
    m_cut += bytes.size() < wire_size ? 1 : 0;
    m_latest = std::max(m_latest, when); // connections can't grow younger
    const packet::Frame frame = packet::read_frame(link_type, bytes);
    if (frame.content != packet::Frame::Content::ip) {
        count_other(frame, m_latest);
        return;
    }
    const std::size_t packet_size = frame.packet.size() + (wire_size - bytes.size());
    const Judgement judgement = judge_in(m_court, frame, packet_size, m_latest);
    const auto headers = packet::read_headers(frame.packet);
    Kind kind{.verdict = name_of(judgement.verdict),
              .rule = rule_of(judgement),
              .reason = judgement.rule != nullptr ? name_of(judgement.reason()) : std::string_view(),
              .country = headers ? country_of(*headers) : std::nullopt,
              .assumed = is_assumed(judgement, headers ? &*headers : nullptr)};
    m_waiting += judgement.verdict == Verdict::waiting ? 1 : 0;
    if (m_against) {
        const Judgement other = judge_in(*m_against, frame, packet_size, m_latest);
        const bool is_admitted = judgement.verdict == Verdict::accepted;
        if (is_admitted == (other.verdict == Verdict::accepted)) {
            return;
        }
        kind.change = is_admitted ? kNewlyBlocked : kNewlyAdmitted;
        kind.new_rule = rule_of(other);
    } else if (judgement.verdict == Verdict::waiting) {
        return; // its datagram counts
    }
    count(std::move(kind), frame, headers ? &*headers : nullptr, m_latest);
}

Table Replay::flows() const {
    Table table{.name = "flows"};
    if (m_against) {
        table.columns = {{"change", "Change"}};
    }
    for (const Column& column : {Column{"verdict", "Verdict"}, Column{"rule", "Rule"}, Column{"reason", "Reason"}}) {
        table.columns.push_back(column);
    }
    if (m_against) {
        table.columns.push_back({"new_rule", "New rule"});
    }
    using enum Column::Kind;
    for (const Column& column :
         {Column{"country", "Country"}, Column{"flows", "Flows", number}, Column{"packets", "Packets", number},
          Column{"assumed", "Assumed", boolean}, Column{"first", "First"}, Column{"example", "Example"}}) {
        table.columns.push_back(column);
    }
    std::vector<const std::pair<const Kind, Group>*> rows;
    for (const auto& row : m_groups) {
        rows.push_back(&row);
    }
    std::ranges::stable_sort(rows, [](const auto* left, const auto* right) {
        return std::tie(left->first.change, left->first.verdict, right->second.packets) <
               std::tie(right->first.change, right->first.verdict, left->second.packets);
    });
    std::uint64_t flows = 0;
    for (const auto* row : rows) {
        const auto& [kind, group] = *row;
        std::vector<std::string> cells;
        if (m_against) {
            cells.emplace_back(kind.change);
        }
        cells.insert(cells.end(), {std::string(kind.verdict), std::string(kind.rule), std::string(kind.reason)});
        if (m_against) {
            cells.emplace_back(kind.new_rule);
        }
        cells.insert(cells.end(), {kind.country ? kind.country->text() : std::string(), text::to_text(group.flows),
                                   text::to_text(group.packets), kind.assumed ? "true" : "false",
                                   rfc3339_utc(group.first), group.example});
        table.rows.push_back(std::move(cells));
        flows += group.flows;
    }
    table.status = text::concat(text::to_text(m_packets), " packets", m_against ? ", change for " : ", ",
                                text::to_text(flows), " flows");
    return table;
}

std::vector<std::string> Replay::remarks() const {
    std::vector<std::string> remarks;
    const auto remark = [&remarks](std::uint64_t count, std::string_view what) {
        if (count != 0) {
            remarks.push_back(text::concat(text::to_text(count), " ", what));
        }
    };
    remark(m_backwards, "packets have a time before that of the packet before; they are judged at its time");
    remark(m_cut, "packets were cut by the capture: what is not there is taken to be sound");
    remark(m_waiting, "fragments are counted with the datagram that they make up, if they do");
    remark(m_court.flows.evicted(), "connections were forgotten because there were too many at once");
    if (m_seen.is_full()) {
        remarks.emplace_back("there are too many flows to tell apart: their number is too high");
    }
    return remarks;
}

} // namespace sekisho::services

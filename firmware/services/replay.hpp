// SPDX-License-Identifier: GPL-2.0-or-later
// What a policy would have done with captured traffic: frames in, flows by verdict, rule, reason and country out. With
// a second policy, what that one would do otherwise.
#pragma once

#include "firmware/ports/geo_database.hpp"
#include "policy/base/table.hpp"
#include "policy/judge/judge.hpp"
#include "policy/packet/frame.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::services {

/// A policy with the router that it is in force on. Stays where it is once made.
struct ReplayPolicy {
    ruleset::Ruleset ruleset;
    judge::Environment environment;
};

struct ReplayOptions {
    std::string_view ingress;         ///< device that the capture was taken on
    bool has_unknown_address = false; ///< that device gets its address elsewhere, and nobody said which
    std::size_t most_flows = judge::FlowTable::kDefaultCapacity;
};

class Replay {
public:
    /// Borrows the policies and the database. `ingress` must be a device of every policy's environment.
    Replay(const ReplayPolicy& policy, const ReplayPolicy* against, const ReplayOptions& options,
           ports::GeoDatabase* countries);

    /// In the order of the capture.
    void take(packet::LinkType link_type, std::span<const std::uint8_t> frame, std::size_t wire_size, Time when);

    /// Rows of flows, the most packets first in each verdict; with a second policy, what changes alone.
    [[nodiscard]] Table flows() const;
    /// One sentence each: what could not be told, or only by assumption.
    [[nodiscard]] std::vector<std::string> remarks() const;

    [[nodiscard]] std::uint64_t packets() const noexcept { return m_packets; }

private:
    /// What flows have in common that are shown in one row. Texts are those of the policies: nothing is copied per
    /// packet.
    struct Kind {
        std::string_view change; ///< "newly admitted", "newly blocked"; empty without a second policy
        std::string_view verdict;
        std::string_view rule;
        std::string_view reason;
        std::optional<CountryCode> country = std::nullopt;
        bool assumed = false;
        std::string_view new_rule; ///< the second policy's
        friend auto operator<=>(const Kind&, const Kind&) = default;
    };

    struct Group {
        std::uint64_t packets = 0;
        std::uint64_t flows = 0;
        Time first;
        std::string example; ///< of its first packet
    };

    /// Flows counted so far, by a fingerprint of addresses and group. Bounded: behind the bound flows count as new.
    class Seen {
    public:
        [[nodiscard]] bool add(std::uint64_t fingerprint);

        [[nodiscard]] bool is_full() const noexcept { return m_full; }

    private:
        static constexpr std::size_t kMost = std::size_t{1} << 22; ///< 64 MB at the most
        std::vector<std::uint64_t> m_slots = std::vector<std::uint64_t>(1024);
        std::size_t m_size = 0;
        bool m_full = false;
    };

    struct Court {
        Court(const ReplayPolicy& of, const ReplayOptions& options);
        const ReplayPolicy& policy;
        judge::Judge judge;
        judge::FlowTable flows;
        judge::DeviceIndex ingress;
    };

    [[nodiscard]] judge::Judgement judge_in(Court& court, const packet::Frame& frame, std::size_t wire_size, Time when);
    [[nodiscard]] std::optional<CountryCode> country_of(const packet::Headers& headers);
    [[nodiscard]] bool is_assumed(const judge::Judgement& judgement, const packet::Headers* headers) const;
    void count(Kind kind, const packet::Frame& frame, const packet::Headers* headers, Time when);
    void count_other(const packet::Frame& frame, Time when);

    const ReplayOptions m_options;
    Court m_court;
    std::unique_ptr<Court> m_against;
    ports::GeoDatabase* m_countries;
    std::vector<std::pair<IpAddress, std::optional<CountryCode>>> m_located; ///< by a digest: the last one of each
    std::map<Kind, Group> m_groups;
    Seen m_seen;
    Time m_latest;
    std::uint64_t m_packets = 0;
    std::uint64_t m_waiting = 0;
    std::uint64_t m_backwards = 0;
    std::uint64_t m_cut = 0;
};

} // namespace sekisho::services

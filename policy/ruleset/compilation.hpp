// SPDX-License-Identifier: GPL-2.0-or-later
// What the parts of the compiler share: facts about the zones, the sets of lists, and how rules of a kind are put
// together. Internal to this folder.
#pragma once

#include "policy/ruleset/compiler.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace sekisho::ruleset {

/// One zone with interfaces; `router` and zones without interfaces are not among them: nothing can come from or go to
/// such a zone.
struct ZoneFacts {
    const model::Zone* zone = nullptr;
    ZoneIndex number = 0;
    std::vector<IpPrefix> networks[2];  ///< by family; merged
    std::vector<IpPrefix> addresses[2]; ///< the router's own there, as host prefixes

    [[nodiscard]] const std::vector<IpPrefix>& networks_in(Family family) const noexcept {
        return networks[static_cast<std::size_t>(family)];
    }

    [[nodiscard]] const std::vector<IpPrefix>& addresses_in(Family family) const noexcept {
        return addresses[static_cast<std::size_t>(family)];
    }

    [[nodiscard]] std::string rule_id(std::string_view what) const; ///< "zone.NAME.what"
};

/// Sorted, without overlap; what AddressIn asks for.
[[nodiscard]] std::vector<IpPrefix> normalised(std::vector<IpPrefix> prefixes);
[[nodiscard]] std::vector<IpPrefix> of_family(const std::vector<IpPrefix>& prefixes, Family family);
void append(std::vector<IpPrefix>& to, const std::vector<IpPrefix>& prefixes);

inline constexpr Family kFamilies[] = {Family::ipv4, Family::ipv6};

using model::ListUse;

class Compilation {
public:
    /// References must outlive the compilation.
    Compilation(const model::Model& checked_model, const ClockReading& clock, const geo::Contents& countries)
        : model(checked_model), m_clock(clock), m_countries(countries) {}

    /// Numbers the zones; first of all.
    Result<void> number_zones();
    /// Checks what only shows when all rules are there, and hands the ruleset over.
    Result<Ruleset> finish();

    const model::Model& model;
    std::vector<ZoneFacts> zones; ///< in the order of the configuration

    [[nodiscard]] const ZoneFacts* find_zone(std::string_view name) const noexcept;

    [[nodiscard]] const ZoneFacts* wan() const noexcept { return find_zone(model::kWanZone); }

    /// The set of a list's entries of one family; nothing where none is left. Equal content is one set.
    std::optional<std::size_t> set_of(std::string_view list, Family family, ListUse use);

    /// The set of a list of countries in one family; nothing where the database has none there. A selection that was
    /// not asked of the database is an error of finish().
    std::optional<std::size_t> countries_of(const model::GeoList& list, Family family, ListUse use);

    /// The sets of one family that any of these lists of countries admits: countries, and what their except lists let
    /// through. Each once.
    std::vector<std::size_t> admitted_by(const std::vector<std::string>& geo_lists, Family family);

    /// What these lists of countries refuse in one family, as alternatives: a set of countries each, without what the
    /// list's except lists let through.
    std::vector<std::vector<Match>> refused_by(const std::vector<std::string>& geo_lists, Family family, Side side);

    /// A connection that may pass: gets the mark of its zone and rule, and is recorded unless `log` says no.
    void accept_connection(Hook hook, std::string id, Place place, ZoneIndex zone, model::LogAccepted log,
                           std::vector<Match> matches);
    /// Packets that may pass and are no business of the access log.
    void accept_quietly(Hook hook, std::string id, Place place, std::vector<Match> matches);
    /// Denied and logged within limits.
    void deny(Hook hook, std::string id, Reason reason, Place place, Verdict verdict, std::vector<Match> matches);

    void add(Rule rule) { m_ruleset.rules.push_back(std::move(rule)); }

private:
    std::optional<std::size_t> make_set(std::string_view list, Family family, ListUse use);
    std::size_t keep(Set set);
    void number_rules();

    ClockReading m_clock;
    const geo::Contents& m_countries;
    std::string m_unknown_selection; ///< of a list of countries, that nobody asked the database for
    /// Sets made so far: a list may be named by very many rules.
    std::map<std::tuple<std::string, Family, ListUse>, std::optional<std::size_t>> m_sets;
    Ruleset m_ruleset;
};

/// `matches` with more of them behind.
[[nodiscard]] std::vector<Match> with(std::vector<Match> matches, std::vector<Match> more);
/// Protocol and destination ports, as far as they are given.
[[nodiscard]] std::vector<Match> transport_of(model::Protocol protocol, const std::vector<model::PortRange>& ports);

// The parts, each adding its rules; the order of calls in compile() is the order of the rules of each hook.
void compile_screen(Compilation& compilation);
void compile_translation(Compilation& compilation);
void compile_access(Compilation& compilation, Hook hook);
void compile_input_basics(Compilation& compilation);
void compile_forward_basics(Compilation& compilation);
void compile_blocks(Compilation& compilation, Hook hook);
void compile_gate(Compilation& compilation, Hook hook);
void compile_early(Compilation& compilation);
void compile_local_services(Compilation& compilation);
void compile_forwarded_services(Compilation& compilation);
void compile_policies(Compilation& compilation, Hook hook);
void compile_management(Compilation& compilation);
void compile_dhcp(Compilation& compilation);
void compile_dhcp_answers(Compilation& compilation);
void compile_dns(Compilation& compilation);
void compile_defaults(Compilation& compilation, Hook hook);
void compile_output(Compilation& compilation);
void compile_masquerade(Compilation& compilation);
void compile_recording(Compilation& compilation);

} // namespace sekisho::ruleset

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/enforcement.hpp"

#include "policy/base/table.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

constexpr std::uint64_t kMinuteMilliseconds = 60'000;
constexpr std::uint64_t kJoinMilliseconds = 100;
/// Looks before their time that may find drift in one minute.
constexpr unsigned kMostHastyDrifts = 10;

constexpr std::array<std::string_view, 3> kStates{"matches", "restored", "differs"};

} // namespace

Enforcement::Enforcement(Ports ports, EventLog& log)
    : m_ports(ports),
      m_log(log),
      m_minute(ports.loop.make_timer([this] {
          m_hasty_drifts = 0;
          look();
      })),
      m_soon(ports.loop.make_timer([this] {
          m_is_soon = false;
          look();
      })) {}

void Enforcement::add(Part part) {
    m_parts.push_back({.part = std::move(part), .rows = {}, .drift = {}});
}

void Enforcement::start() {
    m_minute->start_repeating(kMinuteMilliseconds);
    look_soon();
}

void Enforcement::look_soon() {
    if (!m_is_soon && m_hasty_drifts < kMostHastyDrifts) {
        m_is_soon = true;
        m_soon->start_once(kJoinMilliseconds);
    }
}

void Enforcement::look() {
    m_before_look();
    // Read first: what changes while the rest is read makes the next look read again.
    const auto generation = m_ports.filter.generation();
    const bool is_unmoved = generation && m_clean_generation == *generation;
    m_clean_generation.reset();
    bool is_clean = true;
    bool has_drifted = false;
    for (Watched& watched : m_parts) {
        if (!watched.part.follows_generation || !is_unmoved) {
            examine(watched);
        } else {
            std::ranges::for_each(watched.rows, [](Row& row) { row.state = State::matches; });
        }
        is_clean = is_clean && (watched.has_matched || !watched.part.follows_generation);
        has_drifted = has_drifted || !watched.has_matched;
    }
    if (generation && is_clean) {
        m_clean_generation = *generation;
    }
    m_hasty_drifts += has_drifted ? 1 : 0;
}

/// What can't be looked at is not as it should be.
ports::Comparisons Enforcement::compare(Watched& watched) {
    auto found = watched.part.compare();
    watched.is_readable = found.has_value();
    if (!found) {
        return {{watched.part.name, "can be looked at", found.error().message()}};
    }
    return *std::move(found);
}

void Enforcement::examine(Watched& watched) {
    ports::Comparisons found = compare(watched);
    watched.has_matched = std::ranges::all_of(found, &ports::Comparison::matches);
    if (!watched.has_matched || !watched.drift.empty()) {
        put_right(watched, found);
        return;
    }
    watched.rows.clear();
    for (ports::Comparison& each : found) {
        watched.rows.push_back({std::move(each), State::matches});
    }
}

/// Records what is new, restores, looks again and records what became of it. Drift that stays is told once.
void Enforcement::put_right(Watched& watched, ports::Comparisons& found) {
    std::vector<std::string> fresh;
    for (const ports::Comparison& each : found) {
        if (each.matches()) {
            continue;
        }
        const auto known = watched.drift.find(each.item);
        if (known == watched.drift.end() || known->second != each) {
            watched.drift[each.item] = each;
            fresh.push_back(each.item);
            record(
                "enforcement-drift", each,
                text::concat(each.item, ": the kernel has ", each.found, ", the policy in force wants ", each.expected),
                false);
        }
    }
    Result<void> restored{};
    const bool is_restored = !watched.has_matched && watched.is_readable && watched.part.restore;
    if (is_restored) {
        restored = watched.part.restore();
        found = compare(watched);
    }
    watched.rows.clear();
    for (ports::Comparison& each : found) {
        watched.rows.push_back({each, each.matches() ? State::matches : State::differs});
    }
    for (auto drift = watched.drift.begin(); drift != watched.drift.end();) {
        const auto row =
            std::ranges::find_if(watched.rows, [&](const Row& each) { return each.comparison.item == drift->first; });
        if (row != watched.rows.end() && row->state == State::differs) {
            if (std::ranges::contains(fresh, drift->first)) {
                const std::string why = !restored ? text::concat(", and is tried again: ", restored.error().message())
                                        : is_restored ? ", and is tried again: it came back"
                                                      : "; the router changes nothing about it";
                record("enforcement-not-restored", drift->second,
                       text::concat(drift->first, ": it stays as it is", why), false);
            }
            ++drift;
            continue;
        }
        record("enforcement-restored", drift->second,
               text::concat(drift->first, ": as the policy in force wants it again"), true);
        if (row != watched.rows.end()) {
            *row = {drift->second, State::restored};
        } else {
            watched.rows.push_back({drift->second, State::restored});
        }
        drift = watched.drift.erase(drift);
    }
}

void Enforcement::record(std::string_view action, const ports::Comparison& drift, std::string message, bool is_good) {
    Event event;
    event.set(Field::event_kind, is_good ? "event" : "alert");
    event.set(Field::event_category, "host");
    event.set(Field::event_action, std::string(action));
    event.set(Field::event_outcome, is_good ? "success" : "failure");
    event.set(Field::enforcement_item, drift.item);
    event.set(Field::enforcement_expected, drift.expected);
    event.set(Field::enforcement_found, drift.found);
    event.set(Field::message, std::move(message));
    m_log.record(std::move(event), Durability::immediate);
}

ports::ControlResponse Enforcement::show(const Invocation& invocation) {
    look();
    Table table;
    table.name = "enforcement";
    table.columns = {{"item", "Item", Column::Kind::text},
                     {"state", "State", Column::Kind::text},
                     {"expected", "Expected", Column::Kind::text},
                     {"found", "Found", Column::Kind::text}};
    std::array<std::size_t, kStates.size()> counts{};
    for (const Watched& watched : m_parts) {
        for (const Row& row : watched.rows) {
            const auto state = static_cast<std::size_t>(row.state);
            ++counts[state];
            table.rows.push_back(
                {row.comparison.item, std::string(kStates[state]), row.comparison.expected, row.comparison.found});
        }
    }
    const std::size_t differing = counts[static_cast<std::size_t>(State::differs)];
    table.status = text::concat(text::to_text(table.rows.size()), " items, ", text::to_text(differing),
                                " not as the policy in force wants them");
    if (const std::size_t restored = counts[static_cast<std::size_t>(State::restored)]; restored > 0) {
        table.status += text::concat(", ", text::to_text(restored), " put right just now");
    }
    return {.exit_status = differing == 0 ? 0 : 1,
            .output = invocation.has("--json") ? table.json() : table.text(),
            .errors = {}};
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/early_drop.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <iterator>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

bool wants_early_drop(const ruleset::Ruleset& in_force) {
    return std::ranges::contains(in_force.rules, ruleset::Hook::early, &ruleset::Rule::hook);
}

/// Sorted.
std::vector<std::string> wan_devices(const ruleset::Ruleset& in_force) {
    std::vector<std::string> devices;
    for (const ruleset::ZoneEntry& zone : in_force.zones) {
        if (zone.is_wan) {
            devices = zone.interfaces;
        }
    }
    std::ranges::sort(devices);
    return devices;
}

/// Both sorted.
std::vector<std::string> without(const std::vector<std::string>& all, const std::vector<std::string>& some) {
    std::vector<std::string> rest;
    std::ranges::set_difference(all, some, std::back_inserter(rest));
    return rest;
}

} // namespace

void EarlyDrop::install(const ruleset::Ruleset& in_force) {
    m_devices.clear();
    if (!wants_early_drop(in_force)) {
        m_told.clear();
        return;
    }
    const auto installed = m_filter.install_early_drop(in_force);
    if (!installed) {
        tell(text::concat("it can't be installed and is tried again: ", installed.error().message()));
        return;
    }
    m_devices = installed->devices;
    tell_of_absent(in_force);
}

void EarlyDrop::check(const ruleset::Ruleset& in_force) {
    if (!wants_early_drop(in_force)) {
        return;
    }
    const auto links = m_network.links();
    const auto installed = m_filter.early_drop();
    if (!links || !installed) {
        tell(text::concat("it can't be looked at: ", (links ? installed.error() : links.error()).message()));
        return;
    }
    std::vector<std::string> there;
    std::ranges::copy_if(wan_devices(in_force), std::back_inserter(there), [&](const std::string& device) {
        return std::ranges::contains(*links, device, &ports::LinkStatus::name);
    });
    if (installed->devices == there) {
        m_devices = there;
        tell_of_absent(in_force);
        return;
    }
    const auto lost = without(there, installed->devices);
    if (m_told.empty() && !lost.empty()) {
        tell(text::concat(text::join(lost, ", "), " went away and came back without it"));
    }
    install(in_force);
}

void EarlyDrop::tell_of_absent(const ruleset::Ruleset& in_force) {
    const auto absent = without(wan_devices(in_force), m_devices);
    tell(absent.empty() ? std::string() : text::concat("it is not on ", text::join(absent, ", "), ": not there"));
}

/// Once for each trouble, and once when there is none any more.
void EarlyDrop::tell(std::string trouble) {
    if (trouble == m_told) {
        return;
    }
    Event event;
    event.set(Field::event_kind, trouble.empty() ? "event" : "alert");
    event.set(Field::event_category, "host");
    event.set(Field::event_action, "early-drop");
    event.set(Field::event_outcome, trouble.empty() ? "success" : "failure");
    event.set(Field::message, trouble.empty()
                                  ? text::concat("early drop is on ", text::join(m_devices, ", "), " again")
                                  : text::concat("early drop: ", trouble, "; connections are judged without it"));
    m_log.record(std::move(event), Durability::eventual);
    m_told = std::move(trouble);
}

} // namespace sekisho::services

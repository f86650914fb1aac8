// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/address_facts.hpp"

#include "policy/base/text.hpp"
#include "policy/geo/selection.hpp"

#include <algorithm>
#include <vector>

namespace sekisho::services {

namespace {

bool is_excepted(const model::Model& model, const model::GeoList& list, const IpAddress& address,
                 const ClockReading& clock) {
    return std::ranges::any_of(list.except_lists, [&](const std::string& name) {
        const model::AddressList* except = model.find_address_list(name);
        return except != nullptr && std::ranges::any_of(except->entries, [&](const model::ListEntry& entry) {
                   return entry.range.contains(address) && !(entry.expires && clock.has_passed(*entry.expires));
               });
    });
}

} // namespace

std::string address_lists_of(const model::Model& model, const IpAddress& address, const ClockReading& clock) {
    std::vector<std::string> names;
    for (const model::AddressList& list : model.address_lists) {
        bool holds = false;
        bool held = false; // by an entry that is closed now
        for (const model::ListEntry& entry : list.entries) {
            if (entry.range.contains(address)) {
                const bool is_closed = entry.expires && clock.has_passed(*entry.expires);
                holds = holds || !is_closed;
                held = held || is_closed;
            }
        }
        if (holds || held) {
            names.push_back(holds ? list.name : text::concat(list.name, " (expired)"));
        }
    }
    return text::join(names, ", ");
}

std::string geo_lists_of(const model::Model& model, const IpAddress& address, const std::optional<CountryCode>& country,
                         const ClockReading& clock) {
    std::vector<std::string> names;
    for (const model::GeoList& list : model.geo_lists) {
        if (is_excepted(model, list, address, clock)) {
            names.push_back(text::concat(list.name, " (excepted)"));
        } else if (country && std::ranges::binary_search(list.countries, *country)) {
            names.push_back(list.name);
        } else if (!country && geo::is_global(address) && list.unknown == model::GeoList::Unknown::allow) {
            names.push_back(text::concat(list.name, " (unknown)"));
        }
    }
    return text::join(names, ", ");
}

} // namespace sekisho::services

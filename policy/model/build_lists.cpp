// SPDX-License-Identifier: GPL-2.0-or-later
// Address lists with their expiry.
#include "policy/base/text.hpp"
#include "policy/model/building.hpp"

#include <algorithm>

namespace sekisho::model {

namespace {

[[nodiscard]] std::string section_of(const AddressList& list) {
    return text::concat("address-list ", list.name);
}

[[nodiscard]] std::optional<Date> read_expiry(const config::Node& node) {
    const config::Node* statement = node.find("expires");
    return statement == nullptr ? std::nullopt : std::optional(Date::parse(statement->value).value());
}

[[nodiscard]] std::optional<Date> earlier_of(const std::optional<Date>& left, const std::optional<Date>& right) {
    if (left && right) {
        return std::min(*left, *right);
    }
    return left ? left : right;
}

[[nodiscard]] bool has_expired(const Building& building, const ListEntry& entry) {
    return entry.expires && building.clock.now >= *entry.expires;
}

void judge_expired(Building& building, const AddressList& list, std::string_view last_day_of_list) {
    const auto expired = std::count_if(list.entries.begin(), list.entries.end(),
                                       [&](const ListEntry& entry) { return has_expired(building, entry); });
    if (static_cast<std::size_t>(expired) == list.entries.size()) {
        std::string message = last_day_of_list.empty()
                                  ? std::string("every entry has expired")
                                  : text::concat("every entry has expired, the list's last day was ", last_day_of_list);
        std::string hint =
            "a service that admits by this list is closed, it does not open; set a later date or take the "
            "list away";
        if (building.purpose == Purpose::apply) {
            building.diagnostics.error(list.place, section_of(list), std::move(message), std::move(hint));
        } else {
            building.diagnostics.warning(list.place, section_of(list), std::move(message), std::move(hint));
        }
        return;
    }
    for (const ListEntry& entry : list.entries) {
        if (has_expired(building, entry)) {
            building.diagnostics.warning(entry.place, section_of(list),
                                         text::concat("entry ", entry.range.text(), " has expired"),
                                         "it no longer counts; set a later date or take it away");
        }
    }
}

/// What an address is listed for twice is easily taken away once only.
void warn_of_overlaps(Building& building, const AddressList& list) {
    std::vector<const ListEntry*> sorted;
    for (const ListEntry& entry : list.entries) {
        sorted.push_back(&entry);
    }
    std::stable_sort(sorted.begin(), sorted.end(), [](const ListEntry* left, const ListEntry* right) {
        return left->range.first < right->range.first;
    });
    const ListEntry* reaching = nullptr; // of the entries so far, the one that goes furthest
    for (const ListEntry* entry : sorted) {
        if (reaching != nullptr && reaching->range.family() == entry->range.family() &&
            entry->range.first <= reaching->range.last) {
            const bool in_order =
                reaching->place.line < entry->place.line ||
                (reaching->place.line == entry->place.line && reaching->place.column < entry->place.column);
            const ListEntry& earlier = in_order ? *reaching : *entry;
            const ListEntry& later = in_order ? *entry : *reaching;
            building.diagnostics.warning(
                later.place, section_of(list),
                text::concat("entry ", later.range.text(), later.range == earlier.range ? " repeats " : " overlaps ",
                             earlier.range.text(), " on ", line_of(earlier.place)),
                earlier.expires == later.expires ? "one of them is enough, or they could be narrower"
                                                 : "an address counts until the later of their days");
        }
        if (reaching == nullptr || reaching->range.family() != entry->range.family() ||
            reaching->range.last < entry->range.last) {
            reaching = entry;
        }
    }
}

} // namespace

void build_address_lists(Building& building) {
    const int offset = building.model.system.utc_offset_minutes;
    for (const config::Node* node : building.tree.all("address-list")) {
        AddressList list{.name = node->name(),
                         .place = node->place,
                         .description = setting(node, "address-list * description"),
                         .entries = {}};
        const std::optional<Date> last_day = read_expiry(*node);
        for (const config::Node* statement : node->all("address")) {
            ListEntry entry{
                .range = IpRange::parse(statement->value).value(), .place = statement->place, .expires = std::nullopt};
            const std::optional<Date> own_day = read_expiry(*statement);
            if (own_day && last_day && *last_day < *own_day) {
                building.diagnostics.warning(statement->find("expires")->place, section_of(list),
                                             text::concat("the list expires earlier, on ", last_day->text()),
                                             "the earlier day holds");
            }
            if (const std::optional<Date> day = earlier_of(own_day, last_day)) {
                entry.expires = day->end(offset);
            }
            list.entries.push_back(std::move(entry));
        }
        warn_of_overlaps(building, list);
        judge_expired(building, list, last_day ? last_day->text() : std::string());
        building.list_index.emplace(list.name, building.model.address_lists.size());
        building.model.address_lists.push_back(std::move(list));
    }
}

} // namespace sekisho::model

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/text.hpp"
#include "policy/ruleset/compiler.hpp"

#include <algorithm>

namespace sekisho::ruleset {

ExpiryState expiry_state(const model::Model& model, const ClockReading& clock) {
    ExpiryState state;
    for (const model::AddressList& list : model.address_lists) {
        for (const model::ListEntry& entry : list.entries) {
            if (!entry.expires) {
                continue;
            }
            if (clock.has_passed(*entry.expires)) {
                state.expired.push_back(
                    text::concat(list.name, " ", entry.range.text(), " ", rfc3339_utc(*entry.expires)));
            } else if (!state.next || *entry.expires < *state.next) {
                state.next = entry.expires;
            }
        }
    }
    std::ranges::sort(state.expired);
    const auto repeated = std::ranges::unique(state.expired);
    state.expired.erase(repeated.begin(), repeated.end());
    return state;
}

} // namespace sekisho::ruleset

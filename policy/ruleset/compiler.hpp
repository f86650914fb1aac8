// SPDX-License-Identifier: GPL-2.0-or-later
// Model to typed ruleset.
#pragma once

#include "policy/ruleset/ruleset.hpp"

namespace sekisho::ruleset {

/// Compiles a checked model for a moment in time. `countries` has the contents of model::selections_of(model); a
/// selection that is missing there is an error, never an empty set. Where a list admits (services, allowing policies),
/// an entry whose expiry `clock` has passed is left out (with an unsynchronised clock: every entry that has an expiry);
/// a list without entries of a family closes it. Where a list refuses (block, denying policies), an unsynchronised
/// clock keeps every entry, without a timeout: in doubt closed. Fails only where numbers or room run out (more than 125
/// inside zones, an id too long for a log prefix).
[[nodiscard]] Result<Ruleset> compile(const model::Model& model, const ClockReading& clock,
                                      const geo::Contents& countries = {});

/// What is in force before any policy is: nothing is forwarded, nothing is accepted but loopback and what is already
/// established on it.
[[nodiscard]] Ruleset closed_ruleset();

/// Entries of all lists that `clock` closes: what the keeper of expiries records. The earliest expiry still to come is
/// `next`.
struct ExpiryState {
    std::vector<std::string> expired; ///< one text per entry: "LIST RANGE EXPIRY", sorted, stable across runs
    std::optional<Time> next;
};

[[nodiscard]] ExpiryState expiry_state(const model::Model& model, const ClockReading& clock);

} // namespace sekisho::ruleset

// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a rule's matches hold for a packet at a hook. Every kind of match is answered as nft does what
// render_matches.cpp writes for it.
#pragma once

#include "policy/judge/routing.hpp"
#include "policy/judge/set_index.hpp"
#include "policy/judge/tracking.hpp"

#include <vector>

namespace sekisho::judge {

/// A packet at a hook.
struct Passage {
    const Segment& segment;
    DeviceIndex ingress = kNoDevice; ///< none on `output`
    DeviceIndex egress = kNoDevice;  ///< known on `forward`, `output` and behind
    std::uint32_t role = 0;
    State state = State::invalid;
    const Flow* flow = nullptr;
    Time now;
};

/// Borrows ruleset, environment and routing.
class Matcher {
public:
    Matcher(const ruleset::Ruleset& ruleset, const Environment& environment, const Routing& routing);

    [[nodiscard]] bool holds(const ruleset::Rule& rule, const Passage& passage) const;

    [[nodiscard]] const Environment& environment() const noexcept { return m_environment; }

    [[nodiscard]] const Routing& routing() const noexcept { return m_routing; }

    [[nodiscard]] const SetIndex& set(std::size_t index) const noexcept { return m_sets[index]; }

private:
    const Environment& m_environment;
    const Routing& m_routing;
    std::vector<SetIndex> m_sets; ///< in the order of the ruleset's
};

} // namespace sekisho::judge

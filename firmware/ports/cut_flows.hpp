// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"
#include "policy/ruleset/admission.hpp"

#include <span>

namespace sekisho::ports {

/// The packet filter's sets of connections that were cut off (ruleset::OfCutFlow): what their far end sends is refused.
class CutFlows {
public:
    virtual ~CutFlows() = default;

    /// Puts them in, in the direction of the answers, as they come from the far end. All or none; what is there stays.
    virtual Result<void> refuse(std::span<const ruleset::Flow> flows) = 0;
    /// Takes them out; what is not there is no error.
    virtual Result<void> allow(std::span<const ruleset::Flow> flows) = 0;
};

} // namespace sekisho::ports

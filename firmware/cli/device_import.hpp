// SPDX-License-Identifier: GPL-2.0-or-later
// `access import`: a table of devices becomes entries of a configuration.
#pragma once

#include "policy/base/time.hpp"

#include <optional>
#include <string>

namespace sekisho::cli {

/// A text and what errors call it.
struct NamedText {
    std::string name;
    std::string text;
};

struct ImportOutcome {
    int status = 0;
    std::string output; ///< a configuration, or its port-access block alone
    std::string errors; ///< what is wrong with the texts; how many devices there are
};

/// With `base`: the whole of it with the devices, checked. Nothing is in force by it.
[[nodiscard]] ImportOutcome import_devices(const NamedText& table, const std::optional<NamedText>& base,
                                           const ClockReading& clock);

} // namespace sekisho::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// Text to checked configuration in one step, for the daemon and for the commands that need no daemon.
#pragma once

#include "policy/base/diagnostic.hpp"
#include "policy/config/tree.hpp"
#include "policy/model/build.hpp"
#include "policy/model/model.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace sekisho::services {

struct Configuration {
    std::string text;   ///< as it was given
    std::string digest; ///< SHA-256 of the text, hexadecimal
    config::Tree tree;
    model::Model model;
};

/// Parses and checks. Nothing where there are errors; `diagnostics` has them all, and the warnings.
[[nodiscard]] std::shared_ptr<const Configuration> load_configuration(std::string_view text, const ClockReading& clock,
                                                                      Diagnostics& diagnostics, model::Purpose purpose);

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// Tree to model: every check of meaning that the product makes before it accepts a configuration.
#pragma once

#include "policy/base/diagnostic.hpp"
#include "policy/base/time.hpp"
#include "policy/config/tree.hpp"
#include "policy/model/model.hpp"

#include <optional>

namespace sekisho::model {

/// Checks a parsed tree and makes the model of it. All problems are put into `diagnostics`; with any error there is no
/// model. Expired entries stay in the model with their expiry (leaving them out is the compiler's business). `clock`
/// only decides which warnings about expired entries are given: a configuration that was accepted once is not refused
/// later because time went by.
[[nodiscard]] std::optional<Model> build_model(const config::Tree& tree, const ClockReading& clock,
                                               Diagnostics& diagnostics);

} // namespace sekisho::model

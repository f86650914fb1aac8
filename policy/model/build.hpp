// SPDX-License-Identifier: GPL-2.0-or-later
// Tree to model: every check of meaning that the product makes before it accepts a configuration.
#pragma once

#include "policy/base/diagnostic.hpp"
#include "policy/base/time.hpp"
#include "policy/config/tree.hpp"
#include "policy/model/model.hpp"

#include <optional>

namespace sekisho::model {

/// What a configuration is checked for. One that was accepted once must start again after time went by.
enum class Purpose { apply, start };

/// Checks a parsed tree and makes the model of it. All problems are put into `diagnostics`; with any error there is no
/// model. Expired entries stay in the model with their expiry (leaving them out is the compiler's business). A list of
/// which every entry has expired at `clock` is an error for an apply and a warning at a start.
[[nodiscard]] std::optional<Model> build_model(const config::Tree& tree, const ClockReading& clock,
                                               Diagnostics& diagnostics, Purpose purpose = Purpose::apply);

} // namespace sekisho::model

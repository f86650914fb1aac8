// SPDX-License-Identifier: GPL-2.0-or-later
// Which sockets may be open to others: those that the configuration asks for, and those of the product's own programs
// that are not TCP's (their questions to others). The packet filter decides who reaches them in any case.
#pragma once

#include "firmware/ports/enforcement.hpp"
#include "firmware/ports/listeners.hpp"
#include "policy/model/model.hpp"

#include <span>

namespace sekisho::services {

/// A row for each port where something listens; one that says so where nothing does.
[[nodiscard]] ports::Comparisons compare_listeners(const model::Model& model,
                                                   std::span<const ports::Listener> listeners);

} // namespace sekisho::services

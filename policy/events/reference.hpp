// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace sekisho::events {

/// The text of REFERENCE.md, made from the field table.
[[nodiscard]] std::string reference_page();

} // namespace sekisho::events

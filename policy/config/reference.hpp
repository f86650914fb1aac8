// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace sekisho::config {

/// The text of REFERENCE.md, made from the schema.
[[nodiscard]] std::string reference_page();

} // namespace sekisho::config

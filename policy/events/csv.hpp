// SPDX-License-Identifier: GPL-2.0-or-later
// Events as CSV (RFC 4180) for a spreadsheet.
#pragma once

#include "policy/events/event.hpp"

#include <cstddef>
#include <string>

namespace sekisho::events {

/// What a spreadsheet's cell holds, in UTF-16 code units (32,767 in Excel and LibreOffice); what is longer would run
/// into other cells.
inline constexpr std::size_t kMostCell = 32'767;

/// The names of the fields, a column each; `timestamp` without its @. Begins with a byte order mark: without one, Excel
/// takes the file for the system's old character set (Shift_JIS in Japan) and shows Japanese as garbage.
[[nodiscard]] std::string to_csv_header();

/// One record in one line (CRLF included) whatever bytes the fields hold: values are shown as
/// text::escape_for_terminal() does, texts are quoted. A text that a spreadsheet could take for a formula gets an
/// apostrophe in front; one that is longer than a cell ends in "…".
[[nodiscard]] std::string to_csv_line(const Event& event);

} // namespace sekisho::events

// SPDX-License-Identifier: GPL-2.0-or-later
// What the router says of its support to people: why a status holds, what to do about it, and the greeting of a
// session. Texts of a record are escaped for terminals.
#pragma once

#include "policy/lifecycle/status.hpp"

#include <string>

namespace sekisho::lifecycle {

/// "2033-03-31 23:59:59 +09:00".
[[nodiscard]] std::string shown_time(Time time, int offset_minutes);

/// Why the status holds, in one or two sentences.
[[nodiscard]] Sentence why(const Status& status, const RecordOrCause& record, const Product& product,
                           int offset_minutes);

/// What has to be known and done where the status comes with a warning; empty texts where it comes with none.
[[nodiscard]] Sentence advice(const Status& status, const RecordOrCause& record, int offset_minutes);

/// What a session is greeted with: one line with product, version and status, then the advice in English and in
/// Japanese, where there is any, one line each.
[[nodiscard]] std::string greeting(const Status& status, const RecordOrCause& record, const Product& product,
                                   int offset_minutes);

} // namespace sekisho::lifecycle

// SPDX-License-Identifier: GPL-2.0-or-later
// What client and daemon say to each other when the log is exported, one piece per request:
//
//   log-page begin FORMAT FROM TO    FORMAT jsonl or csv, times RFC 3339 or "-"; answered with the CSV header at most
//   log-page next ID LINE            the piece of export ID that begins with this line
//
// An answer's output is one line "ID NEXT END NOT-EVENTS GONE" and then the records; NEXT is the line to ask for next.
// An export is done when NEXT is END.
#pragma once

#include "policy/base/error.hpp"
#include "policy/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::services {

enum class LogFormat { jsonl, csv };

[[nodiscard]] std::string_view name_of(LogFormat format) noexcept;

/// Which events, in which form.
struct LogSelection {
    LogFormat format = LogFormat::jsonl;
    std::optional<Time> from; ///< events at or after it
    std::optional<Time> to;   ///< events before it

    [[nodiscard]] bool has(Time time) const noexcept { return (!from || time >= *from) && (!to || time < *to); }
};

/// The words behind `log-page begin`. The error says what is wrong with them.
[[nodiscard]] Result<LogSelection> read_selection(std::string_view format, std::string_view from, std::string_view to);

struct LogPage {
    std::uint64_t id = 0;         ///< of the export
    std::uint64_t next = 0;       ///< number of the line that follows
    std::uint64_t end = 0;        ///< number of the line that is no longer exported
    std::uint64_t not_events = 0; ///< lines of the piece that are no events
    std::uint64_t gone = 0;       ///< lines that rotation took before the piece was read
    std::string records;          ///< whole records in the export's form
    friend bool operator==(const LogPage&, const LogPage&) = default;
};

[[nodiscard]] std::string to_output(const LogPage& page);
[[nodiscard]] Result<LogPage> read_page(std::string_view output);

} // namespace sekisho::services

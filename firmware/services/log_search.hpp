// SPDX-License-Identifier: GPL-2.0-or-later
// Looks through the access log for events about one thing. Memory is bounded whatever the log holds.
#pragma once

#include "firmware/ports/event_reader.hpp"
#include "firmware/services/event_log.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace sekisho::services {

struct FoundEvents {
    std::vector<events::Event> events; ///< oldest first
    std::uint64_t older = 0;           ///< left out because newer ones are enough
    bool is_whole = true;              ///< every line that the log keeps was looked at
};

/// Events that a search gives at most, and lines of the log that it looks at: the newest ones.
inline constexpr std::size_t kMostFoundEvents = 1'000;
inline constexpr std::uint64_t kMostSearchedLines = 200'000;

/// The newest `most` events, kMostFoundEvents at most, for which `is_wanted` holds. Only lines that hold `text` are
/// read: most are about something else, and reading one costs more than a look. An event holds it as it was written.
[[nodiscard]] Result<FoundEvents> search_log(EventLog& log, ports::EventReader& reader, std::string_view text,
                                             const std::function<bool(const events::Event&)>& is_wanted,
                                             std::size_t most);

} // namespace sekisho::services

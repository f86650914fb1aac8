// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/log_search.hpp"

#include <utility>

namespace sekisho::services {

namespace {

constexpr std::size_t kPiece = 256u << 10; ///< bytes of the log in memory at a time

void keep_newest(FoundEvents& found, std::size_t most) {
    if (found.events.size() > most) {
        const std::size_t spare = found.events.size() - most;
        found.events.erase(found.events.begin(), found.events.begin() + static_cast<std::ptrdiff_t>(spare));
        found.older += spare;
    }
}

} // namespace

Result<FoundEvents> search_log(EventLog& log, ports::EventReader& reader, std::string_view text,
                               const std::function<bool(const events::Event&)>& is_wanted, std::size_t most) {
    const std::uint64_t end = log.next_line();
    const std::uint64_t first = log.first_line();
    std::uint64_t line = end - first > kMostSearchedLines ? end - kMostSearchedLines : first;
    FoundEvents found;
    found.is_whole = line == first;
    while (line < end) {
        const ports::LogPiece piece = TRY(log.read_from(line, kPiece));
        if (piece.lines.empty()) {
            break;
        }
        for (const std::string& one : piece.lines) {
            if (!one.contains(text)) {
                continue;
            }
            if (auto event = reader.read(one); event && is_wanted(*event)) {
                found.events.push_back(*std::move(event));
            }
        }
        if (found.events.size() > 2 * kMostFoundEvents) {
            keep_newest(found, kMostFoundEvents);
        }
        line = piece.first + piece.lines.size();
    }
    keep_newest(found, most);
    return found;
}

} // namespace sekisho::services

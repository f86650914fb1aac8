// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/log_export.hpp"

#include "policy/base/text.hpp"
#include "policy/events/csv.hpp"

#include <algorithm>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;
using ports::ControlRequest;
using ports::ControlResponse;

ControlResponse refused(int status, std::string_view message) {
    return {.exit_status = status, .output = {}, .errors = text::concat(message, "\n")};
}

/// "events from … to …"
std::string range_text(const LogSelection& selection) {
    std::string text = selection.from || selection.to ? "events" : "events of all times";
    if (selection.from) {
        text += text::concat(" from ", rfc3339_utc(*selection.from));
    }
    if (selection.to) {
        text += text::concat(" to ", rfc3339_utc(*selection.to));
    }
    return text;
}

} // namespace

ControlResponse LogExport::page(const Invocation& invocation, const ControlRequest& request) {
    const auto& words = invocation.operands;
    if (words.size() == 4 && words[0] == "begin") {
        return begin(invocation, request);
    }
    if (words.size() == 3 && words[0] == "next") {
        return next(invocation, request);
    }
    return refused(2, "log-page: begin FORMAT FROM TO, or next ID LINE");
}

ControlResponse LogExport::begin(const Invocation& invocation, const ControlRequest& request) {
    const auto& words = invocation.operands;
    const auto selection = read_selection(words[1], words[2], words[3]);
    if (!selection) {
        return refused(2, selection.error().message());
    }
    Export started;
    // The end of the log is a number that no earlier process of the daemon has given.
    started.id = m_last_id = std::max(m_last_id + 1, m_log.next_line());
    started.user_id = request.peer.user_id;
    started.selection = *selection;
    started.end = m_log.next_line();
    const std::uint64_t unread = m_log.unread_gap();
    record(*selection, m_log.first_line(), started.end, request);
    started.first = started.next = m_log.first_line(); // the record may have had a file rotated away
    started.end = std::max(started.end, started.first);

    LogPage page{started.id, started.next, started.end, 0, 0, {}};
    if (selection->format == LogFormat::csv) {
        page.records = events::to_csv_header();
    }
    ControlResponse response{.exit_status = 0, .output = to_output(page), .errors = {}};
    if (started.first > 0) {
        response.errors =
            text::concat("gap: rotation had removed the oldest ", text::to_text(started.first), " lines of the log");
        if (unread > 0) {
            response.errors += text::concat(", ", text::to_text(unread), " of them before anyone read them");
        }
        response.errors += '\n';
    }
    if (started.next < started.end) {
        if (m_exports.size() == kMostExports) {
            m_exports.erase(m_exports.begin());
        }
        m_exports.push_back(started);
    }
    return response;
}

void LogExport::record(const LogSelection& selection, std::uint64_t first, std::uint64_t end,
                       const ControlRequest& request) {
    Event event;
    event.set(Field::event_category, "authentication");
    event.set(Field::event_action, "log-export");
    event.set(Field::event_outcome, "success");
    event.set(Field::user_name, request.peer.account);
    event.set(Field::session_origin, request.origin);
    event.set(Field::message,
              text::concat("export as ", name_of(selection.format), " began: ", range_text(selection), ", out of ",
                           text::to_text(end - first), " lines from number ", text::to_text(first)));
    m_log.record(std::move(event), Durability::immediate);
}

ControlResponse LogExport::next(const Invocation& invocation, const ControlRequest& request) {
    const auto id = text::parse_unsigned(invocation.operands[1]);
    const auto line = text::parse_unsigned(invocation.operands[2]);
    const auto found = std::ranges::find_if(m_exports, [&](const Export& each) {
        return id && line && each.id == *id && each.user_id == request.peer.user_id && each.next == *line;
    });
    if (found == m_exports.end()) {
        return refused(1, "log-page: this export does not go on there; begin a new one");
    }
    const auto piece = m_log.read_from(found->next, kMostPiece);
    if (!piece) {
        return refused(1, piece.error().message());
    }
    LogPage page{found->id, found->end, found->end, 0, 0, {}};
    // What is no longer kept is passed over, also where nothing of the export is left.
    std::uint64_t number = piece->lines.empty() ? found->end : std::min(piece->first, found->end);
    page.gone = number - found->next;
    for (const std::string& each : piece->lines) {
        if (number == found->end) {
            break;
        }
        encode(found->selection, each, page);
        ++number;
    }
    page.next = found->next = number;
    if (number == found->end) {
        if (!found->selection.from && !found->selection.to) {
            m_log.note_read(found->first, found->end);
        }
        m_exports.erase(found);
    }
    return {.exit_status = 0, .output = to_output(page), .errors = {}};
}

/// A line that is no event belongs to no time. JSON Lines takes it along as it is; in CSV it could only be a row that
/// looks like a record.
void LogExport::encode(const LogSelection& selection, const std::string& line, LogPage& page) {
    const auto event = m_reader.read(line);
    const auto time = event ? parse_rfc3339(event->text(Field::timestamp)) : std::unexpected(event.error());
    if (!time) {
        ++page.not_events;
    } else if (!selection.has(*time)) {
        return;
    }
    if (selection.format == LogFormat::jsonl) {
        page.records += line;
        page.records += '\n';
    } else if (time) {
        page.records += events::to_csv_line(*event);
    }
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's part of `log export`: pieces of the access log by line number, so that neither side holds the log and
// other requests are answered in between.
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/ports/event_reader.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/log_page.hpp"

#include <vector>

namespace sekisho::services {

class LogExport {
public:
    /// Borrows both.
    LogExport(EventLog& log, ports::EventReader& reader) : m_log(log), m_reader(reader) {}

    /// Answers `log-page` (log_page.hpp). Beginning an export is recorded, once; it ends before its own record. Pieces
    /// are given only in order, each once and to who began, so nobody reads what no record tells of. At most
    /// kMostExports go on at the same time; the oldest is given up for another.
    ports::ControlResponse page(const Invocation& invocation, const ports::ControlRequest& request);

    static constexpr std::size_t kMostPiece = 512u << 10; ///< bytes of the log in an answer
    static constexpr std::size_t kMostExports = 16;

private:
    struct Export {
        std::uint64_t id = 0;
        std::uint32_t user_id = 0;
        LogSelection selection;
        std::uint64_t first = 0; ///< line
        std::uint64_t next = 0;
        std::uint64_t end = 0;
    };

    ports::ControlResponse begin(const Invocation& invocation, const ports::ControlRequest& request);
    ports::ControlResponse next(const Invocation& invocation, const ports::ControlRequest& request);
    void record(const LogSelection& selection, std::uint64_t first, std::uint64_t end,
                const ports::ControlRequest& request);
    void encode(const LogSelection& selection, const std::string& line, LogPage& page);

    EventLog& m_log;
    ports::EventReader& m_reader;
    std::vector<Export> m_exports; ///< the oldest first
    std::uint64_t m_last_id = 0;
};

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/events/record.hpp"

#include <cstdint>
#include <functional>

namespace sekisho::ports {

/// What was lost between the kernel and us since the last call, told apart by where it is seen.
struct LogLosses {
    std::uint64_t sequence_gaps = 0;   ///< records missing in the sequence numbers
    std::uint64_t buffer_overruns = 0; ///< times that the socket's buffer was full (one may stand for many records)
    std::uint64_t unreadable = 0;      ///< messages that were no well-formed record
};

/// The kernel's log records (NFLOG) of both groups, delivered on the event loop.
class PacketLog {
public:
    virtual ~PacketLog() = default;
    /// `record` and what it points to are valid during the call only.
    virtual Result<void> start(std::function<void(const events::LogRecord& record)> on_record) = 0;
    virtual LogLosses take_losses() = 0;
};

} // namespace sekisho::ports

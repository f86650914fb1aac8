// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's NFLOG as the port PacketLog. See NOTES.md for what a record holds at which hook.
#pragma once

#include "drivers/system/event_loop.hpp"
#include "firmware/ports/clock.hpp"
#include "firmware/ports/packet_log.hpp"
#include "policy/ruleset/renderer.hpp"

#include <memory>
#include <vector>

namespace sekisho::drivers {

struct NflogOptions {
    std::vector<std::uint16_t> groups{ruleset::kLogGroupDenied, ruleset::kLogGroupAccepted};
    int receive_buffer = 4 << 20; ///< bytes per group
};

class NflogPacketLog final : public ports::PacketLog {
public:
    /// Loop and clock must outlive the log. Works on the network namespace of the thread that calls start().
    NflogPacketLog(UvEventLoop& loop, ports::Clock& clock, NflogOptions options = {});
    ~NflogPacketLog() override;

    Result<void> start(std::function<void(const events::LogRecord& record)> on_record) override;
    ports::LogLosses take_losses() override;

private:
    struct Implementation;
    std::unique_ptr<Implementation> m_implementation;
};

} // namespace sekisho::drivers

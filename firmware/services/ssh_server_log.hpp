// SPDX-License-Identifier: GPL-2.0-or-later
// What sshd tells, in the access log: within bounds per source, so that a flood of attempts does not rotate the log.
#pragma once

#include "firmware/ports/clock.hpp"
#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/processes.hpp"
#include "firmware/services/event_log.hpp"
#include "policy/events/sshd.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::services {

class SshServerLog {
public:
    static constexpr unsigned kSourceBurst = 10;     ///< events of one source at once; then one a minute
    static constexpr unsigned kTotalBurst = 100;     ///< of all sources; then ten a minute
    static constexpr std::size_t kMostSources = 256; ///< told apart; more share one bound
    static constexpr std::size_t kMostEarly = 64;    ///< lines that wait for who wrote them

    /// References must outlive this.
    SshServerLog(EventLog& log, ports::Clock& clock, ports::EventLoop& loop);

    /// Records what a line tells. Accepted keys always are; of the rest, what is over the bounds is counted, and the
    /// count is an event `log-suppressed` once a minute.
    void take(const ports::OutputLine& line);

private:
    struct Bucket {
        double tokens = 0;
        std::int64_t filled_at = 0; ///< monotonic, microseconds
    };

    struct EarlyLine {
        std::uint32_t process_id = 0;
        std::uint32_t user_id = 0;
        std::string text;
    };

    void record(const events::SshdLine& line);
    /// Records what waits and can be told of somebody by now; at the end of its patience all of it.
    void record_early(bool is_over);
    bool admit(const std::string& source);
    bool draw(Bucket& bucket, double burst, double per_minute);
    void forget_idle();
    void tell_suppressed();

    EventLog& m_log;
    ports::Clock& m_clock;
    events::SshdReader m_reader;
    Bucket m_total;
    std::map<std::string, Bucket, std::less<>> m_sources; ///< by address, IPv6 by its /64
    std::map<std::string, std::uint64_t, std::less<>> m_suppressed;
    std::unique_ptr<ports::Timer> m_timer;
    std::vector<EarlyLine> m_early;
    std::unique_ptr<ports::Timer> m_patience;
};

} // namespace sekisho::services

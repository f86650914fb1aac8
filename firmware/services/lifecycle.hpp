// SPDX-License-Identifier: GPL-2.0-or-later
// What the router says of itself: which image it is, until when that is supported, and what it is made of; in commands,
// in the greeting of a session, and once a day in the log.
#pragma once

#include "firmware/ports/clock.hpp"
#include "firmware/ports/control.hpp"
#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/system.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/identity.hpp"
#include "firmware/services/timekeeper.hpp"
#include "policy/lifecycle/component.hpp"
#include "policy/lifecycle/status.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::services {

/// What the image's files say of it.
struct ImageFacts {
    Identity identity;
    lifecycle::RecordOrCause support = std::nullopt;
    Result<std::vector<lifecycle::Component>> components; ///< or why there is no list
};

class Lifecycle {
public:
    struct Ports {
        ports::System& system;
        ports::Clock& clock;
        ports::EventLoop& loop;
    };

    /// `utc_offset` gives the minutes east of UTC where the clinic is. References must outlive the service.
    Lifecycle(Ports ports, ImageFacts image, Timekeeper& timekeeper, EventLog& log, std::function<int()> utc_offset);

    /// Records the status, and watches it from here on. Call once.
    void start();

    /// Records the status where that is due: once a day of the clinic, or every 24 hours while the clock can't be
    /// relied on, and whenever status or warning level changed. The timer calls it; so should whoever sees the clock
    /// step.
    void check();

    /// The status now.
    [[nodiscard]] lifecycle::Status status();

    /// Lines for the beginning of a session.
    [[nodiscard]] std::string greeting();

    [[nodiscard]] ports::ControlResponse show_version(const Invocation& invocation);
    /// The exit status is the support status' (lifecycle::exit_status_of).
    [[nodiscard]] ports::ControlResponse show_lifecycle(const Invocation& invocation);
    [[nodiscard]] ports::ControlResponse show_components(const Invocation& invocation);

private:
    /// What the last event said, and when.
    struct Told {
        lifecycle::SupportStatus status;
        lifecycle::Warning warning;
        bool alert;
        std::optional<std::int64_t> day; ///< of the clinic, since 1970; nothing where the clock can't be relied on
        std::int64_t monotonic_microseconds;
    };

    [[nodiscard]] lifecycle::Product product() const;
    [[nodiscard]] bool clock_is_reliable();
    [[nodiscard]] Told told_now(const lifecycle::Status& status);
    [[nodiscard]] bool is_due(const Told& now) const;
    void record(const lifecycle::Status& status, bool alert);
    void schedule(const lifecycle::Status& status);

    Ports m_ports;
    ImageFacts m_image;
    Timekeeper& m_timekeeper;
    EventLog& m_log;
    std::function<int()> m_utc_offset;
    std::unique_ptr<ports::Timer> m_timer;
    std::int64_t m_started = 0; ///< monotonic microseconds
    std::optional<Told> m_told; ///< nothing before the first event
};

} // namespace sekisho::services

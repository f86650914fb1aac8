// SPDX-License-Identifier: GPL-2.0-or-later
// Proves that what is configured is in force: looks at the kernel every minute, and at once when the kernel tells of a
// change. What is not as the policy in force wants it is recorded as drift, put right at once, and that is recorded
// too; so is what can't be put right.
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/ports/enforcement.hpp"
#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/packet_filter.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/event_log.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::services {

class Enforcement {
public:
    /// What is looked at and put right together.
    struct Part {
        std::string name; ///< for people: "packet filter"
        std::function<Result<ports::Comparisons>()> compare;
        /// Puts the committed state back. Null where there is nothing to put back: it is only told of.
        std::function<Result<void>()> restore;
        /// It is in nf_tables: as it was while the generation is what it was.
        bool follows_generation = false;
    };

    struct Ports {
        ports::PacketFilter& filter;
        ports::EventLoop& loop;
    };

    /// References must outlive it.
    Enforcement(Ports ports, EventLog& log);

    /// In the order in which they are looked at and restored. Before start().
    void add(Part part);

    /// Called before each look: what a change that is no drift (an interface that comes or goes) asks for is done by
    /// then.
    void before_look(std::function<void()> callback) { m_before_look = std::move(callback); }

    /// Looks every minute from now on.
    void start();

    /// Looks at everything now: nf_tables' generation first, and its parts where it has moved since they last matched.
    void look();

    /// The kernel told of a change: looks in a moment. Where changes come faster than they can be put right, the rest
    /// of the minute passes without (the log must not fill).
    void look_soon();

    /// `show enforcement`: looks, then tells. Exit status 1 where something is not as it should be.
    [[nodiscard]] ports::ControlResponse show(const Invocation& invocation);

private:
    enum class State : std::uint8_t {
        matches,
        restored, ///< by the last look; `found` is what it had found
        differs,
    };

    struct Row {
        ports::Comparison comparison;
        State state = State::matches;
    };

    struct Watched {
        Part part;
        std::vector<Row> rows;                          ///< as last looked at
        std::map<std::string, ports::Comparison> drift; ///< recorded and not put right, by item
        bool has_matched = false;                       ///< all of it, at the last look
        bool is_readable = false;                       ///< likewise
    };

    static ports::Comparisons compare(Watched& watched);
    void examine(Watched& watched);
    void put_right(Watched& watched, ports::Comparisons& found);
    void record(std::string_view action, const ports::Comparison& drift, std::string message, bool is_good);

    Ports m_ports;
    EventLog& m_log;
    std::function<void()> m_before_look = [] {};
    std::vector<Watched> m_parts;
    std::optional<std::uint32_t> m_clean_generation; ///< at which all that follows it matched
    unsigned m_hasty_drifts = 0;                     ///< looks before their time that found drift, this minute
    bool m_is_soon = false;
    std::unique_ptr<ports::Timer> m_minute;
    std::unique_ptr<ports::Timer> m_soon;
};

} // namespace sekisho::services

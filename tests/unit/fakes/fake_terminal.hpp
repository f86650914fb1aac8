// SPDX-License-Identifier: GPL-2.0-or-later
// A terminal, or a pipe, whose person follows a script.
#pragma once

#include "firmware/ports/terminal.hpp"
#include "tests/unit/fakes/fakes.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

namespace sekisho::fakes {

/// Reads pass the script's time on the clock. After the script the person is gone: hung up on a terminal, the end of
/// the input elsewhere.
class FakeTerminal final : public ports::Terminal {
public:
    explicit FakeTerminal(FakeClock& clock) : m_clock(clock) {}

    void types(std::string bytes) { m_script.push_back({std::move(bytes), 0}); }

    void waits_seconds(std::uint64_t seconds) { m_script.push_back({{}, seconds * 1000}); }

    bool is_interactive() override { return interactive; }

    Result<void> take_control() override {
        ++controls;
        return {};
    }

    void discard_typed() override { ++discards; }

    Result<ports::Input> read(std::optional<std::uint64_t> timeout_ms) override {
        if (m_script.empty()) {
            return ports::Input{interactive || hangs_up ? ports::Input::Kind::hung_up : ports::Input::Kind::ended, {}};
        }
        Step& step = m_script.front();
        if (step.silence_ms > 0) {
            const std::uint64_t passed = std::min(step.silence_ms, timeout_ms.value_or(step.silence_ms));
            m_clock.monotonic += static_cast<std::int64_t>(passed) * 1000;
            step.silence_ms -= passed;
            const bool is_over = step.silence_ms == 0;
            if (is_over) {
                m_script.pop_front();
            }
            // at the same moment the time-out comes first
            return timeout_ms && passed == *timeout_ms ? ports::Input{} : read(timeout_ms);
        }
        ports::Input input{ports::Input::Kind::bytes, std::move(step.bytes)};
        m_script.pop_front();
        return input;
    }

    Result<void> write(std::string_view bytes) override {
        if (takes_nothing) {
            return std::unexpected(Error(Domain::system, "standard output", "broken pipe"));
        }
        output += bytes;
        if (on_write) {
            on_write(bytes);
        }
        return {};
    }

    Result<void> write_error(std::string_view bytes) override {
        errors += bytes;
        return {};
    }

    bool is_abandoned(std::uint64_t) override { return abandoned; }

    std::uint32_t user_id() override { return user; }

    Result<void> become(std::uint32_t user_id, std::uint32_t group_id) override {
        if (refuses_to_become) {
            return std::unexpected(Error(Domain::account, "session", "the superuser's rights were not given up"));
        }
        user = user_id;
        group = group_id;
        return {};
    }

    std::string ssh_connection() override { return connection; }

    std::string output;
    std::string errors;
    std::string connection;
    std::function<void(std::string_view)> on_write;
    std::uint32_t user = 0;
    std::uint32_t group = 0;
    int controls = 0; ///< calls of take_control()
    int discards = 0; ///< calls of discard_typed()
    bool interactive = true;
    bool hangs_up = false; ///< a pipe whose process was told to end
    bool abandoned = false;
    bool takes_nothing = false;
    bool refuses_to_become = false;

private:
    struct Step {
        std::string bytes;
        std::uint64_t silence_ms = 0; ///< instead of bytes
    };

    FakeClock& m_clock;
    std::deque<Step> m_script;
};

} // namespace sekisho::fakes

// SPDX-License-Identifier: GPL-2.0-or-later
// The world of the services, in memory and under the test's hand.
#pragma once

#include "firmware/ports/clock.hpp"
#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/network.hpp"
#include "firmware/ports/packet_filter.hpp"
#include "firmware/ports/packet_log.hpp"
#include "firmware/ports/processes.hpp"
#include "firmware/ports/store.hpp"
#include "firmware/ports/system.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sekisho::fakes {

class FakeClock final : public ports::Clock {
public:
    Time now() override { return wall; }

    bool synchronised() override { return is_synchronised; }

    std::int64_t monotonic_microseconds() override { return monotonic; }

    Result<void> watch_steps(std::function<void()>) override { return {}; }

    /// Both clocks go on.
    void advance_seconds(std::int64_t seconds) {
        wall.microseconds += seconds * 1'000'000;
        monotonic += seconds * 1'000'000;
    }

    Time wall = Time::from_seconds(1'795'000'000); // 2026-11-18
    bool is_synchronised = true;
    std::int64_t monotonic = 5'000'000;
};

/// Timers fire when the test says that time has passed.
class FakeLoop final : public ports::EventLoop {
public:
    class FakeTimer final : public ports::Timer {
    public:
        FakeTimer(FakeLoop& loop, std::function<void()> on_time) : m_loop(loop), m_on_time(std::move(on_time)) {
            m_loop.m_timers.insert(this);
        }

        ~FakeTimer() override { m_loop.m_timers.erase(this); }

        void start_once(std::uint64_t milliseconds) override { set(milliseconds, 0); }

        void start_repeating(std::uint64_t milliseconds) override { set(milliseconds, milliseconds); }

        void stop() override { m_due.reset(); }

    private:
        friend class FakeLoop;

        void set(std::uint64_t milliseconds, std::uint64_t repeat) {
            m_due = m_loop.m_now + milliseconds;
            m_repeat = repeat;
        }

        FakeLoop& m_loop;
        std::function<void()> m_on_time;
        std::optional<std::uint64_t> m_due;
        std::uint64_t m_repeat = 0;
    };

    std::unique_ptr<ports::Timer> make_timer(std::function<void()> on_time) override {
        return std::make_unique<FakeTimer>(*this, std::move(on_time));
    }

    void advance(std::uint64_t milliseconds, FakeClock& clock) {
        const std::uint64_t end = m_now + milliseconds;
        for (;;) {
            FakeTimer* next = nullptr;
            for (FakeTimer* timer : m_timers) {
                if (timer->m_due && *timer->m_due <= end && (next == nullptr || *timer->m_due < *next->m_due)) {
                    next = timer;
                }
            }
            const std::uint64_t to = next == nullptr ? end : *next->m_due;
            clock.wall.microseconds += static_cast<std::int64_t>(to - m_now) * 1000;
            clock.monotonic += static_cast<std::int64_t>(to - m_now) * 1000;
            m_now = to;
            if (next == nullptr) {
                return;
            }
            next->m_due = next->m_repeat > 0 ? std::optional(m_now + next->m_repeat) : std::nullopt;
            next->m_on_time();
        }
    }

private:
    std::set<FakeTimer*> m_timers;
    std::uint64_t m_now = 0;
};

class FakeStore final : public ports::Store {
public:
    bool exists(std::string_view name) override { return files.contains(std::string(name)); }

    Result<std::string> read(std::string_view name, std::size_t most) override {
        const auto file = files.find(std::string(name));
        if (file == files.end()) {
            return std::unexpected(Error(Domain::storage, std::string(name), "does not exist"));
        }
        if (file->second.size() > most) {
            return std::unexpected(Error(Domain::storage, std::string(name), "is too large"));
        }
        return file->second;
    }

    Result<void> write(std::string_view name, std::string_view bytes) override {
        if (full || refuse_writes_to == name) {
            return std::unexpected(Error(Domain::storage, std::string(name), "no space left on device"));
        }
        files[std::string(name)] = bytes;
        readable.erase(std::string(name));
        return {};
    }

    Result<void> write_readable(std::string_view name, std::string_view bytes) override {
        auto written = write(name, bytes);
        if (written) {
            readable.emplace(name);
        }
        return written;
    }

    Result<void> rename(std::string_view from, std::string_view to) override {
        if (refuse_renames_to == to || !exists(from)) {
            return std::unexpected(Error(Domain::storage, std::string(from), "can't be renamed"));
        }
        files[std::string(to)] = std::move(files[std::string(from)]);
        files.erase(std::string(from));
        return {};
    }

    Result<void> remove(std::string_view name) override {
        if (refuse_removal_of == name) {
            return std::unexpected(Error(Domain::storage, std::string(name), "can't be removed"));
        }
        files.erase(std::string(name));
        return {};
    }

    std::map<std::string, std::string> files;
    std::set<std::string> readable; ///< files that every user may read
    bool full = false;
    std::string refuse_writes_to;
    std::string refuse_removal_of;
    std::string refuse_renames_to;
};

class FakeLogFiles final : public ports::LogFiles {
public:
    Result<void> append(std::string_view line, bool durable) override {
        if (full) {
            return std::unexpected(Error(Domain::storage, "log/access.jsonl", "no space left on device"));
        }
        lines.front().emplace_back(line.substr(0, line.size() - 1));
        last_durable = durable;
        return {};
    }

    Result<void> sync() override {
        ++syncs;
        if (refuse_sync) {
            return std::unexpected(Error(Domain::storage, "log/access.jsonl", "input/output error"));
        }
        return {};
    }

    std::uint64_t current_size() override {
        std::uint64_t size = 0;
        for (const std::string& line : lines.front()) {
            size += line.size() + 1;
        }
        return size;
    }

    std::uint64_t first_line() override { return first; }

    std::uint64_t next_line() override {
        std::uint64_t next = first;
        for (const auto& file : lines) {
            next += file.size();
        }
        return next;
    }

    Result<std::uint64_t> rotate(unsigned keep) override {
        lines.insert(lines.begin(), std::vector<std::string>{});
        std::uint64_t dropped = 0;
        while (lines.size() > keep + 1) {
            dropped += lines.back().size();
            lines.pop_back();
        }
        first += dropped;
        return dropped;
    }

    Result<ports::LogPiece> read_from(std::uint64_t line, std::size_t most_bytes) override {
        if (refuse_reading) {
            return std::unexpected(Error(Domain::storage, "log/access.jsonl", "input/output error"));
        }
        ports::LogPiece piece{std::max(line, first), {}};
        const std::vector<std::string> all = all_lines();
        std::size_t bytes = 0;
        for (std::uint64_t number = piece.first; number < next_line(); ++number) {
            const std::string& each = all[static_cast<std::size_t>(number - first)];
            bytes += each.size() + 1;
            if (bytes > most_bytes && !piece.lines.empty()) {
                break;
            }
            piece.lines.push_back(each);
        }
        return piece;
    }

    Result<std::vector<std::string>> last_lines(std::size_t most) override {
        std::vector<std::string> all = all_lines();
        if (all.size() > most) {
            all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(most));
        }
        return all;
    }

    /// How many lines hold the text.
    [[nodiscard]] std::size_t count(std::string_view text) {
        std::size_t found = 0;
        for (const auto& file : lines) {
            found += static_cast<std::size_t>(
                std::ranges::count_if(file, [&](const std::string& line) { return line.contains(text); }));
        }
        return found;
    }

    /// Oldest first.
    [[nodiscard]] std::vector<std::string> all_lines() const {
        std::vector<std::string> all;
        for (auto file = lines.rbegin(); file != lines.rend(); ++file) {
            all.insert(all.end(), file->begin(), file->end());
        }
        return all;
    }

    std::vector<std::vector<std::string>> lines{1}; ///< current file first
    std::uint64_t first = 0;                        ///< number of the oldest line
    bool refuse_reading = false;                    ///< by number
    bool full = false;
    bool last_durable = false;
    int syncs = 0; ///< calls of sync()
    bool refuse_sync = false;
};

class FakeFilter final : public ports::PacketFilter {
public:
    Result<ports::FilterReport> apply(const ruleset::Ruleset& ruleset, Time) override {
        ++applies;
        if (skip > 0) {
            --skip;
        } else if (refuse > 0) {
            --refuse;
            return std::unexpected(Error(Domain::kernel, "transaction", "no buffer space"));
        }
        in_force = ruleset;
        loaded = true;
        early = {};
        return ports::FilterReport{ruleset.rules.size(), ruleset.sets.size(), 0, 0};
    }

    Result<std::uint32_t> generation() override { return current_generation; }

    Result<ports::Comparisons> compare(const ruleset::Ruleset&, Time) override {
        ++comparisons;
        return found;
    }

    Result<void> restore(const ruleset::Ruleset& ruleset, Time now) override {
        TRY(apply(ruleset, now));
        ++restorations;
        for (ports::Comparison& each : found) {
            each.found = each.expected;
        }
        return {};
    }

    Result<bool> is_loaded() override { return loaded; }

    Result<std::size_t> remove_unreferenced_sets() override { return std::size_t{0}; }

    Result<std::vector<ports::CounterReading>> counters() override {
        if (refuse_counters) {
            return std::unexpected(Error(Domain::kernel, "counters", "interrupted"));
        }
        return readings;
    }

    Result<ports::EarlyDrop> install_early_drop(const ruleset::Ruleset& ruleset) override {
        ++early_installs;
        if (refuse_early) {
            return std::unexpected(Error(Domain::kernel, "early drop", "no such device"));
        }
        const bool wanted = std::ranges::contains(ruleset.rules, ruleset::Hook::early, &ruleset::Rule::hook);
        early.devices = wanted ? early_devices : std::vector<std::string>{};
        return early;
    }

    Result<ports::EarlyDrop> early_drop() override { return early; }

    ruleset::Ruleset in_force;
    ports::EarlyDrop early;                 ///< what is installed
    std::vector<std::string> early_devices; ///< that are there, for the early drop
    bool refuse_early = false;
    int early_installs = 0;
    bool loaded = false;
    int applies = 0;
    int refuse = 0; ///< so many applies fail from now on
    int skip = 0;   ///< after so many that don't
    std::vector<ports::CounterReading> readings;
    bool refuse_counters = false;
    std::uint32_t current_generation = 1;
    ports::Comparisons found; ///< by compare()
    int comparisons = 0;
    int restorations = 0;
};

class FakeNetwork final : public ports::Network {
public:
    Result<std::vector<std::string>> configure(const ports::NetworkPlan& plan) override {
        if (refuse > 0) {
            --refuse;
            return std::unexpected(Error(Domain::network, "br-clinic", "operation not permitted"));
        }
        if (broken && std::ranges::contains(plan.interfaces, *broken, &model::Interface::name)) {
            return std::unexpected(Error(Domain::network, *broken, "input/output error"));
        }
        for (const auto& lease : plan.leases) {
            if (refused_gateway && lease.gateway == IpAddress::parse(*refused_gateway)) {
                return std::unexpected(Error(Domain::network, lease.interface, "nexthop has invalid gateway"));
            }
        }
        in_force = plan;
        return absent;
    }

    Result<void> set_forwarding(bool on) override {
        forwarding = on;
        return {};
    }

    Result<ports::Comparisons> compare(const ports::NetworkPlan&) override { return found; }

    Result<void> remove_foreign(const ports::NetworkPlan&) override {
        ++removals;
        return {};
    }

    Result<std::vector<ports::LinkStatus>> links() override { return status; }

    void set_links(const std::vector<std::string>& names) {
        status.clear();
        for (const std::string& name : names) {
            status.emplace_back().name = name;
        }
    }

    Result<void> watch(std::function<void()>) override { return {}; }

    ports::NetworkPlan in_force;
    ports::Comparisons found; ///< by compare()
    int removals = 0;         ///< of what is foreign
    std::vector<std::string> absent;
    std::vector<ports::LinkStatus> status;
    bool forwarding = false;
    int refuse = 0;                             ///< so many calls fail from now on
    std::optional<std::string> broken;          ///< the interface that can't be configured
    std::optional<std::string> refused_gateway; ///< of a lease
};

class FakePacketLog final : public ports::PacketLog {
public:
    Result<void> start(std::function<void(const events::LogRecord&)> callback) override {
        if (refuse) {
            return std::unexpected(Error(Domain::capture, "nflog:1", "device or resource busy"));
        }
        on_record = std::move(callback);
        return {};
    }

    ports::LogLosses take_losses() override { return std::exchange(losses, {}); }

    std::function<void(const events::LogRecord&)> on_record;
    ports::LogLosses losses;
    bool refuse = false;
};

class FakeProcesses final : public ports::Processes {
public:
    Result<void> keep_running(const ports::ProcessSpecification& specification) override {
        programs[specification.name] = specification.argv;
        return {};
    }

    void stop(std::string_view name) override {
        programs.erase(std::string(name));
        stopped.emplace_back(name);
    }

    std::vector<std::string> running() override {
        std::vector<std::string> names;
        for (const auto& [name, argv] : programs) {
            names.push_back(name);
        }
        return names;
    }

    void on_exit(std::function<void(std::string_view, std::string_view)>) override {}

    void on_output(std::function<void(std::string_view, const ports::OutputLine&)> callback) override {
        output = std::move(callback);
    }

    Result<std::size_t> end_processes_of(std::uint32_t user_id, std::string_view program) override {
        ended.emplace_back(user_id, program);
        return std::size_t{1};
    }

    std::map<std::string, std::vector<std::string>> programs;
    std::vector<std::string> stopped; ///< names, in order
    std::function<void(std::string_view, const ports::OutputLine&)> output;
    std::vector<std::pair<std::uint32_t, std::string>> ended; ///< user and program of each call
};

class FakeSystem final : public ports::System {
public:
    std::string boot_id() override { return "b0071d00-0000-4000-8000-000000000001"; }

    std::string kernel_release() override { return "6.12.0"; }

    Result<ports::MemoryUse> memory() override { return ports::MemoryUse{512u << 20, 400u << 20, 8u << 20, 9u << 20}; }

    Result<ports::DataSpace> data_space() override { return space; }

    Result<void> set_host_name(const std::string& name) override {
        host_name = name;
        return {};
    }

    Result<void> set_name_servers(const std::string& contents) override {
        resolv_conf = contents;
        return {};
    }

    std::string host_name;
    std::string resolv_conf;
    ports::DataSpace space{64u << 20, 60u << 20};
};

} // namespace sekisho::fakes

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/event_loop.hpp"
#include "drivers/system/files.hpp"
#include "firmware/ports/processes.hpp"

#include <map>
#include <optional>

#include <sys/types.h>

namespace sekisho::drivers {

/// Helper programs as children of the daemon. Each runs below a guard, a small fork of the daemon that stays root: the
/// kernel forgets the parent-death signal of a program that changes its user (chronyd does), so the guard is what
/// notices the daemon's death and ends the program with its whole process group (SIGTERM, after 3 s SIGKILL). A program
/// gets /dev/null as its three streams, no other descriptor, and an environment of PATH and LC_ALL only.
///
/// The standard error stream of a program that has output is a socket instead, on which the kernel attests the process
/// of every write (SO_PASSCRED, unix(7)); what one write holds are whole lines. It stays the same when the program is
/// started anew, so processes that the former one left behind go on being heard.
class ChildProcesses final : public ports::Processes {
public:
    /// The loop outlives this.
    explicit ChildProcesses(UvEventLoop& loop);
    /// Ends all of them and waits for it, at most a few seconds.
    ~ChildProcesses() override;
    ChildProcesses(const ChildProcesses&) = delete;
    ChildProcesses& operator=(const ChildProcesses&) = delete;

    /// An error where the program can't be started at all (it is not kept then). One that replaces another starts when
    /// that one has ended.
    Result<void> keep_running(const ports::ProcessSpecification& specification) override;
    void stop(std::string_view name) override;
    std::vector<std::string> running() override;
    void on_exit(std::function<void(std::string_view name, std::string_view how)> callback) override;
    void on_output(std::function<void(std::string_view name, const ports::OutputLine& line)> callback) override;
    Result<std::size_t> end_processes_of(std::uint32_t user_id, std::string_view program) override;

private:
    struct Child {
        std::optional<ports::ProcessSpecification> wanted; ///< nothing: it is being stopped
        ports::ProcessSpecification current;               ///< what runs, while `guard` is set
        bool was_stopped = false; ///< `current` was told to end: its end is no news, and what is wanted starts at once
        pid_t guard = 0;
        Descriptor guard_handle; ///< pidfd
        Descriptor report;       ///< what the guard tells of the program
        std::unique_ptr<Watch> watch;
        std::unique_ptr<ports::Timer> restart;
        Descriptor output;                      ///< what the program writes comes out here
        Descriptor output_writer;               ///< the program's end
        std::unique_ptr<Watch> output_watch;    ///< none while lines come too fast
        std::unique_ptr<ports::Timer> breather; ///< ends such a pause
        std::uint64_t delay_seconds = 1;
        std::int64_t started = 0; ///< monotonic seconds
    };

    Result<void> start(const std::string& name, Child& child);
    void on_guard_exit(const std::string& name);
    void restart_later(const std::string& name, Child& child);
    Result<void> open_output(const std::string& name, Child& child);
    void watch_output(const std::string& name, Child& child);
    void on_output_readable(const std::string& name);
    void report_exit(std::string_view name, std::string_view how);

    UvEventLoop& m_loop;
    std::map<std::string, Child, std::less<>> m_children;
    std::function<void(std::string_view, std::string_view)> m_on_exit;
    std::function<void(std::string_view, const ports::OutputLine&)> m_on_output;
};

} // namespace sekisho::drivers

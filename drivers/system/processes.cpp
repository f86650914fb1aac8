// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/processes.hpp"

#include "drivers/system/guard.hpp"
#include "drivers/system/process_table.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <span>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr std::uint64_t kLongestDelaySeconds = 60;
constexpr int kLongestEndMilliseconds = 5000; ///< the guard's grace time and some
constexpr int kMostWritesPerTurn = 64;        ///< of one program's output, before others have their turn
constexpr std::uint64_t kBreatherMilliseconds = 20;

std::int64_t monotonic_seconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/// glibc's <sys/pidfd.h> declares its function for C only.
int open_process(pid_t process) {
    return static_cast<int>(syscall(SYS_pidfd_open, process, 0));
}

/// One write of a program and who made it; nothing where none waits.
struct Written {
    ucred writer{};
    std::string_view bytes;
};

std::optional<Written> take_write(int socket, std::span<char> buffer) {
    iovec part{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) {
        return std::nullopt;
    }
    Written written;
    written.bytes = {buffer.data(), static_cast<std::size_t>(size)};
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
        std::memcpy(&written.writer, CMSG_DATA(header), sizeof written.writer);
    }
    return written;
}

std::string how_ended(int status) {
    if (WIFEXITED(status)) {
        return text::concat("ended with exit status ", text::to_text(static_cast<std::uint64_t>(WEXITSTATUS(status))));
    }
    const char* name = sigabbrev_np(WTERMSIG(status));
    return text::concat("was ended by signal ", name != nullptr ? name : "unknown");
}

/// A write as one line. Line feeds within it are a stranger's (sshd writes a user name as the client sent it): they
/// show as sshd shows other control characters, in octal, and begin no line.
std::string line_of(std::string_view written) {
    while (written.ends_with('\n') || written.ends_with('\r')) {
        written.remove_suffix(1);
    }
    std::string line;
    for (const char byte : written) {
        if (byte == '\n') {
            line += "\\012";
        } else if (byte == '\r') {
            line += "\\015";
        } else {
            line += byte;
        }
    }
    return line;
}

} // namespace

ChildProcesses::ChildProcesses(UvEventLoop& loop) : m_loop(loop) {}

ChildProcesses::~ChildProcesses() {
    for (auto& [name, child] : m_children) {
        if (child.guard > 0) {
            kill(child.guard, SIGTERM);
        }
    }
    for (auto& [name, child] : m_children) {
        if (child.guard > 0) {
            pollfd end{child.guard_handle.get(), POLLIN, 0};
            if (poll(&end, 1, kLongestEndMilliseconds) == 1) {
                waitpid(child.guard, nullptr, 0);
            }
        }
    }
}

Result<void> ChildProcesses::keep_running(const ports::ProcessSpecification& specification) {
    if (specification.argv.empty() || !specification.argv.front().starts_with('/')) {
        return std::unexpected(Error(Domain::process, specification.name, "the program needs an absolute path"));
    }
    Child& child = m_children[specification.name];
    if (child.wanted == specification) {
        return {};
    }
    child.wanted = specification;
    child.delay_seconds = 1;
    if (child.guard > 0) {
        child.was_stopped = true;
        kill(child.guard, SIGTERM); // its end starts the new one
        return {};
    }
    child.restart.reset();
    if (auto started = start(specification.name, child); !started) {
        m_children.erase(specification.name);
        return started;
    }
    return {};
}

void ChildProcesses::stop(std::string_view name) {
    const auto found = m_children.find(name);
    if (found == m_children.end()) {
        return;
    }
    if (found->second.guard > 0) {
        found->second.wanted.reset();
        found->second.was_stopped = true;
        kill(found->second.guard, SIGTERM);
    } else {
        m_children.erase(found);
    }
}

std::vector<std::string> ChildProcesses::running() {
    std::vector<std::string> names;
    for (const auto& [name, child] : m_children) {
        if (child.guard > 0 && child.wanted == child.current) {
            names.push_back(name);
        }
    }
    return names;
}

void ChildProcesses::on_exit(std::function<void(std::string_view, std::string_view)> callback) {
    m_on_exit = std::move(callback);
}

void ChildProcesses::report_exit(std::string_view name, std::string_view how) {
    if (m_on_exit) {
        m_on_exit(name, how);
    }
}

void ChildProcesses::on_output(std::function<void(std::string_view, const ports::OutputLine&)> callback) {
    m_on_output = std::move(callback);
}

Result<std::size_t> ChildProcesses::end_processes_of(std::uint32_t user_id, std::string_view program) {
    return drivers::end_processes_of(user_id, program);
}

Result<void> ChildProcesses::open_output(const std::string& name, Child& child) {
    if (!child.wanted->has_output) {
        child.output_watch.reset();
        child.breather.reset();
        child.output_writer.reset();
        child.output.reset();
        return {};
    }
    if (child.output.is_open()) {
        return {};
    }
    // Packets: a line is never glued to another process' line. The reader's credentials option makes the kernel attest
    // each of them.
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return std::unexpected(Error::from_errno(Domain::process, name, "has no output", errno));
    }
    child.output = Descriptor(ends[0]);
    child.output_writer = Descriptor(ends[1]);
    const int on = 1;
    if (setsockopt(child.output.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
        return std::unexpected(Error::from_errno(Domain::process, name, "has no output", errno));
    }
    child.breather = m_loop.make_timer([this, name] {
        if (const auto found = m_children.find(name); found != m_children.end()) {
            watch_output(name, found->second);
        }
    });
    watch_output(name, child);
    return {};
}

void ChildProcesses::watch_output(const std::string& name, Child& child) {
    child.output_watch = m_loop.watch_readable(child.output.get(), [this, name] { on_output_readable(name); });
}

void ChildProcesses::on_output_readable(const std::string& name) {
    std::array<char, ports::kMostOutputLine> buffer;
    for (int writes = 0; writes < kMostWritesPerTurn; ++writes) {
        const auto found = m_children.find(name); // the callback may have stopped it
        if (found == m_children.end() || !found->second.output.is_open()) {
            return;
        }
        const auto written = take_write(found->second.output.get(), buffer);
        if (!written) {
            return;
        }
        const std::string line = line_of(written->bytes);
        if (!line.empty() && m_on_output) {
            m_on_output(name, {static_cast<std::uint32_t>(written->writer.pid), written->writer.uid, line});
        }
    }
    if (const auto found = m_children.find(name); found != m_children.end() && found->second.breather) {
        found->second.output_watch.reset();
        found->second.breather->start_once(kBreatherMilliseconds);
    }
}

Result<void> ChildProcesses::start(const std::string& name, Child& child) {
    TRY(open_output(name, child));
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        return std::unexpected(Error::from_errno(Domain::process, name, "can't be started", errno));
    }
    Descriptor report(ends[0]);
    Descriptor report_writer(ends[1]);
    const pid_t parent = getpid();
    const pid_t guard = _Fork(); // without libuv's handlers: the guard has no loop. The daemon has one thread.
    if (guard == 0) {
        run_guard(child.wanted->argv, parent, report_writer.get(), child.output_writer.get());
    }
    if (guard < 0) {
        return std::unexpected(Error::from_errno(Domain::process, name, "can't be started", errno));
    }
    report_writer.reset();
    // without a report the guard died before it could say anything
    if (const int failure = read_report(report.get()).value_or(ECHILD); failure != 0) {
        waitpid(guard, nullptr, 0);
        return std::unexpected(Error::from_errno(Domain::process, name,
                                                 text::concat("can't start ", child.wanted->argv.front()), failure));
    }
    Descriptor handle(open_process(guard));
    auto watch =
        handle.is_open() ? m_loop.watch_readable(handle.get(), [this, name] { on_guard_exit(name); }) : nullptr;
    if (watch == nullptr) {
        kill(guard, SIGTERM);
        waitpid(guard, nullptr, 0);
        return std::unexpected(Error(Domain::process, name, "can't be watched"));
    }
    child.current = *child.wanted;
    child.was_stopped = false;
    child.guard = guard;
    child.guard_handle = std::move(handle);
    child.report = std::move(report);
    child.watch = std::move(watch);
    child.started = monotonic_seconds();
    return {};
}

void ChildProcesses::on_guard_exit(const std::string& name) {
    const auto found = m_children.find(name);
    if (found == m_children.end()) {
        return;
    }
    Child& child = found->second;
    const auto status = read_report(child.report.get());
    waitpid(std::exchange(child.guard, 0), nullptr, 0);
    child.watch.reset();
    child.guard_handle.reset();
    child.report.reset();

    if (!child.wanted) {
        m_children.erase(found);
        return;
    }
    std::string how = status ? how_ended(*status) : "was ended together with its guard";
    if (std::exchange(child.was_stopped, false)) {
        auto started = start(name, child);
        if (started) {
            return;
        }
        how = std::move(started).error().message();
    } else if (monotonic_seconds() - child.started >= static_cast<std::int64_t>(kLongestDelaySeconds)) {
        child.delay_seconds = 1;
    }
    restart_later(name, child);
    report_exit(name, how);
}

void ChildProcesses::restart_later(const std::string& name, Child& child) {
    child.restart = m_loop.make_timer([this, name] {
        const auto found = m_children.find(name);
        if (found == m_children.end() || !found->second.wanted || found->second.guard > 0) {
            return;
        }
        if (auto started = start(name, found->second); !started) {
            restart_later(name, found->second);
            report_exit(name, started.error().message());
        }
    });
    child.restart->start_once(child.delay_seconds * 1000);
    child.delay_seconds = std::min(child.delay_seconds * 2, kLongestDelaySeconds);
}

} // namespace sekisho::drivers

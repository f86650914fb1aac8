// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/guard.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr int kReport = 3;     ///< the pipe's descriptor in the guard
constexpr int kOutput = 4;     ///< what the program's standard error stream will be
constexpr int kExecReport = 5; ///< the program's start, from the child to the guard
constexpr time_t kGraceSeconds = 3;

void tell(int pipe, int value) {
    // A reader that is gone needs no report.
    [[maybe_unused]] const ssize_t written = write(pipe, &value, sizeof value);
}

void leave_streams_and(int first_to_close) {
    const int null = open("/dev/null", O_RDWR);
    for (int stream = 0; stream <= 2; ++stream) {
        null >= 0 ? dup2(null, stream) : close(stream);
    }
    close_range(static_cast<unsigned>(first_to_close), ~0u, 0);
}

/// Puts both descriptors in their places, whichever of these numbers they have now.
void place(int report, int output) {
    const int far_report = fcntl(report, F_DUPFD, kExecReport);
    const int far_output = fcntl(output, F_DUPFD, kExecReport);
    dup2(far_report, kReport);
    if (output < 0 || dup2(far_output, kOutput) < 0) {
        close(kOutput);
    }
}

[[noreturn]] void become(const std::vector<std::string>& argv, pid_t guard) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM); // if the guard itself is killed
    if (getppid() != guard) {
        _exit(127);
    }
    for (int number = 1; number < NSIG; ++number) {
        signal(number, SIG_DFL); // what the daemon ignores stays ignored otherwise
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    umask(022);
    if (chdir("/") == 0) {
        std::vector<char*> arguments;
        for (const auto& argument : argv) {
            arguments.push_back(const_cast<char*>(argument.c_str())); // execve doesn't write to them
        }
        arguments.push_back(nullptr);
        static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
        static char locale[] = "LC_ALL=C";
        const std::array<char*, 3> environment{path, locale, nullptr};
        execve(arguments.front(), arguments.data(), environment.data());
    }
    tell(kExecReport, errno);
    _exit(127);
}

/// Whether the program has ended within `seconds`; it stays a zombie.
bool wait_for_end(pid_t program, time_t seconds) {
    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    const timespec step{0, 100'000'000};
    for (time_t tenths = 0; tenths < seconds * 10; ++tenths) {
        siginfo_t end{};
        if (waitid(P_PID, static_cast<id_t>(program), &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            end.si_pid == program) {
            return true;
        }
        sigtimedwait(&child_ended, nullptr, &step);
    }
    return false;
}

/// Ends what is left of the program's process group and takes the program's wait status. The zombie keeps its number
/// from being used anew meanwhile.
int end_group(pid_t program) {
    kill(-program, SIGKILL);
    int status = 0;
    while (waitpid(program, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/// Waits until the program ends by itself (its status) or the guard is told to end it.
int watch_over(pid_t program, const sigset_t& waited) {
    for (;;) {
        siginfo_t end{};
        if (waitid(P_PID, static_cast<id_t>(program), &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            end.si_pid == program) {
            return end_group(program);
        }
        const int number = sigwaitinfo(&waited, nullptr);
        if (number == SIGTERM) {
            kill(-program, SIGTERM);
            wait_for_end(program, kGraceSeconds);
            return end_group(program);
        }
    }
}

} // namespace

std::optional<int> read_report(int pipe) {
    for (;;) {
        int value = 0;
        const ssize_t size = read(pipe, &value, sizeof value); // an int is written whole or not at all
        if (size == static_cast<ssize_t>(sizeof value)) {
            return value;
        }
        if (size >= 0 || errno != EINTR) {
            return std::nullopt;
        }
    }
}

void run_guard(const std::vector<std::string>& argv, pid_t parent, int report, int output) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr); // the daemon's handlers must not run here
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_NAME, "sekisho-guard");
    if (getppid() != parent) {
        _exit(127);
    }
    setpgid(0, 0); // a ^C on the daemon's terminal is the daemon's to handle
    place(report, output);
    leave_streams_and(kOutput + 1);
    if (output < 0) {
        dup2(STDERR_FILENO, kOutput); // /dev/null, so that the numbers below are the same
    }
    std::array<int, 2> exec_pipe{};
    if (pipe2(exec_pipe.data(), O_CLOEXEC) != 0) { // 5 to read, 6 to write
        tell(kReport, errno);
        _exit(127);
    }
    const pid_t guard = getpid();
    // not fork(): libuv's handler for it would close the descriptors whose numbers its own pipe had in the daemon
    const pid_t program = _Fork();
    if (program == 0) {
        dup2(kOutput, STDERR_FILENO);
        dup3(exec_pipe[1], kExecReport, O_CLOEXEC);
        close(kReport);
        close(kOutput);
        close_range(kExecReport + 1, ~0u, 0);
        become(argv, guard);
    }
    if (program < 0) {
        tell(kReport, errno);
        _exit(127);
    }
    setpgid(program, program); // whichever of the two is first
    close(kOutput);
    close(exec_pipe[1]);
    const int failure = read_report(exec_pipe[0]).value_or(0); // closed by execve where it succeeds
    close(exec_pipe[0]);
    tell(kReport, failure);
    if (failure != 0) {
        end_group(program);
        _exit(127);
    }
    sigset_t waited;
    sigemptyset(&waited);
    sigaddset(&waited, SIGTERM);
    sigaddset(&waited, SIGCHLD);
    tell(kReport, watch_over(program, waited));
    _exit(0);
}

} // namespace sekisho::drivers

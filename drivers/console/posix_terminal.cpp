// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/console/posix_terminal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <utility>

#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr std::size_t kBlock = 4096;

/// Told to end, or the terminal is gone.
constexpr std::array kEndingSignals{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
/// Would stop the process.
constexpr std::array kStoppingSignals{SIGTSTP, SIGTTIN, SIGTTOU};

Error terminal_error(std::string_view place, std::string_view what, int number) {
    return Error::from_errno(Domain::system, std::string(place), what, number);
}

std::int64_t milliseconds_now() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

/// poll() that goes on after a signal, for as long as is left.
int wait_for(std::array<pollfd, 2>& wanted, std::optional<std::uint64_t> timeout_ms) {
    constexpr std::uint64_t kMost = std::numeric_limits<int>::max();
    const std::int64_t began = milliseconds_now();
    for (;;) {
        int left = -1;
        if (timeout_ms) {
            const auto passed = static_cast<std::uint64_t>(milliseconds_now() - began);
            left = static_cast<int>(std::min(*timeout_ms - std::min(*timeout_ms, passed), kMost));
        }
        const int ready = poll(wanted.data(), wanted.size(), left);
        if (ready >= 0 || errno != EINTR) {
            return ready;
        }
    }
}

} // namespace

struct PosixTerminal::Former {
    std::optional<termios> settings;
    std::optional<sigset_t> blocked;
    std::array<struct sigaction, kStoppingSignals.size()> stopping{};
    struct sigaction broken_pipe{};
};

PosixTerminal::PosixTerminal(Streams streams)
    : m_streams(streams),
      m_is_interactive(isatty(streams.input) == 1 && isatty(streams.output) == 1),
      m_former(std::make_unique<Former>()) {
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &m_former->broken_pipe);
}

PosixTerminal::~PosixTerminal() {
    if (m_former->settings) {
        // at once: a line that takes no output would keep the process
        tcsetattr(m_streams.input, TCSANOW, &*m_former->settings);
    }
    if (m_former->blocked) {
        // What ended the session was obeyed: it must not end the process once more.
        signalfd_siginfo received{};
        while (::read(m_signals.get(), &received, sizeof received) > 0) {
        }
        for (std::size_t i = 0; i < kStoppingSignals.size(); ++i) {
            sigaction(kStoppingSignals[i], &m_former->stopping[i], nullptr);
        }
        sigprocmask(SIG_SETMASK, &*m_former->blocked, nullptr);
    }
    sigaction(SIGPIPE, &m_former->broken_pipe, nullptr);
}

bool PosixTerminal::is_interactive() {
    return m_is_interactive;
}

Result<void> PosixTerminal::take_control() {
    TRY(take_signals());
    if (is_interactive()) {
        TRY(take_keys());
    }
    return {};
}

Result<void> PosixTerminal::take_signals() {
    if (m_signals.is_open()) {
        return {};
    }
    sigset_t ending;
    sigemptyset(&ending);
    for (const int signal : kEndingSignals) {
        sigaddset(&ending, signal);
    }
    sigset_t before;
    if (sigprocmask(SIG_BLOCK, &ending, &before) != 0) {
        return std::unexpected(terminal_error("terminal", "signals can't be held back", errno));
    }
    m_former->blocked = before;
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    for (std::size_t i = 0; i < kStoppingSignals.size(); ++i) {
        sigaction(kStoppingSignals[i], &ignore, &m_former->stopping[i]);
    }
    // Whoever started the process may have had it ignore one of them, as nohup does; then it would never be readable.
    struct sigaction usual{};
    usual.sa_handler = SIG_DFL;
    for (const int signal : kEndingSignals) {
        sigaction(signal, &usual, nullptr);
    }
    m_signals = Descriptor(signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!m_signals.is_open()) {
        return std::unexpected(terminal_error("terminal", "signals can't be read", errno));
    }
    return {};
}

Result<void> PosixTerminal::take_keys() {
    termios settings{};
    if (tcgetattr(m_streams.input, &settings) != 0) {
        return std::unexpected(terminal_error("terminal", "its settings can't be read", errno));
    }
    if (!m_former->settings) {
        m_former->settings = settings;
    }
    // A break is not a key, and nothing that is typed stops the output: there is no key that the program does not see.
    settings.c_iflag &=
        static_cast<tcflag_t>(~(BRKINT | INPCK | ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXOFF | PARMRK));
    settings.c_iflag |= IGNBRK | IGNPAR;
    settings.c_lflag &= static_cast<tcflag_t>(~(ECHO | ECHONL | ICANON | ISIG | IEXTEN));
    settings.c_oflag |= OPOST | ONLCR;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    if (tcsetattr(m_streams.input, TCSANOW, &settings) != 0) {
        return std::unexpected(terminal_error("terminal", "its settings can't be changed", errno));
    }
    // tcsetattr succeeds when it could do any of it
    termios made{};
    if (tcgetattr(m_streams.input, &made) != 0 || (made.c_lflag & (ECHO | ICANON | ISIG)) != 0) {
        return std::unexpected(Error(Domain::system, "terminal", "its echo can't be turned off"));
    }
    return {};
}

void PosixTerminal::discard_typed() {
    if (m_is_interactive) {
        tcflush(m_streams.input, TCIFLUSH);
    }
}

Result<ports::Input> PosixTerminal::read(std::optional<std::uint64_t> timeout_ms) {
    for (;;) {
        std::array wanted{pollfd{m_streams.input, POLLIN, 0}, pollfd{m_signals.get(), POLLIN, 0}};
        const int ready = wait_for(wanted, timeout_ms);
        if (ready < 0) {
            return std::unexpected(terminal_error("standard input", "can't be waited for", errno));
        }
        if (ready == 0) {
            return ports::Input{.kind = ports::Input::Kind::timed_out, .bytes = {}};
        }
        if (wanted[1].revents != 0) { // never read: it stays so
            return ports::Input{.kind = ports::Input::Kind::hung_up, .bytes = {}};
        }
        std::string bytes(kBlock, '\0');
        const ssize_t count = ::read(m_streams.input, bytes.data(), bytes.size());
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        // the other end of a pseudo-terminal was closed: EIO; a terminal that hung up: the end
        if ((count < 0 && errno == EIO) || (count == 0 && m_former->settings)) {
            return ports::Input{.kind = ports::Input::Kind::hung_up, .bytes = {}};
        }
        if (count < 0) {
            return std::unexpected(terminal_error("standard input", "can't be read", errno));
        }
        bytes.resize(static_cast<std::size_t>(count));
        return ports::Input{.kind = count == 0 ? ports::Input::Kind::ended : ports::Input::Kind::bytes,
                            .bytes = std::move(bytes)};
    }
}

Result<void> PosixTerminal::write(std::string_view bytes) {
    return write_to(m_streams.output, bytes, "standard output");
}

Result<void> PosixTerminal::write_error(std::string_view bytes) {
    return write_to(m_streams.errors, bytes, "standard error");
}

Result<void> PosixTerminal::write_to(int stream, std::string_view bytes, std::string_view name) {
    while (!bytes.empty()) {
        // a line that takes nothing must not keep a process that was told to end
        std::array wanted{pollfd{stream, POLLOUT, 0}, pollfd{m_signals.get(), POLLIN, 0}};
        if (wait_for(wanted, std::nullopt) < 0) {
            return std::unexpected(terminal_error(name, "can't be waited for", errno));
        }
        if (wanted[0].revents == 0) {
            return std::unexpected(Error(Domain::system, std::string(name), "the session was ended"));
        }
        const ssize_t count = ::write(stream, bytes.data(), std::min(bytes.size(), kBlock));
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (count < 0) {
            return std::unexpected(terminal_error(name, "can't be written", errno));
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

bool PosixTerminal::is_abandoned(std::uint64_t grace_ms) {
    std::array wanted{pollfd{m_streams.output, 0, 0}, pollfd{m_signals.get(), POLLIN, 0}};
    return wait_for(wanted, grace_ms) != 0;
}

std::uint32_t PosixTerminal::user_id() {
    return geteuid();
}

Result<void> PosixTerminal::become(std::uint32_t user_id, std::uint32_t group_id) {
    if (user_id == 0 || group_id == 0) {
        return std::unexpected(Error(Domain::account, "session", "no session runs as the superuser"));
    }
    const gid_t group = group_id;
    const rlimit no_core{};
    if (setgroups(1, &group) != 0 || setresgid(group_id, group_id, group_id) != 0 ||
        setresuid(user_id, user_id, user_id) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        setrlimit(RLIMIT_CORE, &no_core) != 0) {
        return std::unexpected(terminal_error("session", "can't become the account", errno));
    }
    // believed only when tried: kept capabilities or a kernel that refused silently would show here
    const bool can_return = setresuid(0, 0, 0) == 0 || seteuid(0) == 0 || setresgid(0, 0, 0) == 0 || setegid(0) == 0 ||
                            setgroups(0, nullptr) == 0;
    std::array<gid_t, 2> groups{};
    const int count = getgroups(static_cast<int>(groups.size()), groups.data());
    if (can_return || getuid() != user_id || geteuid() != user_id || getgid() != group_id || getegid() != group_id ||
        count != 1 || groups[0] != group_id) {
        return std::unexpected(Error(Domain::account, "session", "the superuser's rights were not given up"));
    }
    return {};
}

std::string PosixTerminal::ssh_connection() {
    const char* connection = std::getenv("SSH_CONNECTION");
    return connection == nullptr ? std::string() : std::string(connection);
}

} // namespace sekisho::drivers

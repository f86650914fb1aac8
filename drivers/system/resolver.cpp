// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/system/resolver.hpp"

#include "drivers/system/files.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

constexpr std::uint64_t kTimeoutMilliseconds = 10'000;
constexpr std::size_t kMostAddresses = 16;

/// One address, or how the look-up failed, on the way from the child. A pipe keeps so few bytes together.
struct Report {
    int status = 0; ///< of getaddrinfo; the rest is there where it is 0
    int family = 0;
    std::array<std::uint8_t, 16> bytes{};
};

constexpr std::size_t kMostReport = kMostAddresses * sizeof(Report);

Error lookup_error(const std::string& host, std::string cause) {
    return Error(Domain::network, text::escape_for_terminal(host), std::move(cause));
}

Error failure(const std::string& host, int status) {
    switch (status) {
    case EAI_NONAME:
    case EAI_NODATA:
        return lookup_error(host, "no such host, the name servers say");
    case EAI_AGAIN:
        return lookup_error(host, "no name server answers");
    case EAI_FAIL:
        return lookup_error(host, "a name server refused to look it up");
    default:
        return lookup_error(host, text::concat("can't be looked up: ", gai_strerror(status)));
    }
}

/// Fills in as many reports as there are addresses that the product can use.
std::size_t look_up(const char* host, std::array<Report, kMostAddresses>& reports) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM; // one entry per address
    addrinfo* found = nullptr;
    const int status = getaddrinfo(host, nullptr, &hints, &found);
    if (status != 0) {
        reports[0].status = status;
        return 1;
    }
    std::size_t count = 0;
    for (const addrinfo* entry = found; entry != nullptr && count < reports.size(); entry = entry->ai_next) {
        Report& report = reports[count];
        report.family = entry->ai_family;
        if (entry->ai_family == AF_INET) {
            sockaddr_in address{};
            std::memcpy(&address, entry->ai_addr, sizeof address);
            std::memcpy(report.bytes.data(), &address.sin_addr, sizeof address.sin_addr);
            ++count;
        } else if (entry->ai_family == AF_INET6) {
            sockaddr_in6 address{};
            std::memcpy(&address, entry->ai_addr, sizeof address);
            std::memcpy(report.bytes.data(), &address.sin6_addr, sizeof address.sin6_addr);
            ++count;
        }
    }
    freeaddrinfo(found);
    if (count == 0) {
        reports[0].status = EAI_NONAME;
        return 1;
    }
    return count;
}

/// The child's whole life.
[[noreturn]] void run_child(const std::string& host, int output, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(EXIT_FAILURE);
    }
    // Connections that the daemon closes meanwhile must not stay open here.
    dup2(output, STDIN_FILENO);
    close_range(STDERR_FILENO + 1, ~0u, 0);
    std::array<Report, kMostAddresses> reports{};
    const std::size_t count = look_up(host.c_str(), reports);
    const ssize_t written = write(STDIN_FILENO, reports.data(), count * sizeof(Report));
    _exit(written > 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

struct Child {
    pid_t id = -1;
    Descriptor report;
};

Result<Child> start_child(const std::string& host) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        return std::unexpected(Error::from_errno(Domain::process, host, "no look-up can be started", errno));
    }
    const Descriptor output(ends[1]);
    Child child;
    child.report = Descriptor(ends[0]);
    // The daemon's handlers write to descriptors that the child shares with it: no signal may reach them in the child.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t parent = getpid();
    child.id = fork();
    if (child.id == 0) {
        for (int number = 1; number < NSIG; ++number) {
            signal(number, SIG_DFL);
        }
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        run_child(host, output.get(), parent);
    }
    const int number = errno;
    sigprocmask(SIG_SETMASK, &before, nullptr);
    if (child.id < 0) {
        return std::unexpected(Error::from_errno(Domain::process, host, "no look-up can be started", number));
    }
    return child;
}

Result<std::vector<IpAddress>> addresses_in(const std::string& host, std::string_view bytes) {
    std::vector<IpAddress> addresses;
    for (; bytes.size() >= sizeof(Report); bytes.remove_prefix(sizeof(Report))) {
        Report report;
        std::memcpy(&report, bytes.data(), sizeof report);
        if (report.status != 0) {
            return std::unexpected(failure(host, report.status));
        }
        const Family family = report.family == AF_INET ? Family::ipv4 : Family::ipv6;
        addresses.push_back(
            IpAddress::from_bytes(family, std::span(report.bytes).first(family == Family::ipv4 ? 4 : 16)));
    }
    if (addresses.empty()) {
        return std::unexpected(lookup_error(host, "the look-up ended without an answer"));
    }
    return addresses;
}

class ChildLookup final : public ports::Lookup {
public:
    ChildLookup(UvEventLoop& loop, std::string host, ports::Resolver::OnDone on_done)
        : m_host(std::move(host)), m_on_done(std::move(on_done)) {
        m_timer = loop.make_timer([this] { finish(std::unexpected(lookup_error(m_host, "no name server answers"))); });
        start(loop);
    }

    ~ChildLookup() override { end_child(); }

    ChildLookup(const ChildLookup&) = delete;
    ChildLookup& operator=(const ChildLookup&) = delete;

private:
    void start(UvEventLoop& loop) {
        if (auto address = IpAddress::parse(m_host)) {
            finish_later(loop, std::vector{*address});
            return;
        }
        auto child = start_child(m_host);
        if (!child) {
            finish_later(loop, std::unexpected(std::move(child).error()));
            return;
        }
        m_child = *std::move(child);
        m_watch = loop.watch_readable(m_child.report.get(), [this] { read_report(); });
        if (m_watch == nullptr) {
            finish_later(loop, std::unexpected(lookup_error(m_host, "the look-up can't be watched")));
            return;
        }
        m_timer->start_once(kTimeoutMilliseconds);
    }

    /// Callers don't expect an answer before they have the look-up.
    void finish_later(UvEventLoop& loop, Result<std::vector<IpAddress>> result) {
        m_timer = loop.make_timer([this, result = std::move(result)] { finish(result); });
        m_timer->start_once(0);
    }

    void read_report() {
        auto report = read_to_end_of_child();
        if (report) {
            finish(addresses_in(m_host, *report));
        }
    }

    /// Nothing as long as the child may still write.
    std::optional<std::string> read_to_end_of_child() {
        std::array<char, kMostReport> buffer; // NOLINT(*-member-init): filled by read
        const ssize_t size = read(m_child.report.get(), buffer.data(), buffer.size());
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            return std::nullopt;
        }
        m_report.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        if (size > 0 && m_report.size() < kMostReport) {
            return std::nullopt;
        }
        return m_report;
    }

    /// The callback may destroy this object: nothing of it is touched behind the call.
    void finish(Result<std::vector<IpAddress>> result) {
        end_child();
        const auto on_done = std::move(m_on_done);
        on_done(std::move(result));
    }

    void end_child() {
        m_watch.reset();
        m_timer->stop();
        if (m_child.id > 0) {
            kill(m_child.id, SIGKILL);
            while (waitpid(m_child.id, nullptr, 0) < 0 && errno == EINTR) {
            }
            m_child = {};
        }
    }

    std::string m_host;
    ports::Resolver::OnDone m_on_done;
    std::unique_ptr<ports::Timer> m_timer;
    Child m_child;
    std::unique_ptr<Watch> m_watch;
    std::string m_report;
};

} // namespace

std::unique_ptr<ports::Lookup> SystemResolver::resolve(const std::string& host, OnDone on_done) {
    return std::make_unique<ChildLookup>(m_loop, host, std::move(on_done));
}

} // namespace sekisho::drivers

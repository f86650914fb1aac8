// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/nft_command.hpp"

#include "policy/base/text.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <nftables/libnftables.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sekisho::drivers {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostReport = 64 * 1024; ///< of nft's messages; the first one is what counts
constexpr char kAccepted = 'A';
constexpr char kRefused = 'R';

void write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) {
            return; // nobody reads any more: the parent has given up on this child
        }
        if (written > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
    }
}

/// The child's whole life.
[[noreturn]] void run_child(const std::string& text, int report_descriptor, pid_t parent) {
    // A child that outlived the daemon could commit an old policy over the one that the next daemon loads.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(EXIT_FAILURE);
    }
    // Only of a file does nft report lines; of a buffer it shows the first line, whichever is meant.
    const int input = memfd_create("nft", 0);
    write_all(input, text);
    if (input < 0 || lseek(input, 0, SEEK_SET) != 0 || dup2(input, STDIN_FILENO) < 0) {
        _exit(EXIT_FAILURE);
    }
    nft_ctx* context = nft_ctx_new(NFT_CTX_DEFAULT);
    if (context == nullptr || nft_ctx_buffer_error(context) != 0 || nft_ctx_buffer_output(context) != 0) {
        _exit(EXIT_FAILURE);
    }
    nft_ctx_input_set_flags(context, NFT_CTX_INPUT_NO_DNS);
    const bool accepted = nft_run_cmd_from_filename(context, "/dev/stdin") == 0;
    std::string report(1, accepted ? kAccepted : kRefused);
    report.append(std::string_view(nft_ctx_get_error_buffer(context)).substr(0, kMostReport));
    write_all(report_descriptor, report);
    _exit(EXIT_SUCCESS);
}

struct Child {
    pid_t id = -1;
    int report = -1;
};

Result<Child> start_child(const std::string& text) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        return std::unexpected(Error::from_errno(Domain::process, "nft", "make a pipe", errno));
    }
    // The daemon's handlers write to descriptors that the child shares with it: no signal may reach them in the child.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t parent = getpid();
    const pid_t id = fork();
    if (id == 0) {
        for (int number = 1; number < NSIG; ++number) {
            signal(number, SIG_DFL);
        }
        signal(SIGPIPE, SIG_IGN);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        close(ends[0]);
        run_child(text, ends[1], parent);
    }
    const int number = errno;
    sigprocmask(SIG_SETMASK, &before, nullptr);
    close(ends[1]);
    if (id < 0) {
        close(ends[0]);
        return std::unexpected(Error::from_errno(Domain::process, "nft", "start a child process", number));
    }
    return Child{.id = id, .report = ends[0]};
}

/// Everything the child wrote, or nothing when it took longer than allowed.
std::optional<std::string> read_report(int descriptor, std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    std::string report;
    std::array<char, 4096> buffer{};
    while (true) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        pollfd waiting{.fd = descriptor, .events = POLLIN, .revents = 0};
        const int ready = left.count() > 0 ? poll(&waiting, 1, static_cast<int>(left.count())) : 0;
        if (ready == 0) {
            return std::nullopt;
        }
        if (ready < 0) {
            if (errno == EINTR) {
                continue;
            }
            return std::nullopt;
        }
        const ssize_t size = read(descriptor, buffer.data(), buffer.size());
        if (size == 0) {
            return report;
        }
        if (size > 0) {
            report.append(buffer.data(), static_cast<std::size_t>(size));
        } else if (errno != EINTR) {
            return std::nullopt;
        }
    }
}

/// Takes the ended child off the process table and says how it ended.
std::string collect(pid_t id) {
    int status = 0;
    while (waitpid(id, &status, 0) < 0) {
        if (errno != EINTR) {
            return "its end could not be seen";
        }
    }
    if (WIFSIGNALED(status)) {
        return text::concat("ended by signal ", text::to_text(static_cast<std::uint64_t>(WTERMSIG(status))));
    }
    return text::concat("ended with status ", text::to_text(static_cast<std::uint64_t>(WEXITSTATUS(status))));
}

/// Line number (from 1) in a message such as "/dev/stdin:12:5-9: Error: …"; 0 where there is none.
std::size_t line_of(std::string_view message) {
    const std::size_t name_end = message.find(':');
    if (name_end == std::string_view::npos) {
        return 0;
    }
    message.remove_prefix(name_end + 1);
    const auto number = text::parse_unsigned(message.substr(0, message.find(':')));
    return static_cast<std::size_t>(number.value_or(0));
}

std::string_view between(std::string_view text, std::string_view before, std::string_view after) {
    const std::size_t begin = text.find(before);
    if (begin == std::string_view::npos) {
        return {};
    }
    text.remove_prefix(begin + before.size());
    return text.substr(0, text.find(after));
}

/// What the line of carets below the quoted line points at.
std::string_view pointed_at(const std::vector<std::string_view>& report) {
    if (report.size() < 3) {
        return {};
    }
    const std::size_t first = report[2].find('^');
    const std::size_t last = report[2].rfind('^');
    if (first == std::string_view::npos || first >= report[1].size()) {
        return {};
    }
    return report[1].substr(first, last - first + 1);
}

} // namespace

Result<NftOutcome> run_nft(const std::string& text, std::chrono::milliseconds timeout) {
    const Child child = TRY(start_child(text));
    const std::optional<std::string> report = read_report(child.report, timeout);
    if (!report) {
        kill(child.id, SIGKILL);
    }
    close(child.report);
    const std::string end = collect(child.id);
    if (!report) {
        return NftOutcome{.kind = NftOutcome::Kind::unknown,
                          .report = text::concat("nft took longer than ",
                                                 text::to_text(static_cast<std::uint64_t>(timeout.count())), " ms")};
    }
    if (report->empty()) {
        return NftOutcome{.kind = NftOutcome::Kind::unknown, .report = text::concat("nft gave no report: ", end)};
    }
    return NftOutcome{.kind = report->front() == kAccepted ? NftOutcome::Kind::accepted : NftOutcome::Kind::refused,
                      .report = report->substr(1)};
}

Error error_from_report(const std::string& text, const std::string& report) {
    const std::vector<std::string_view> messages = text::split(report, '\n');
    const std::size_t number = line_of(messages.front());
    const std::vector<std::string_view> lines = text::split(text, '\n');
    std::string place;
    if (number > 0 && number <= lines.size()) {
        place = std::string(between(lines[number - 1], "comment \"", "\""));
        if (place.empty()) {
            place = text::concat("nft line ", text::to_text(number));
        }
    }
    std::string cause(between(messages.front(), "Error: ", "\n"));
    if (cause.empty()) {
        cause = messages.front().empty() ? std::string("nft refused without a message") : std::string(messages.front());
    }
    if (const std::string_view words = pointed_at(messages); !words.empty()) {
        cause += text::concat(" (at \"", words.substr(0, 120), "\")");
    }
    return Error(Domain::kernel, std::move(place), std::move(cause));
}

} // namespace sekisho::drivers

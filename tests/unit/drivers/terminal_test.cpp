// SPDX-License-Identifier: GPL-2.0-or-later
// The terminal as a program of a session meets it: a pseudo-terminal, a pipe, a socket, and what ends them.
#include "drivers/console/posix_terminal.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>

#include <CppUTest/TestHarness.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

using namespace sekisho;
using drivers::Descriptor;
using drivers::PosixTerminal;
using Kind = ports::Input::Kind;

namespace {

constexpr std::uint64_t kSoonMilliseconds = 5'000; // for what comes at once
constexpr int kSilenceMilliseconds = 100;          // for what must not come

struct Pair {
    Descriptor ours;
    Descriptor other;
};

Pair socket_pair() {
    std::array<int, 2> ends{-1, -1};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// `ours` is the end that is read.
Pair pipe_pair() {
    std::array<int, 2> ends{-1, -1};
    CHECK(pipe2(ends.data(), O_CLOEXEC) == 0);
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// `ours` is the terminal, `other` who sits at it.
Pair terminal_pair() {
    Descriptor person(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    CHECK(person.is_open() && grantpt(person.get()) == 0 && unlockpt(person.get()) == 0);
    std::array<char, 64> name{};
    CHECK(ptsname_r(person.get(), name.data(), name.size()) == 0);
    Descriptor terminal(open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    CHECK(terminal.is_open());
    return {std::move(terminal), std::move(person)};
}

void send(const Descriptor& to, std::string_view bytes) {
    LONGS_EQUAL(bytes.size(), write(to.get(), bytes.data(), bytes.size()));
}

/// What is there to read within the time.
std::string received(const Descriptor& from, int wait_ms) {
    std::string text;
    for (pollfd wanted{from.get(), POLLIN, 0}; poll(&wanted, 1, wait_ms) == 1 && (wanted.revents & POLLIN) != 0;) {
        std::array<char, 256> buffer{};
        const ssize_t count = read(from.get(), buffer.data(), buffer.size());
        if (count <= 0) {
            break;
        }
        text.append(buffer.data(), static_cast<std::size_t>(count));
        wait_ms = kSilenceMilliseconds;
    }
    return text;
}

PosixTerminal::Streams streams_of(const Pair& pair) {
    return {.input = pair.ours.get(), .output = pair.ours.get(), .errors = pair.ours.get()};
}

std::string read_bytes(PosixTerminal& terminal) {
    const auto input = terminal.read(kSoonMilliseconds);
    CHECK(input.has_value() && input->kind == Kind::bytes);
    return input->bytes;
}

Kind read_kind(PosixTerminal& terminal, std::uint64_t timeout_ms = kSoonMilliseconds) {
    const auto input = terminal.read(timeout_ms);
    CHECK(input.has_value());
    return input->kind;
}

} // namespace

TEST_GROUP(terminal){};

TEST(terminal, keys_come_one_by_one_unechoed_and_without_meaning) {
    const Pair pair = terminal_pair();
    PosixTerminal terminal(streams_of(pair));
    CHECK(terminal.is_interactive());
    CHECK(terminal.take_control().has_value());
    const std::string keys("\x03\x1a\x1c\x04\x13\x11\x7f\x15\r\n\0\xff", 12);
    send(pair.other, "secret");
    STRCMP_EQUAL("secret", read_bytes(terminal).c_str());
    send(pair.other, keys);
    CHECK(read_bytes(terminal) == keys);
    STRCMP_EQUAL("", received(pair.other, kSilenceMilliseconds).c_str());
    CHECK(terminal.write("a\nb").has_value());
    STRCMP_EQUAL("a\r\nb", received(pair.other, kSoonMilliseconds).c_str());
}

TEST(terminal, settings_and_signals_are_put_back_at_the_end) {
    const Pair pair = terminal_pair();
    termios before{};
    LONGS_EQUAL(0, tcgetattr(pair.ours.get(), &before));
    sigset_t mask_before{};
    sigprocmask(SIG_SETMASK, nullptr, &mask_before);
    {
        PosixTerminal terminal(streams_of(pair));
        CHECK(terminal.take_control().has_value());
        CHECK(terminal.take_control().has_value()); // changes nothing
        raise(SIGTERM);
        CHECK(read_kind(terminal) == Kind::hung_up);
    }
    termios after{};
    LONGS_EQUAL(0, tcgetattr(pair.ours.get(), &after));
    LONGS_EQUAL(before.c_lflag, after.c_lflag);
    LONGS_EQUAL(before.c_iflag, after.c_iflag);
    sigset_t mask_after{};
    sigprocmask(SIG_SETMASK, nullptr, &mask_after);
    LONGS_EQUAL(sigismember(&mask_before, SIGTERM), sigismember(&mask_after, SIGTERM));
}

TEST(terminal, what_was_typed_before_can_be_forgotten) {
    const Pair pair = terminal_pair();
    PosixTerminal terminal(streams_of(pair));
    CHECK(terminal.take_control().has_value());
    send(pair.other, "early");
    pollfd wanted{pair.ours.get(), POLLIN, 0};
    LONGS_EQUAL(1, poll(&wanted, 1, static_cast<int>(kSoonMilliseconds)));
    terminal.discard_typed();
    send(pair.other, "late");
    STRCMP_EQUAL("late", read_bytes(terminal).c_str());
}

TEST(terminal, a_terminal_that_is_gone_hangs_up_and_stays_so) {
    Pair pair = terminal_pair();
    PosixTerminal terminal(streams_of(pair));
    CHECK(terminal.take_control().has_value());
    pair.other.reset();
    CHECK(read_kind(terminal) == Kind::hung_up);
    CHECK(read_kind(terminal) == Kind::hung_up);
    CHECK(!terminal.write("nobody reads this").has_value());
}

TEST(terminal, requests_to_end_are_input) {
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
        const Pair pair = socket_pair();
        PosixTerminal terminal(streams_of(pair));
        CHECK(!terminal.is_interactive());
        CHECK(terminal.take_control().has_value());
        send(pair.other, "x");
        raise(signal);
        CHECK(read_kind(terminal) == Kind::hung_up); // before what may be half a command
        CHECK(read_kind(terminal) == Kind::hung_up);
        CHECK(terminal.is_abandoned(0));
    }
}

TEST(terminal, a_request_to_end_that_was_ignored_before_is_heard) {
    struct sigaction ignore{};
    struct sigaction before{};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGHUP, &ignore, &before);
    const Pair pair = socket_pair();
    {
        PosixTerminal terminal(streams_of(pair));
        CHECK(terminal.take_control().has_value());
        raise(SIGHUP);
        CHECK(read_kind(terminal, 0) == Kind::hung_up);
    }
    sigaction(SIGHUP, &before, nullptr);
}

TEST(terminal, signals_that_stop_programs_stop_no_session) {
    const Pair pair = socket_pair();
    PosixTerminal terminal(streams_of(pair));
    CHECK(terminal.take_control().has_value());
    raise(SIGTSTP);
    raise(SIGTTIN);
    raise(SIGTTOU);
    CHECK(read_kind(terminal, 0) == Kind::timed_out);
}

TEST(terminal, a_pipe_has_bytes_silence_and_an_end) {
    Pair pair = pipe_pair();
    PosixTerminal terminal({.input = pair.ours.get(), .output = pair.ours.get(), .errors = pair.ours.get()});
    CHECK(read_kind(terminal, 0) == Kind::timed_out);
    send(pair.other, "one");
    STRCMP_EQUAL("one", read_bytes(terminal).c_str());
    pair.other.reset();
    CHECK(read_kind(terminal) == Kind::ended);
}

TEST(terminal, a_reader_that_went_away_is_an_error) {
    Pair pair = pipe_pair();
    PosixTerminal terminal({.input = pair.ours.get(), .output = pair.other.get(), .errors = pair.other.get()});
    CHECK(terminal.write("x").has_value());
    pair.ours.reset();
    CHECK(!terminal.write("x").has_value());
    CHECK(!terminal.write_error("x").has_value());
}

TEST(terminal, a_reader_that_takes_nothing_does_not_keep_a_session_that_was_told_to_end) {
    const Pair pair = pipe_pair();
    PosixTerminal terminal({.input = pair.ours.get(), .output = pair.other.get(), .errors = pair.other.get()});
    CHECK(terminal.take_control().has_value());
    raise(SIGTERM);
    const auto written = terminal.write(std::string(1u << 20, 'x')); // more than a pipe holds
    CHECK(!written.has_value());
    CHECK(written.error().message().contains("ended"));
}

TEST(terminal, an_input_that_ended_is_told_from_a_connection_that_did) {
    Pair socket = socket_pair();
    PosixTerminal over_socket(streams_of(socket));
    CHECK(shutdown(socket.other.get(), SHUT_WR) == 0);
    CHECK(read_kind(over_socket) == Kind::ended);
    CHECK(!over_socket.is_abandoned(kSilenceMilliseconds));
    socket.other.reset();
    CHECK(over_socket.is_abandoned(0));

    Pair input = pipe_pair();
    Pair output = pipe_pair();
    PosixTerminal over_pipes({.input = input.ours.get(), .output = output.other.get(), .errors = output.other.get()});
    input.other.reset();
    CHECK(read_kind(over_pipes) == Kind::ended);
    CHECK(!over_pipes.is_abandoned(kSilenceMilliseconds));
    output.ours.reset();
    CHECK(over_pipes.is_abandoned(0));
}

TEST(terminal, no_session_runs_as_the_superuser) {
    PosixTerminal terminal;
    CHECK(!terminal.become(0, 2000).has_value());
    CHECK(!terminal.become(2000, 0).has_value());
}

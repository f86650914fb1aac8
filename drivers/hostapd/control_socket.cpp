// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/hostapd/control_socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>

namespace sekisho::drivers::hostapd {

namespace {

constexpr std::size_t kMostMessage = 8192; // hostapd's own answers have at most 4096 bytes
constexpr int kMostReads = 64;             ///< per turn of the loop
constexpr unsigned kCheckAfter = 5;        ///< seconds
constexpr unsigned kMostWait = 5;          ///< seconds for an answer
constexpr std::size_t kMostQuestions = 4096;

} // namespace

ControlSocket::ControlSocket(UvEventLoop& loop, std::string path, Listener listener)
    : m_loop(loop), m_path(std::move(path)), m_listener(std::move(listener)) {}

void ControlSocket::tick() {
    if (!m_socket.is_open()) {
        connect();
        return;
    }
    if (m_is_asked && ++m_waits > kMostWait) {
        close(); // whatever sits there does not answer
        return;
    }
    if (m_is_attached && ++m_quiet >= kCheckAfter) {
        m_quiet = 0;
        ask(Command::is_attached);
    }
}

void ControlSocket::connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (m_path.size() >= sizeof address.sun_path) {
        return; // it can't be there either
    }
    std::memcpy(address.sun_path, m_path.data(), m_path.size());
    Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un own{};
    own.sun_family = AF_UNIX;
    // an address of the kernel's choice (unix(7), autobind), so that there is somewhere to answer to
    if (!socket.is_open() || bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own.sun_family) != 0 ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return; // not there yet
    }
    m_watch = m_loop.watch_readable(socket.get(), [this] { on_readable(); });
    if (m_watch != nullptr) {
        m_socket = std::move(socket);
        ask(Command::attach);
    }
}

void ControlSocket::close() {
    m_watch.reset();
    m_socket.reset();
    m_questions.clear();
    m_is_asked = false;
    m_is_attached = false;
    m_waits = 0;
    m_quiet = 0;
}

/// What there is no room for is not asked: a station that waits is seen again.
void ControlSocket::ask(Command command, const MacAddress& station) {
    if (m_questions.size() < kMostQuestions) {
        m_questions.push_back({.command = command, .station = station});
        ask_next();
    }
}

void ControlSocket::ask_next() {
    if (m_is_asked || m_questions.empty()) {
        return;
    }
    const auto [command, station] = m_questions.front();
    std::string text;
    switch (command) {
    case Command::attach:
        text = "ATTACH";
        break;
    case Command::is_attached:
        text = "LEVEL 3"; // what is told already: hostapd says whether it tells us anything
        break;
    case Command::reauthenticate:
        text = "EAPOL_REAUTH " + station.text();
        break;
    case Command::invite:
        text = "NEW_STA " + station.text();
        break;
    case Command::forget:
        text = "DEAUTHENTICATE " + station.text();
        break;
    case Command::station:
        text = "STA " + station.text();
        break;
    }
    if (::send(m_socket.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
        close(); // gone, or so far behind that only a new beginning helps
        return;
    }
    m_is_asked = true;
    m_waits = 0;
}

/// A station that hostapd does not know can't be asked again: then it is asked for the first time.
void ControlSocket::invite(const MacAddress& station) {
    if (m_is_attached) {
        ask(Command::reauthenticate, station);
    }
}

void ControlSocket::forget(const MacAddress& station) {
    if (m_is_attached) {
        ask(Command::forget, station);
    }
}

void ControlSocket::ask_for(const MacAddress& station) {
    if (m_is_attached) {
        ask(Command::station, station);
    }
}

void ControlSocket::on_readable() {
    std::array<char, kMostMessage> buffer{};
    for (int reads = 0; reads < kMostReads && m_socket.is_open(); ++reads) {
        const ssize_t size = recv(m_socket.get(), buffer.data(), buffer.size(), 0);
        if (size < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                close(); // hostapd is gone
            }
            return;
        }
        const std::string_view message(buffer.data(), static_cast<std::size_t>(size));
        if (message.starts_with('<')) {
            on_event(message);
        } else {
            on_answer(message);
        }
    }
}

void ControlSocket::on_answer(std::string_view answer) {
    if (!m_is_asked) {
        close(); // nothing was asked: answers are not to be relied on any more
        return;
    }
    const Question asked = m_questions.front();
    m_questions.pop_front();
    m_is_asked = false;
    take(asked, answer);
    ask_next();
}

void ControlSocket::take(const Question& asked, std::string_view answer) {
    switch (asked.command) {
    case Command::attach:
        if (answer != "OK\n") {
            close();
            return;
        }
        m_is_attached = true;
        m_listener.on_attached();
        return;
    case Command::is_attached:
        if (answer != "OK\n") {
            close(); // events were lost: everything is asked anew
        }
        return;
    case Command::reauthenticate:
        if (answer != "OK\n") {
            m_questions.push_front({.command = Command::invite, .station = asked.station});
        }
        return;
    case Command::station:
        // What is said of another station than the one that was asked for counts for neither.
        if (const auto station = parse_station(answer); station && station->station == asked.station) {
            m_listener.on_station(*station);
        }
        return;
    case Command::invite:
    case Command::forget:
        return;
    }
}

void ControlSocket::on_event(std::string_view message) {
    const auto event = parse_event(message);
    if (!event) {
        return;
    }
    if (event->kind == EventKind::ending) {
        close();
        return;
    }
    // It says goodbye to a station that it is being told to forget.
    const bool is_ours = event->kind == EventKind::disconnected && m_is_asked &&
                         m_questions.front().command == Command::forget &&
                         m_questions.front().station == event->station;
    if (!is_ours) {
        m_listener.on_event(*event);
    }
}

} // namespace sekisho::drivers::hostapd

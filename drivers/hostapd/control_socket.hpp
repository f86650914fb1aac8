// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/hostapd/messages.hpp"
#include "drivers/system/event_loop.hpp"
#include "drivers/system/files.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sekisho::drivers::hostapd {

/// One hostapd's control socket: commands, one at a time, their answers, and events between them. (The kernel holds ten
/// datagrams for who does not read: net.unix.max_dgram_qlen.)
class ControlSocket {
public:
    struct Listener {
        std::function<void()> on_attached;
        std::function<void(const Event& event)> on_event;
        std::function<void(const StationAnswer& answer)> on_station;
    };

    ControlSocket(UvEventLoop& loop, std::string path, Listener listener);
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

    /// To be called once a second: connects where hostapd is there, and finds out where it is there no more.
    void tick();

    [[nodiscard]] bool is_attached() const noexcept { return m_is_attached; }

    // Nothing happens while it is not attached.
    void invite(const MacAddress& station);
    void forget(const MacAddress& station);
    void ask_for(const MacAddress& station);

private:
    enum class Command : std::uint8_t {
        attach,
        is_attached, ///< hostapd lets go, without a word, of who misses ten events
        reauthenticate,
        invite,
        forget,
        station,
    };

    struct Question {
        Command command = Command::is_attached;
        MacAddress station;
    };

    void connect();
    void close();
    void ask(Command command, const MacAddress& station = {});
    void ask_next();
    void on_readable();
    void on_answer(std::string_view answer);
    void take(const Question& asked, std::string_view answer);
    void on_event(std::string_view message);

    UvEventLoop& m_loop;
    std::string m_path;
    Listener m_listener;
    Descriptor m_socket;
    std::unique_ptr<Watch> m_watch;
    std::deque<Question> m_questions; ///< the first one is asked
    bool m_is_asked = false;
    bool m_is_attached = false;
    unsigned m_waits = 0; ///< seconds for an answer
    unsigned m_quiet = 0; ///< seconds since hostapd was asked whether it still tells us
};

} // namespace sekisho::drivers::hostapd

// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/hostapd/hostapd_authenticators.hpp"

#include <algorithm>
#include <utility>

namespace sekisho::drivers {

namespace {
constexpr std::uint64_t kTickMilliseconds = 1000;
} // namespace

HostapdAuthenticators::HostapdAuthenticators(UvEventLoop& loop, std::string folder)
    : m_loop(loop), m_folder(std::move(folder)), m_timer(loop.make_timer([this] {
          for (const auto& [port, socket] : m_sockets) {
              socket->tick();
          }
      })) {}

void HostapdAuthenticators::follow(const std::vector<std::string>& ports) {
    std::erase_if(m_sockets, [&](const auto& entry) { return !std::ranges::contains(ports, entry.first); });
    for (const std::string& port : ports) {
        auto& socket = m_sockets[port];
        if (socket == nullptr) {
            socket = open(port);
        }
    }
    if (m_sockets.empty()) {
        m_timer->stop();
    } else {
        m_timer->start_repeating(kTickMilliseconds);
    }
}

std::unique_ptr<hostapd::ControlSocket> HostapdAuthenticators::open(const std::string& port) {
    return std::make_unique<hostapd::ControlSocket>(
        m_loop, m_folder + "/" + port,
        hostapd::ControlSocket::Listener{
            .on_attached = [this, port] { tell(access::AuthenticatorStarted{port}); },
            .on_event = [this, port](const hostapd::Event& event) { take(port, event); },
            .on_station =
                [this, port](const hostapd::StationAnswer& answer) {
                    if (answer.is_authorised) {
                        tell(access::Authenticated{.station = {port, answer.station}, .user = {}, .valid_for = {}});
                    }
                }});
}

/// Whether a success still holds, hostapd is asked: a device may have gone on since.
void HostapdAuthenticators::take(const std::string& port, const hostapd::Event& event) {
    const access::Station station{port, event.station};
    switch (event.kind) {
    case hostapd::EventKind::succeeded:
        if (const auto found = m_sockets.find(port); found != m_sockets.end()) {
            found->second->ask_for(event.station);
        }
        return;
    case hostapd::EventKind::rejected:
        tell(access::Rejected{station});
        return;
    case hostapd::EventKind::timed_out:
        tell(access::TimedOut{station});
        return;
    case hostapd::EventKind::disconnected:
        tell(access::LoggedOff{station});
        return;
    case hostapd::EventKind::started:
    case hostapd::EventKind::ending:
        return;
    }
}

void HostapdAuthenticators::tell(const access::Event& event) {
    if (m_on_event) {
        m_on_event(event);
    }
}

void HostapdAuthenticators::invite(const access::Station& station) {
    if (const auto found = m_sockets.find(station.port); found != m_sockets.end()) {
        found->second->invite(station.mac);
    }
}

void HostapdAuthenticators::forget(const access::Station& station) {
    if (const auto found = m_sockets.find(station.port); found != m_sockets.end()) {
        found->second->forget(station.mac);
    }
}

bool HostapdAuthenticators::is_present(const std::string& port) const {
    const auto found = m_sockets.find(port);
    return found != m_sockets.end() && found->second->is_attached();
}

} // namespace sekisho::drivers

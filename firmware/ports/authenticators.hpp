// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/access/event.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sekisho::ports {

/// The authenticators of the ports (IEEE 802.1X-2020, clause 8): programs that speak EAPOL with devices and RADIUS with
/// a server, and that decide nothing and open nothing.
class Authenticators {
public:
    virtual ~Authenticators() = default;

    /// Is in touch with the authenticators of these ports from now on, as soon as each is there, and with no other.
    virtual void follow(const std::vector<std::string>& ports) = 0;

    /// Asks a station to prove itself (again). Where the port's authenticator is not there, nothing happens: it will
    /// say when it is.
    virtual void invite(const access::Station& station) = 0;

    /// The authenticator shall know nothing of the station any more.
    virtual void forget(const access::Station& station) = 0;

    /// Whether the port's authenticator is there.
    [[nodiscard]] virtual bool is_present(const std::string& port) const = 0;

    /// Called on the event loop with access::Authenticated, Rejected, TimedOut, LoggedOff and AuthenticatorStarted. An
    /// Authenticated has no user: who it was is the servers' word (radius_servers.hpp).
    virtual void on_event(std::function<void(const access::Event& event)> callback) = 0;
};

} // namespace sekisho::ports

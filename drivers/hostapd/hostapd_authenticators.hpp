// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/hostapd/control_socket.hpp"
#include "firmware/ports/authenticators.hpp"

#include <map>
#include <memory>
#include <string>

namespace sekisho::drivers {

/// A hostapd per port, each by its control socket FOLDER/PORT. Who runs them is not this class's business.
class HostapdAuthenticators final : public ports::Authenticators {
public:
    /// The loop outlives this.
    HostapdAuthenticators(UvEventLoop& loop, std::string folder);

    void follow(const std::vector<std::string>& ports) override;
    void invite(const access::Station& station) override;
    void forget(const access::Station& station) override;
    [[nodiscard]] bool is_present(const std::string& port) const override;

    void on_event(std::function<void(const access::Event&)> callback) override { m_on_event = std::move(callback); }

private:
    [[nodiscard]] std::unique_ptr<hostapd::ControlSocket> open(const std::string& port);
    void take(const std::string& port, const hostapd::Event& event);
    void tell(const access::Event& event);

    UvEventLoop& m_loop;
    std::string m_folder;
    std::map<std::string, std::unique_ptr<hostapd::ControlSocket>> m_sockets;
    std::function<void(const access::Event&)> m_on_event;
    std::unique_ptr<ports::Timer> m_timer;
};

} // namespace sekisho::drivers

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/access/event.hpp"
#include "policy/model/port_access.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::ports {

struct RadiusServerTarget {
    std::string name;
    IpAddress address;
    std::uint16_t port = 0;
    std::string secret;
    std::uint64_t timeout_milliseconds = 3000; ///< without an answer it counts as silent
    model::MacFormat mac_format;
    friend bool operator==(const RadiusServerTarget&, const RadiusServerTarget&) = default;
};

struct RadiusServerState {
    std::string name;
    bool answers = true;
    std::uint64_t refused = 0; ///< answers that did not count: forged, or of another secret
};

/// What a server said of who it admitted.
struct RadiusAcceptance {
    std::string user;                       ///< User-Name of the Access-Accept; empty where it has none
    std::optional<access::Ticks> valid_for; ///< Session-Timeout
};

/// The RADIUS servers that decide. Authenticators reach them through here, so that every answer is judged once, by one
/// who knows whether it is a server's own (a Message-Authenticator is always demanded), and what it says is known: who
/// was admitted, for how long, and which server answers. A conversation begins with the first server that answers.
class RadiusServers {
public:
    virtual ~RadiusServers() = default;

    struct Settings {
        std::vector<RadiusServerTarget> servers; ///< in their order
        std::string authenticators_secret;       ///< between authenticators and here
        std::string nas_identifier;              ///< how the router calls itself
        friend bool operator==(const Settings&, const Settings&) = default;
    };

    /// The UDP port of the loopback where authenticators are answered. It stays the same.
    virtual Result<std::uint16_t> follow(const Settings& settings) = 0;

    /// A server shall judge the station's MAC address (Service-Type Call-Check); the answer is an event. None comes
    /// where no server answers.
    virtual void judge_mac(const access::Station& station) = 0;

    /// What the latest Access-Accept for the station said, once.
    virtual std::optional<RadiusAcceptance> take_acceptance(const access::Station& station) = 0;

    [[nodiscard]] virtual std::vector<RadiusServerState> states() const = 0;

    /// Called on the event loop with access::MacJudged and ServersChanged.
    virtual void on_event(std::function<void(const access::Event& event)> callback) = 0;

    /// Called when a server begins or ceases to answer ("answers", "silent"), and when an answer in its name did not
    /// count ("not-genuine", "no-message-authenticator").
    virtual void on_server(std::function<void(const std::string& name, std::string_view what)> callback) = 0;
};

} // namespace sekisho::ports

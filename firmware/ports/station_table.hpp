// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/access/event.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sekisho::ports {

/// What a port's link did.
struct LinkEvent {
    std::string port;
    bool has_carrier = false;
    bool was_lost = false; ///< since the last call, however briefly
};

/// The bridges' tables of stations, by which locked ports let frames in. An entry is a lease: it ends by itself a
/// minute after its last renewal, and at once when the port loses its link. A frame with its address on another port
/// does not move it.
class StationTable {
public:
    virtual ~StationTable() = default;

    virtual Result<void> admit(const access::Station& station) = 0;
    /// Never makes an entry. Those that are gone are returned: their port lost its link.
    virtual Result<std::vector<access::Station>> renew(std::span<const access::Station> stations) = 0;
    /// Nothing to do where there is none.
    virtual Result<void> expel(const access::Station& station) = 0;

    /// Leases that are there, of locked ports.
    virtual Result<std::vector<access::Station>> stations() = 0;

    /// Whether frames for everybody and for stations that are not known go out to a locked port.
    virtual Result<void> set_flooding(const std::string& port, bool on) = 0;

    /// Of the three kinds: to stations that are not known, to groups and to everybody.
    enum class Flooding : std::uint8_t { none, some, all };

    struct OwnLink {
        std::string name;
        bool has_carrier = false;
        std::vector<MacAddress> addresses;     ///< no device's
        std::optional<Flooding> flooding = {}; ///< of a port of a bridge
    };

    virtual Result<std::vector<OwnLink>> links() = 0;

    /// Calls back, on the event loop, for each link that got or lost its carrier or went away.
    virtual Result<void> watch_links(std::function<void(const LinkEvent&)> on_event) = 0;
};

} // namespace sekisho::ports

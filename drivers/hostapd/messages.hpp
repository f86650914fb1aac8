// SPDX-License-Identifier: GPL-2.0-or-later
// What hostapd says on its control socket (hostapd 2.10). Its words repeat what strangers sent: an identity may hold
// newlines, and look like lines and events of hostapd's own. So of a station's lines the first of each key counts and
// nothing from the user's name on, and an event is what a whole message begins with.
#pragma once

#include "policy/base/address.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sekisho::drivers::hostapd {

enum class EventKind : std::uint8_t {
    started,      ///< a station was asked for its identity
    succeeded,    ///< CTRL-EVENT-EAP-SUCCESS2, of a RADIUS server's word
    rejected,     ///< CTRL-EVENT-EAP-FAILURE2
    timed_out,    ///< CTRL-EVENT-EAP-TIMEOUT-FAILURE2
    disconnected, ///< AP-STA-DISCONNECTED: an EAPOL-Logoff, or our own doing
    ending,       ///< CTRL-EVENT-TERMINATING
};

struct Event {
    EventKind kind = EventKind::started;
    MacAddress station; ///< all zero where the event is about none
};

/// Nothing for answers, for events that are no business of port access, and for what is not exactly one.
[[nodiscard]] std::optional<Event> parse_event(std::string_view message);

/// The answer to "STA <address>".
struct StationAnswer {
    MacAddress station;
    bool is_authorised = false;
};

/// Nothing where the message is no such answer.
[[nodiscard]] std::optional<StationAnswer> parse_station(std::string_view message);

} // namespace sekisho::drivers::hostapd

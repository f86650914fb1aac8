// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/hostapd/messages.hpp"

#include <array>
#include <utility>

namespace sekisho::drivers::hostapd {

namespace {

constexpr std::size_t kMacText = 17; ///< "00:11:22:33:44:55"

constexpr std::array<std::pair<std::string_view, EventKind>, 5> kAboutStations{{
    {"CTRL-EVENT-EAP-STARTED ", EventKind::started},
    {"CTRL-EVENT-EAP-SUCCESS2 ", EventKind::succeeded},
    {"CTRL-EVENT-EAP-FAILURE2 ", EventKind::rejected},
    {"CTRL-EVENT-EAP-TIMEOUT-FAILURE2 ", EventKind::timed_out},
    {"AP-STA-DISCONNECTED ", EventKind::disconnected},
}};

constexpr std::string_view kEnding = "CTRL-EVENT-TERMINATING ";
constexpr std::string_view kFlags = "flags=";
constexpr std::string_view kUser = "dot1xAuthSessionUserName=";
constexpr std::string_view kAuthorised = "[AUTHORIZED]";

/// An address that is all of the text.
std::optional<MacAddress> whole_mac(std::string_view text) {
    if (text.size() != kMacText) {
        return std::nullopt;
    }
    const auto mac = MacAddress::parse(text);
    return mac ? std::optional(*mac) : std::nullopt;
}

/// Cuts the first line off.
std::string_view take_line(std::string_view& rest) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return line;
}

} // namespace

std::optional<Event> parse_event(std::string_view message) {
    // "<3>" in front: the level of the message
    if (message.size() < 3 || message[0] != '<' || message[1] < '0' || message[1] > '9' || message[2] != '>') {
        return std::nullopt;
    }
    message.remove_prefix(3);
    if (message == kEnding) {
        return Event{EventKind::ending, {}};
    }
    for (const auto& [name, kind] : kAboutStations) {
        if (message.starts_with(name)) {
            const auto station = whole_mac(message.substr(name.size()));
            return station ? std::optional(Event{kind, *station}) : std::nullopt;
        }
    }
    return std::nullopt;
}

std::optional<StationAnswer> parse_station(std::string_view message) {
    std::string_view rest = message;
    const auto station = whole_mac(take_line(rest));
    if (!station) {
        return std::nullopt;
    }
    StationAnswer answer{.station = *station, .is_authorised = false};
    bool has_flags = false;
    while (!rest.empty()) {
        const std::string_view line = take_line(rest);
        if (!has_flags && line.starts_with(kFlags)) {
            has_flags = true;
            answer.is_authorised = line.contains(kAuthorised);
        } else if (line.starts_with(kUser)) {
            break; // what follows may be the rest of the name
        }
    }
    return answer;
}

} // namespace sekisho::drivers::hostapd

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/accounts/weak_words.hpp"

#include <array>

namespace sekisho::accounts {

namespace {

constexpr auto kWords = std::to_array<std::string_view>({
    // what lists of leaked passwords begin with
    "password",
    "passwort",
    "passwd",
    "pass",
    "word",
    "welcome",
    "letmein",
    "iloveyou",
    "monkey",
    "dragon",
    "master",
    "superman",
    "batman",
    "football",
    "baseball",
    "sunshine",
    "princess",
    "shadow",
    "correcthorsebatterystaple",
    // how things are called while they are set up
    "admin",
    "administrator",
    "root",
    "user",
    "guest",
    "test",
    "demo",
    "login",
    "secret",
    "default",
    "change",
    "changeme",
    "temp",
    "temporary",
    "initial",
    "support",
    "service",
    "maintenance",
    // what stands beside it
    "router",
    "network",
    "internet",
    "wireless",
    "wifi",
    "cisco",
    "server",
    "system",
    "firewall",
    "security",
    "access",
    // where it stands
    "hospital",
    "clinic",
    "medical",
    "doctor",
    "nurse",
    "patient",
    "health",
    "pharmacy",
    "dental",
    "karte",
    "byouin",
    "iryou",
    "kanri",
    "kanrisha",
    "himitsu",
    "sakura",
    "nippon",
    "japan",
    "tokyo",
    "osaka",
    // what changes with the calendar
    "spring",
    "summer",
    "autumn",
    "winter",
});

} // namespace

std::span<const std::string_view> weak_words() noexcept {
    return kWords;
}

} // namespace sekisho::accounts

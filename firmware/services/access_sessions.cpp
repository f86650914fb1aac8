// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/access_sessions.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sekisho::services {

namespace {

constexpr std::array kMethods{access::Method::dot1x, access::Method::mab, access::Method::host, access::Method::guest,
                              access::Method::failed};
constexpr std::string_view kNever = "-";

/// Users' names are strangers' bytes: in hexadecimal they are one word.
std::string hex_of(std::string_view bytes) {
    std::string digits;
    for (const char byte : bytes) {
        digits += text::to_hex(static_cast<std::uint8_t>(byte), 2);
    }
    return digits.empty() ? std::string(kNever) : digits;
}

std::optional<std::string> from_hex(std::string_view digits) {
    std::string bytes;
    if (digits == kNever) {
        return bytes;
    }
    if (digits.size() % 2 != 0) {
        return std::nullopt;
    }
    for (std::size_t at = 0; at < digits.size(); at += 2) {
        unsigned byte = 0;
        const char* const end = digits.data() + at + 2;
        if (const auto [behind, error] = std::from_chars(end - 2, end, byte, 16);
            error != std::errc{} || behind != end) {
            return std::nullopt;
        }
        bytes += static_cast<char>(byte);
    }
    return bytes;
}

std::optional<access::Session> read_session(std::string_view line) {
    const auto words = text::split(line, '\t');
    if (words.size() != 9) {
        return std::nullopt;
    }
    const auto mac = MacAddress::parse(words[1]);
    const auto method = std::ranges::find(kMethods, words[2], [](access::Method each) { return name_of(each); });
    const auto user = from_hex(words[4]);
    const auto since = text::parse_unsigned(words[5]);
    const auto proved = text::parse_unsigned(words[6]);
    const auto lasts_until = text::parse_unsigned(words[7]);
    if (!mac || method == kMethods.end() || !user || !since || !proved || (!lasts_until && words[7] != kNever)) {
        return std::nullopt;
    }
    return access::Session{
        .station = {std::string(words[0]), *mac},
        .method = *method,
        .role = std::string(words[3]),
        .user = *user,
        .since = Time{static_cast<std::int64_t>(*since)},
        .proved = access::Ticks(static_cast<std::int64_t>(*proved)),
        .lasts_until =
            lasts_until ? std::optional(access::Ticks(static_cast<std::int64_t>(*lasts_until))) : std::nullopt,
        .is_prolonged = words[8] == "1",
    };
}

std::string number(std::int64_t value) {
    return text::to_text(static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0)));
}

} // namespace

std::string written_sessions(const std::vector<access::Session>& sessions) {
    std::string result;
    for (const access::Session& session : sessions) {
        result += text::join({session.station.port, session.station.mac.text(), std::string(name_of(session.method)),
                              session.role, hex_of(session.user), number(session.since.microseconds),
                              number(session.proved.count()),
                              session.lasts_until ? number(session.lasts_until->count()) : std::string(kNever),
                              session.is_prolonged ? "1" : "0"},
                             "\t");
        result += '\n';
    }
    return result;
}

std::vector<access::Session> read_sessions(std::string_view text) {
    std::vector<access::Session> sessions;
    for (const std::string_view line : text::split(text, '\n')) {
        if (auto session = read_session(line)) {
            sessions.push_back(*std::move(session));
        }
    }
    return sessions;
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/value.hpp"

#include "policy/accounts/records.hpp"
#include "policy/base/address.hpp"
#include "policy/base/country.hpp"
#include "policy/base/text.hpp"
#include "policy/base/time.hpp"
#include "policy/config/certificate.hpp"
#include "policy/config/ssh_key.hpp"

#include <array>
#include <limits>
#include <vector>

namespace sekisho::config {

namespace {

constexpr std::size_t kMostNameBytes = 31;
constexpr std::size_t kMostInterfaceBytes = 15; // IFNAMSIZ without the NUL
constexpr std::size_t kMostHostBytes = 63;      // of one label too (RFC 1123 section 2.1)
constexpr std::size_t kMostDomainBytes = 253;   // RFC 1035 section 3.1, as text
constexpr std::size_t kMostQuotedBytes = 63;
constexpr std::size_t kMostTextBytes = 255;
constexpr std::size_t kMostUserBytes = 63;
constexpr std::size_t kMostSerialDigits = 40; // RFC 5280 section 4.1.2.2: 20 octets

// Zones without daylight saving time only: with it, a fixed offset would close an entry an hour early or late.
constexpr std::array kTimeZones{
    TimeZone{"UTC", 0},
    TimeZone{"Asia/Tokyo", 540},
    TimeZone{"Asia/Seoul", 540},
    TimeZone{"Asia/Shanghai", 480},
    TimeZone{"Asia/Taipei", 480},
    TimeZone{"Asia/Hong_Kong", 480},
    TimeZone{"Asia/Manila", 480},
    TimeZone{"Asia/Singapore", 480},
    TimeZone{"Asia/Bangkok", 420},
    TimeZone{"Asia/Jakarta", 420},
    TimeZone{"Asia/Kolkata", 330},
};

[[nodiscard]] bool is_letter(char byte) noexcept {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

[[nodiscard]] bool is_digit(char byte) noexcept {
    return byte >= '0' && byte <= '9';
}

[[nodiscard]] std::string quoted(std::string_view text) {
    if (text.contains("-----BEGIN ")) {
        return "'-----BEGIN …'"; // it may go on with a private key
    }
    return text::concat("'", text::escape_for_terminal(text.substr(0, kMostQuotedBytes)),
                        text.size() > kMostQuotedBytes ? "…'" : "'");
}

[[nodiscard]] std::unexpected<Refusal> refuse(std::string_view text, std::string_view why, std::string hint = {}) {
    return std::unexpected(Refusal{text::concat(quoted(text), " ", why), std::move(hint)});
}

[[nodiscard]] std::unexpected<Error> error_of(std::string_view text, std::string_view why) {
    return std::unexpected(Error(Domain::configuration, {}, text::concat(quoted(text), " ", why)));
}

/// Errors of the value types name the value as their place.
[[nodiscard]] std::unexpected<Refusal> refuse_for(const Error& error) {
    return std::unexpected(Refusal{text::concat(error.place(), " ", error.cause()), {}});
}

[[nodiscard]] bool is_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > kMostNameBytes || !is_letter(text.front())) {
        return false;
    }
    for (const char byte : text) {
        if (!is_letter(byte) && !is_digit(byte) && byte != '-' && byte != '_') {
            return false;
        }
    }
    return true;
}

/// What needs quoting nowhere: the name goes into files of other programs.
[[nodiscard]] bool is_user_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > kMostUserBytes || !(is_letter(text.front()) || is_digit(text.front()))) {
        return false;
    }
    for (const char byte : text) {
        if (!is_letter(byte) && !is_digit(byte) && !std::string_view("-_.@/").contains(byte)) {
            return false;
        }
    }
    return true;
}

[[nodiscard]] bool is_interface_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > kMostInterfaceBytes || !is_letter(text.front())) {
        return false;
    }
    for (const char byte : text) {
        if (!is_letter(byte) && !is_digit(byte) && byte != '-' && byte != '_' && byte != '.') {
            return false;
        }
    }
    // "all" and "default" stand for every interface in the kernel's settings; "lo" is the loopback, which no zone may
    // hold
    return text != "lo" && text != "all" && text != "default";
}

[[nodiscard]] bool is_host_name(std::string_view text, std::size_t most_bytes) noexcept {
    if (text.empty() || text.size() > most_bytes) {
        return false;
    }
    bool has_letter = false;
    for (const std::string_view label : text::split(text, '.')) {
        if (label.empty() || label.size() > kMostHostBytes || label.front() == '-' || label.back() == '-') {
            return false;
        }
        for (const char byte : label) {
            if (!is_letter(byte) && !is_digit(byte) && byte != '-') {
                return false;
            }
            has_letter = has_letter || is_letter(byte);
        }
    }
    return has_letter; // "10.0.0.300" is a mistyped address, not a name
}

[[nodiscard]] std::string range_text(const Parameter& parameter) {
    return text::concat("from ", text::to_text(parameter.least), " to ", text::to_text(parameter.most));
}

[[nodiscard]] std::string size_text(std::uint64_t bytes) {
    constexpr std::array<std::pair<unsigned, char>, 3> kUnits{{{30, 'G'}, {20, 'M'}, {10, 'K'}}};
    for (const auto& [shift, letter] : kUnits) {
        if (bytes != 0 && bytes % (std::uint64_t{1} << shift) == 0) {
            return text::to_text(bytes >> shift) + letter;
        }
    }
    return text::to_text(bytes);
}

/// Reads with a value type's own parser and writes the canonical text.
template <typename Value>
[[nodiscard]] Canonical through(std::string_view text) {
    Result<Value> value = Value::parse(text);
    if (!value) {
        return refuse_for(value.error());
    }
    return value->text();
}

[[nodiscard]] Canonical accept_if(bool accepted, const Parameter& parameter, std::string_view text) {
    if (!accepted) {
        return refuse(text, text::concat("is not a ", describe(parameter)));
    }
    return std::string(text);
}

[[nodiscard]] Canonical canonical_account_name(const Parameter& parameter, std::string_view text) {
    if (accounts::is_account_name(text)) {
        return std::string(text);
    }
    std::string lower(text);
    for (char& byte : lower) {
        byte = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
    }
    return refuse(text, text::concat("is not a ", describe(parameter)),
                  accounts::is_account_name(lower) ? text::concat("did you mean '", lower, "'?") : std::string());
}

[[nodiscard]] Canonical canonical_choice(const Parameter& parameter, std::string_view text) {
    const std::vector<std::string_view> choices = choices_of(parameter);
    for (const std::string_view choice : choices) {
        if (choice == text) {
            return std::string(text);
        }
    }
    std::string why = text::concat("is not one of: ", describe(parameter));
    if (const auto near = text::nearest(text, choices)) {
        why += text::concat("; did you mean '", *near, "'?");
    }
    return refuse(text, why);
}

[[nodiscard]] Canonical canonical_number(const Parameter& parameter, std::string_view text) {
    const std::optional<std::uint64_t> number = text::parse_unsigned(text);
    if (!number || *number < parameter.least || *number > parameter.most) {
        return refuse(text, text::concat("is not a ", describe(parameter)));
    }
    return text::to_text(*number);
}

[[nodiscard]] Canonical canonical_size(const Parameter& parameter, std::string_view text) {
    const Result<std::uint64_t> size = parse_size(text);
    if (!size || *size < parameter.least || *size > parameter.most) {
        return refuse(text, text::concat("is not a ", describe(parameter)));
    }
    return size_text(*size);
}

[[nodiscard]] Canonical canonical_ports(const Parameter& parameter, std::string_view text) {
    const Result<PortNumbers> ports = parse_ports(text);
    if (!ports || (parameter.type == Type::port && ports->first != ports->last)) {
        return refuse(text, text::concat("is not a ", describe(parameter)));
    }
    if (ports->first == ports->last) {
        return text::to_text(ports->first);
    }
    return text::concat(text::to_text(ports->first), "-", text::to_text(ports->last));
}

[[nodiscard]] Canonical canonical_host(const Parameter& parameter, std::string_view text) {
    if (const Result<IpAddress> address = IpAddress::parse(text)) {
        return address->text();
    }
    return accept_if(is_host_name(text, kMostDomainBytes), parameter, text);
}

[[nodiscard]] Canonical canonical_country(std::string_view text) {
    const auto country = CountryCode::parse(text);
    return country ? Canonical(country->text()) : std::unexpected(Refusal{country.error().cause(), {}});
}

[[nodiscard]] Canonical canonical_time_zone(const Parameter& parameter, std::string_view text) {
    if (find_time_zone(text)) {
        return std::string(text);
    }
    return refuse(text, text::concat("is not one of: ", describe(parameter)));
}

/// As openssl shows it: whole bytes, capitals; colons between them and small letters are read.
[[nodiscard]] Canonical canonical_serial(const Parameter& parameter, std::string_view text) {
    std::string digits;
    for (const char byte : text) {
        if (byte == ':') {
            continue;
        }
        const bool is_small = byte >= 'a' && byte <= 'f';
        if (!is_digit(byte) && !is_small && !(byte >= 'A' && byte <= 'F')) {
            return refuse(text, text::concat("is no ", describe(parameter)));
        }
        digits += is_small ? static_cast<char>(byte - 'a' + 'A') : byte;
    }
    if (digits.size() % 2 != 0) {
        digits.insert(digits.begin(), '0');
    }
    while (digits.size() > 2 && digits.starts_with("00")) {
        digits.erase(0, 2);
    }
    return accept_if(!digits.empty() && digits.size() <= kMostSerialDigits, parameter, text)
        .transform([&](const auto&) { return digits; });
}

} // namespace

Canonical canonical(const Parameter& parameter, std::string_view text) {
    switch (parameter.type) {
    case Type::none:
        return accept_if(text.empty(), parameter, text);
    case Type::name:
    case Type::zone_ref:
    case Type::address_list_ref:
    case Type::geo_list_ref:
    case Type::role_ref:
        return accept_if(is_name(text), parameter, text);
    case Type::account_name:
        return canonical_account_name(parameter, text);
    case Type::text:
        return accept_if(text.size() <= kMostTextBytes, parameter, text);
    case Type::host_name:
        return accept_if(is_host_name(text, kMostHostBytes), parameter, text);
    case Type::host:
        return canonical_host(parameter, text);
    case Type::address:
        return through<IpAddress>(text);
    case Type::interface_address:
        return through<InterfaceAddress>(text);
    case Type::range:
        return through<IpRange>(text);
    case Type::port:
    case Type::port_range:
        return canonical_ports(parameter, text);
    case Type::country:
        return canonical_country(text);
    case Type::date:
        return through<Date>(text);
    case Type::number:
        return canonical_number(parameter, text);
    case Type::size:
        return canonical_size(parameter, text);
    case Type::choice:
        return canonical_choice(parameter, text);
    case Type::time_zone:
        return canonical_time_zone(parameter, text);
    case Type::interface_name:
    case Type::interface_ref:
        return accept_if(is_interface_name(text), parameter, text);
    case Type::mac:
        return through<MacAddress>(text);
    case Type::ssh_key:
        return canonical_ssh_key(text);
    case Type::user_name:
        return accept_if(is_user_name(text), parameter, text);
    case Type::serial:
        return canonical_serial(parameter, text);
    case Type::certificate:
        return canonical_certificate(text);
    case Type::revocation_list:
        return canonical_revocation_list(text);
    }
    return refuse(text, "has no type");
}

std::string describe(const Parameter& parameter) {
    switch (parameter.type) {
    case Type::none:
        return "no value";
    case Type::name:
        return "name: a letter, then letters, digits, '-' or '_', at most 31 in all";
    case Type::account_name:
        return "name of an account: a lower-case letter, then lower-case letters, digits, '-' or '_', at most 31 in "
               "all";
    case Type::text:
        return "text in double quotes of at most 255 bytes";
    case Type::host_name:
        return "host name: letters, digits, '-' and '.', at most 63 in all";
    case Type::host:
        return "host name or address";
    case Type::address:
        return "IPv4 or IPv6 address";
    case Type::interface_address:
        return "address with prefix length, as 10.0.1.1/24 or fd00:1::1/64";
    case Type::range:
        return "network, address or range, as 203.0.113.0/28, 2001:db8::5 or 203.0.113.64-203.0.113.70";
    case Type::port:
        return "port from 1 to 65535";
    case Type::port_range:
        return "port from 1 to 65535 or range of ports, as 443 or 8000-8010";
    case Type::date:
        return "date, as 2027-03-31";
    case Type::number:
        return text::concat("whole number ", range_text(parameter));
    case Type::size:
        return text::concat("size from ", size_text(parameter.least), " to ", size_text(parameter.most), ", as 4M");
    case Type::choice: {
        std::string words;
        for (const std::string_view choice : choices_of(parameter)) {
            words += text::concat(words.empty() ? "" : ", ", choice);
        }
        return words;
    }
    case Type::time_zone: {
        std::string words;
        for (const TimeZone& zone : kTimeZones) {
            words += text::concat(words.empty() ? "" : ", ", zone.name);
        }
        return words;
    }
    case Type::interface_name:
        return "name of an interface: a letter, then letters, digits, '-', '_' or '.', at most 15 in all, not lo, all "
               "or default";
    case Type::interface_ref:
        return "name of an interface or bridge";
    case Type::zone_ref:
        return "zone name";
    case Type::address_list_ref:
        return "name of an address-list";
    case Type::country:
        return "country code in capitals (ISO 3166-1)";
    case Type::geo_list_ref:
        return "name of a geo-list";
    case Type::mac:
        return "MAC address, as 00:11:22:33:44:55";
    case Type::role_ref:
        return "name of a role";
    case Type::ssh_key:
        return "OpenSSH public key in double quotes, as \"ssh-ed25519 AAAA… name\"";
    case Type::user_name:
        return "name of a user: a letter or digit, then letters, digits, '-', '_', '.', '@' or '/', at most 63 in all";
    case Type::serial:
        return "serial number of a certificate in hexadecimal, as 0A1B2C";
    case Type::certificate:
        return "certificate in PEM form in double quotes, its lines as they are in the file";
    case Type::revocation_list:
        return "certificate revocation list in PEM form in double quotes, its lines as they are in the file";
    }
    return {};
}

std::string form_of(const Parameter& parameter) {
    std::string key(key_of(parameter));
    switch (parameter.shape) {
    case Shape::leaf:
        return text::concat(key, " ", parameter.particle, parameter.particle.empty() ? "" : " ", "VALUE;");
    case Shape::flag:
        return key + ";";
    case Shape::block:
        return key + " { … }";
    case Shape::named_block:
        return key + " NAME { … }";
    case Shape::keyed_block:
        return "NAME { … }";
    case Shape::entry:
        return text::concat(key, " VALUE; or ", key, " VALUE { … }");
    }
    return key;
}

std::vector<std::string_view> choices_of(const Parameter& parameter) {
    return text::split(parameter.choices, ' ');
}

Result<PortNumbers> parse_ports(std::string_view text) {
    const std::size_t dash = text.find('-');
    const auto first = text::parse_unsigned(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : text::parse_unsigned(text.substr(dash + 1));
    if (!first || !last || *first == 0 || *last > std::numeric_limits<std::uint16_t>::max() || *first > *last) {
        return error_of(text, "is not a port or range of ports");
    }
    return PortNumbers{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

Result<std::uint64_t> parse_size(std::string_view text) {
    unsigned shift = 0;
    std::string_view digits = text;
    if (!digits.empty()) {
        switch (digits.back()) {
        case 'K':
            shift = 10;
            break;
        case 'M':
            shift = 20;
            break;
        case 'G':
            shift = 30;
            break;
        default:
            break;
        }
        if (shift != 0) {
            digits.remove_suffix(1);
        }
    }
    const std::optional<std::uint64_t> number = text::parse_unsigned(digits);
    if (!number || *number > std::numeric_limits<std::uint64_t>::max() >> shift) {
        return error_of(text, "is not a size");
    }
    return *number << shift;
}

std::span<const TimeZone> time_zones() noexcept {
    return kTimeZones;
}

std::optional<int> find_time_zone(std::string_view name) noexcept {
    for (const TimeZone& zone : kTimeZones) {
        if (zone.name == name) {
            return zone.offset_minutes;
        }
    }
    return std::nullopt;
}

} // namespace sekisho::config

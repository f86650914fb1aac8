// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration language as data: one row per parameter. Parsing, checking of values, help and REFERENCE.md all
// come from these rows.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sekisho::config {

/// What a statement looks like.
enum class Shape : std::uint8_t {
    leaf,        ///< key VALUE;
    flag,        ///< key;
    block,       ///< key { … }
    named_block, ///< key NAME { … }
    keyed_block, ///< NAME { … }: the name itself is the key
    entry,       ///< key VALUE; or key VALUE { … }
};

/// What a value (or the name of a block) must be.
enum class Type : std::uint8_t {
    none,
    name,              ///< a name that the configuration gives: a letter, then letters, digits, '-' and '_'; at most 31
    account_name,      ///< a name without capitals: accounts::is_account_name()
    text,              ///< free text in double quotes, at most 255 bytes
    host_name,         ///< RFC 1123, at most 63 bytes
    host,              ///< domain name of a host, at most 253 bytes, or address
    address,           ///< IPv4 or IPv6
    interface_address, ///< address of the router on a network: 10.0.1.1/24
    range,             ///< prefix, single address or "first-last"
    port,              ///< 1 to 65535
    port_range,        ///< port or "first-last"
    date,              ///< 2027-03-31
    number,            ///< whole number in the row's range
    size,              ///< bytes, with K, M or G; in the row's range
    choice,            ///< one of the row's words
    time_zone,         ///< one of time_zones()
    interface_name,    ///< name of a network interface: at most 15 bytes
    interface_ref,     ///< interface or bridge defined under `interfaces`
    zone_ref,          ///< zone defined under `zones`, or `router`
    address_list_ref,  ///< address list
    country,           ///< assigned ISO 3166-1 code, in capitals
    geo_list_ref,      ///< list of countries
    ssh_key,           ///< OpenSSH public key in double quotes
    mac,               ///< MAC address (EUI-48)
    role_ref,          ///< role defined under `port-access`
    user_name,         ///< name of a user of 802.1X
    serial,            ///< serial number of a certificate, in hexadecimal
    certificate,       ///< X.509 certificate in double quotes; may have several lines
    revocation_list,   ///< X.509 certificate revocation list in double quotes; may have several lines
};

enum class Count : std::uint8_t { one, many };
enum class Need : std::uint8_t { optional, required };

struct Parameter {
    std::string_view path; ///< words from the top; "*" stands for a value or name: "service * source address-list"
    Shape shape = Shape::leaf;
    Type type = Type::none; ///< of the value, or of the name
    Count count = Count::one;
    Need need = Need::optional;
    std::string_view fallback = {}; ///< value that holds where the statement is absent
    std::uint64_t least = 0;        ///< number, size
    std::uint64_t most = 0;         ///< number, size
    std::string_view choices = {};  ///< choice: words separated by a space
    std::string_view particle = {}; ///< word between key and value, of a leaf
    std::string_view help = {};
};

/// Whether a value of this type may have several lines.
[[nodiscard]] constexpr bool has_lines(Type type) noexcept {
    return type == Type::certificate || type == Type::revocation_list;
}

/// Whether a value of this type is written in double quotes.
[[nodiscard]] constexpr bool is_quoted(Type type) noexcept {
    return type == Type::text || type == Type::ssh_key || has_lines(type);
}

/// All rows; a block stands before its contents. They live as long as the program: a pointer to one identifies a
/// parameter.
[[nodiscard]] std::span<const Parameter> schema() noexcept;

/// The word that a statement of this parameter begins with; "*" for a keyed block.
[[nodiscard]] std::string_view key_of(const Parameter& parameter) noexcept;

/// The parameters directly inside a block, in the order of the table; with nullptr those of the top level.
[[nodiscard]] std::vector<const Parameter*> children_of(const Parameter* parent);

/// The parameter that `key` means inside `parent`; a keyed block matches any key. Nothing where there is none.
[[nodiscard]] const Parameter* find_child(const Parameter* parent, std::string_view key) noexcept;

/// The parameter with this path, for readers that need a row's default.
[[nodiscard]] const Parameter* find_parameter(std::string_view path) noexcept;

[[nodiscard]] constexpr bool has_block(Shape shape) noexcept {
    return shape == Shape::block || shape == Shape::named_block || shape == Shape::keyed_block || shape == Shape::entry;
}

[[nodiscard]] constexpr bool has_value(Shape shape) noexcept {
    return shape == Shape::leaf || shape == Shape::named_block || shape == Shape::entry;
}

} // namespace sekisho::config

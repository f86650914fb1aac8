// SPDX-License-Identifier: GPL-2.0-or-later
// Internet and link-layer addresses as values: IPv4 (RFC 791), IPv6 (RFC 4291; text form RFC 5952), MAC (IEEE 802).
#pragma once

#include "policy/base/error.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sekisho {

enum class Family : std::uint8_t { ipv4, ipv6 };

[[nodiscard]] constexpr unsigned bits_of(Family family) noexcept {
    return family == Family::ipv4 ? 32 : 128;
}

[[nodiscard]] std::string_view name_of(Family family) noexcept; ///< "ipv4", "ipv6"

/// Bytes in network order; an IPv4 address uses the first four, the rest are zero. Ordered by family, then numerically.
class IpAddress {
public:
    constexpr IpAddress() = default;
    static IpAddress v4(std::uint32_t host_order) noexcept;
    static IpAddress from_bytes(Family family, std::span<const std::uint8_t> bytes) noexcept; ///< needs 4 or 16 bytes
    /// Dotted quad without leading zeros, or RFC 4291 text without a zone; no white space.
    static Result<IpAddress> parse(std::string_view text);

    [[nodiscard]] constexpr Family family() const noexcept { return m_family; }

    [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept; ///< 4 or 16
    [[nodiscard]] std::uint32_t to_v4() const noexcept;                 ///< host order; IPv4 only
    [[nodiscard]] std::string text() const;                             ///< RFC 5952 for IPv6

    [[nodiscard]] bool is_loopback() const noexcept;
    [[nodiscard]] bool is_link_local() const noexcept;
    [[nodiscard]] bool is_multicast() const noexcept;
    [[nodiscard]] bool is_unspecified() const noexcept;
    /// RFC 1918, RFC 6598 shared, RFC 4193 unique local, link-local, loopback.
    [[nodiscard]] bool is_private() const noexcept;

    /// The address numerically after (before) this one; false at the end of the space.
    bool increment() noexcept;
    bool decrement() noexcept;

    friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

private:
    Family m_family = Family::ipv4;
    std::array<std::uint8_t, 16> m_bytes{};
};

/// Address and prefix length with all host bits zero (a network).
class IpPrefix {
public:
    constexpr IpPrefix() = default;
    /// Clears the host bits; `length` is at most bits_of(family).
    IpPrefix(IpAddress address, unsigned length) noexcept;
    /// "192.0.2.0/24", "2001:db8::/32", or a single address (full length). Host bits that are set are an error that
    /// names the network.
    static Result<IpPrefix> parse(std::string_view text);

    [[nodiscard]] const IpAddress& address() const noexcept { return m_address; }

    [[nodiscard]] unsigned length() const noexcept { return m_length; }

    [[nodiscard]] Family family() const noexcept { return m_address.family(); }

    [[nodiscard]] IpAddress first() const noexcept { return m_address; }

    [[nodiscard]] IpAddress last() const noexcept;
    [[nodiscard]] bool contains(const IpAddress& address) const noexcept;
    [[nodiscard]] bool overlaps(const IpPrefix& other) const noexcept;
    [[nodiscard]] std::string text() const; ///< always with "/length"

    friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;

private:
    IpAddress m_address;
    unsigned m_length = 0;
};

/// An address of a host together with the network that it is on: "10.0.1.1/24".
struct InterfaceAddress {
    IpAddress address;
    unsigned length = 0;
    static Result<InterfaceAddress> parse(std::string_view text);

    [[nodiscard]] IpPrefix network() const noexcept { return {address, length}; }

    [[nodiscard]] std::string text() const;
    friend auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};

/// First to last address, both included, one family, first <= last.
struct IpRange {
    IpAddress first;
    IpAddress last;
    /// A prefix, a single address or "first-last".
    static Result<IpRange> parse(std::string_view text);

    static IpRange of(const IpPrefix& prefix) noexcept { return {prefix.first(), prefix.last()}; }

    [[nodiscard]] Family family() const noexcept { return first.family(); }

    [[nodiscard]] bool contains(const IpAddress& address) const noexcept;
    /// The shortest text: single address, prefix where it is one, else "first-last".
    [[nodiscard]] std::string text() const;
    friend auto operator<=>(const IpRange&, const IpRange&) = default;
};

struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};
    /// Six pairs of hexadecimal digits separated by ':' or '-'.
    static Result<MacAddress> parse(std::string_view text);
    [[nodiscard]] std::string text() const; ///< lower case, ':'

    /// Several stations' (IEEE 802, 8.2.2), never a device's own.
    [[nodiscard]] constexpr bool is_group() const noexcept { return (bytes[0] & 1u) != 0; }

    /// Given by whoever runs the device and not by its maker, as phones and computers do to be anonymous.
    [[nodiscard]] constexpr bool is_locally_administered() const noexcept { return (bytes[0] & 2u) != 0; }

    friend auto operator<=>(const MacAddress&, const MacAddress&) = default;
};

} // namespace sekisho

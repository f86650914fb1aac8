// SPDX-License-Identifier: GPL-2.0-or-later
// RADIUS packets (RFC 2865) as far as the router speaks them itself: requests that it makes, and whether an answer is a
// server's own. What is inside EAP is its authenticators' business.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::radius {

using Bytes = std::vector<std::uint8_t>;
using Digest = std::array<std::uint8_t, 16>; ///< of MD5

inline constexpr std::size_t kMostPacket = 4096; // RFC 2865 section 3

enum class Code : std::uint8_t {
    access_request = 1,
    access_accept = 2,
    access_reject = 3,
    access_challenge = 11,
};

enum class Type : std::uint8_t {
    user_name = 1,
    user_password = 2,
    service_type = 6,
    state = 24,
    vendor_specific = 26,
    session_timeout = 27,
    calling_station_id = 31,
    nas_identifier = 32,
    nas_port_type = 61,
    message_authenticator = 80,
    nas_port_id = 87,
};

/// MD5 (RFC 1321) and HMAC-MD5 (RFC 2104): RADIUS knows nothing better, so its secrets have to be long.
struct Digests {
    std::function<Digest(std::span<const std::uint8_t> bytes)> md5;
    std::function<Digest(std::string_view key, std::span<const std::uint8_t> bytes)> hmac_md5;
};

struct Attribute {
    std::uint8_t type = 0;
    std::span<const std::uint8_t> value; ///< into the packet's bytes
};

struct Packet {
    std::uint8_t code = 0;
    std::uint8_t id = 0;
    Digest authenticator{};
    std::size_t length = 0; ///< of what counts; what is behind it is padding
    std::vector<Attribute> attributes;

    /// The first one of its type: what is repeated counts once.
    [[nodiscard]] std::optional<std::span<const std::uint8_t>> first(Type type) const;
    [[nodiscard]] std::optional<std::string> text(Type type) const;
    [[nodiscard]] std::optional<std::uint32_t> number(Type type) const; ///< of exactly four bytes
};

/// Nothing where the bytes are no packet, or hold a broken attribute. The packet refers to the bytes.
[[nodiscard]] std::optional<Packet> parse(std::span<const std::uint8_t> bytes);

/// Whose word an answer is.
enum class Verdict : std::uint8_t {
    genuine,
    malformed,
    no_message_authenticator, ///< could be forged by who sees the request (CVE-2024-3596)
    not_genuine,              ///< another secret, or changed on the way
};

[[nodiscard]] std::string_view name_of(Verdict verdict) noexcept; ///< "genuine", "not-genuine" …

/// Judges an answer to the request with this authenticator (RFC 2865 section 3, RFC 3579 section 3.2). A
/// Message-Authenticator is always demanded.
[[nodiscard]] Verdict judge_answer(std::span<const std::uint8_t> bytes, const Digest& request_authenticator,
                                   std::string_view secret, const Digests& digests);

/// Whether a request's Message-Authenticator is right: of who may ask.
[[nodiscard]] bool is_request_of(std::span<const std::uint8_t> bytes, std::string_view secret, const Digests& digests);

/// A genuine request under another id and secret. It must have no attribute that depends on the secret: with EAP it has
/// none.
[[nodiscard]] Bytes passed_request(std::span<const std::uint8_t> bytes, std::uint8_t id, std::string_view secret,
                                   const Digests& digests);

/// A genuine answer under another id and secret, for the request with this authenticator. Keys that only the former
/// secret opens (RFC 2548, MS-MPPE; RFC 2868, Tunnel-Password) are left out.
[[nodiscard]] Bytes passed_answer(std::span<const std::uint8_t> bytes, std::uint8_t id,
                                  const Digest& request_authenticator, std::string_view secret, const Digests& digests);

/// Makes an Access-Request.
class Request {
public:
    /// `authenticator` must be random.
    Request(std::uint8_t id, const Digest& authenticator);

    /// At most 253 bytes; more are cut off.
    Request& add(Type type, std::string_view value);
    Request& add(Type type, std::uint32_t value);
    /// User-Password, hidden (RFC 2865 section 5.2); at most 128 bytes.
    Request& add_password(std::string_view password, std::string_view secret, const Digests& digests);

    /// The whole packet with its Message-Authenticator.
    [[nodiscard]] Bytes finish(std::string_view secret, const Digests& digests) &&;

private:
    void put(Type type, std::span<const std::uint8_t> value);

    Bytes m_bytes;
    Digest m_authenticator;
};

} // namespace sekisho::radius

// SPDX-License-Identifier: GPL-2.0-or-later
// What the data partition holds of 802.1X: users' passwords as the NT hash that PEAP-MSCHAPv2 needs, which is as good
// as the password to who has it, and shared secrets of RADIUS servers. Of the same form as the other records.
#pragma once

#include "policy/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::accounts {

enum class SecretKind : std::uint8_t {
    user,   ///< NT hash (MD4 of the password in UTF-16): 32 hexadecimal digits
    radius, ///< shared secret, in hexadecimal digits
};

[[nodiscard]] std::string_view name_of(SecretKind kind) noexcept; ///< "user", "radius"

struct AccessSecret {
    SecretKind kind = SecretKind::user;
    std::string name; ///< of the user or the server in the configuration
    std::string hex;  ///< small digits, an even number of them
    friend bool operator==(const AccessSecret&, const AccessSecret&) = default;
};

inline constexpr std::size_t kMostAccessSecrets = 20'000;
inline constexpr std::size_t kMostAccessSecretBytes = 4u << 20; ///< of the whole text
inline constexpr std::size_t kLongestSecret = 128;              ///< characters of a shared secret

/// Refuses what the reader would not take: values out of form, an entry twice.
[[nodiscard]] Result<std::string> access_secrets_text(const std::vector<AccessSecret>& secrets);
[[nodiscard]] Result<std::vector<AccessSecret>> parse_access_secrets(std::string_view text);

/// Why a text can't be a password of 802.1X, as a sentence; empty where it can: 8 to 128 printable ASCII characters, no
/// space in front or behind. (The NT hash of other characters differs between systems.)
[[nodiscard]] std::string why_no_access_password(std::string_view password);

/// The same for a shared secret: 16 characters at least (RFC 2865 section 3).
[[nodiscard]] std::string why_no_shared_secret(std::string_view secret);

} // namespace sekisho::accounts

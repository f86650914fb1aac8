// SPDX-License-Identifier: GPL-2.0-or-later
// SSH public keys in the line that OpenSSH keeps in id_*.pub: type, base64 of the key blob, comment.
#pragma once

#include "policy/config/refusal.hpp"

#include <cstddef>
#include <string_view>

namespace sekisho::config {

inline constexpr std::size_t kLeastRsaBits = 3072; ///< NIST SP 800-57: 128 bits of strength, as the other types have
inline constexpr std::size_t kMostRsaBits = 16384; ///< OpenSSH reads no more

/// "TYPE BASE64" or "TYPE BASE64 COMMENT", single spaces between. The blob is of that type (RFC 4253 section 6.6, RFC
/// 8709, RFC 5656, OpenSSH's PROTOCOL.u2f), its fields have the type's lengths and nothing stands behind them. Options
/// in front are refused, and weak types. A refusal never quotes the text: it may be a private key.
[[nodiscard]] Canonical canonical_ssh_key(std::string_view text);

/// The canonical spelling without its comment: what makes one key the same as another.
[[nodiscard]] std::string_view ssh_key_without_comment(std::string_view canonical) noexcept;

} // namespace sekisho::config

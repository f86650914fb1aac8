// SPDX-License-Identifier: GPL-2.0-or-later
// X.509 certificates and revocation lists in the textual encoding of RFC 7468 ("PEM"). Read as far as a configuration
// must: one, whole, and nothing beside it. Whether anybody should trust it is the reader's business.
#pragma once

#include "policy/config/refusal.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::config {

inline constexpr std::size_t kMostCertificateBytes = 8192;      ///< of the DER encoding
inline constexpr std::size_t kMostRevocationListBytes = 65'000; ///< of the DER encoding: some 1,500 entries

/// The certificate with its lines as RFC 7468 section 2 has writers make them: 64 characters, no blanks, no line end
/// behind the last. Blanks around lines and other line lengths are read. A refusal never quotes the text: it may be a
/// private key.
[[nodiscard]] Canonical canonical_certificate(std::string_view text);

/// The same for a list of revoked certificates (RFC 5280 section 5).
[[nodiscard]] Canonical canonical_revocation_list(std::string_view text);

/// SHA-256 of the DER encoding, as certificates are compared by people and by openssl: "3F:0A:…". `text` is in
/// canonical spelling.
[[nodiscard]] std::string pem_fingerprint(std::string_view text);

} // namespace sekisho::config

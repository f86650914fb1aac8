// SPDX-License-Identifier: GPL-2.0-or-later
// X.509 certificates in the textual encoding of RFC 7468 ("PEM"). Read as far as a configuration must: one certificate,
// whole, and nothing beside it. Whether anybody should trust it is the reader's business.
#pragma once

#include "policy/config/refusal.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::config {

inline constexpr std::size_t kMostCertificateBytes = 8192; ///< of the DER encoding

/// The certificate with its lines as RFC 7468 section 2 has writers make them: 64 characters, no blanks, no line end
/// behind the last. Blanks around lines and other line lengths are read. A refusal never quotes the text: it may be a
/// private key.
[[nodiscard]] Canonical canonical_certificate(std::string_view text);

/// SHA-256 of the DER encoding, as certificates are compared by people and by openssl: "3F:0A:…". `certificate` is in
/// canonical spelling.
[[nodiscard]] std::string certificate_fingerprint(std::string_view certificate);

} // namespace sekisho::config

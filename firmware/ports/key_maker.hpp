// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"
#include "policy/base/time.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::ports {

/// A server's private key and its certificate, PEM.
struct ServerKey {
    std::string key;
    std::string certificate;
};

/// What the router makes of chance.
class KeyMaker {
public:
    virtual ~KeyMaker() = default;

    /// `bytes` random bytes as hexadecimal digits.
    virtual Result<std::string> random_hex(std::size_t bytes) = 0;

    /// A new key (ECDSA, P-256) with a certificate that it signs itself, for a TLS server of this DNS name.
    virtual Result<ServerKey> make_server_key(std::string_view name, Time valid_from, Time valid_to) = 0;
};

} // namespace sekisho::ports

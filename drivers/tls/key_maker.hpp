// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/key_maker.hpp"

#include <cstdint>
#include <span>

namespace sekisho::drivers {

/// Keys and certificates by mbedTLS, of the kernel's random numbers.
class MbedtlsKeyMaker final : public ports::KeyMaker {
public:
    /// The kernel's random numbers.
    static Result<void> fill_random(std::span<std::uint8_t> bytes);

    Result<std::string> random_hex(std::size_t bytes) override;
    /// The certificate is its own authority (clients pin it) and may be a TLS server's and nothing else's.
    Result<ports::ServerKey> make_server_key(std::string_view name, Time valid_from, Time valid_to) override;
};

} // namespace sekisho::drivers

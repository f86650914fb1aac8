// SPDX-License-Identifier: GPL-2.0-or-later
// What everything that uses mbedTLS shares. Internal to drivers/tls.
#pragma once

#include "policy/base/error.hpp"

#include <cstddef>
#include <string_view>

namespace sekisho::drivers::tls {

[[nodiscard]] Error library_error(std::string_view doing, int status);

/// The kernel's random numbers in the form that mbedTLS asks for.
int random_bytes(void* unused, unsigned char* bytes, std::size_t size);

/// Random numbers and PSA's own state, once for the process.
[[nodiscard]] Result<void> set_up_library();

} // namespace sekisho::drivers::tls

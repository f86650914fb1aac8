// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/files.hpp"

#include <cstdint>

#include <sys/un.h>

namespace sekisho::drivers::control {

/// An error where the path is longer than a socket address holds.
Result<sockaddr_un> address_of(const std::string& path);

/// A connected blocking socket whose calls end after `timeout_ms`.
Result<Descriptor> connect_to(const std::string& path, std::uint64_t timeout_ms);

} // namespace sekisho::drivers::control

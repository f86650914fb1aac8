// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/files.hpp"
#include "policy/base/address.hpp"
#include "policy/base/error.hpp"

#include <cstdint>

#include <netinet/in.h>

namespace sekisho::drivers::radius_sockets {

/// Of the loopback, on a port of the kernel's choice.
struct LocalSocket {
    Descriptor socket;
    std::uint16_t port = 0;
};

[[nodiscard]] Result<LocalSocket> open_local();

/// Connected: only that address and port are heard.
[[nodiscard]] Result<Descriptor> connect_to(const IpAddress& address, std::uint16_t port);

} // namespace sekisho::drivers::radius_sockets

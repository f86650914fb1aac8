// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/listeners.hpp"

#include <optional>
#include <string_view>

namespace sekisho::drivers {

/// By /proc of the network namespace of the calling thread.
class KernelListeners final : public ports::Listeners {
public:
    Result<std::vector<ports::Listener>> listeners() override;
};

/// A line of /proc/net/tcp and the like (proc_net_tcp(5)).
struct SocketLine {
    std::uint16_t port = 0;
    std::uint64_t inode = 0;
};

/// Nothing for a socket that does not listen, on the loopback's addresses, and for a line that is none.
[[nodiscard]] std::optional<SocketLine> listening_socket(std::string_view line, bool is_tcp);

} // namespace sekisho::drivers

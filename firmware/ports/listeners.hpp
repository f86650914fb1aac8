// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sekisho::ports {

/// A socket that others can send to unasked: TCP that listens, UDP without a peer.
struct Listener {
    bool is_tcp = false;
    std::uint16_t port = 0;
    std::string program; ///< empty where none is found that has it
    bool is_own = false; ///< of this process or one that descends from it
    friend auto operator<=>(const Listener&, const Listener&) = default;
};

class Listeners {
public:
    virtual ~Listeners() = default;

    /// Sockets on addresses that others can reach (not the loopback's), sorted, each kind once.
    virtual Result<std::vector<Listener>> listeners() = 0;
};

} // namespace sekisho::ports

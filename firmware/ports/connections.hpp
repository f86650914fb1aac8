// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"
#include "policy/ruleset/admission.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace sekisho::ports {

/// A connection in the kernel's table.
struct Connection {
    ruleset::Flow flow;
    std::vector<std::uint8_t> handle; ///< how the kernel names it; the driver's own
};

/// The kernel's table of live connections.
class Connections {
public:
    virtual ~Connections() = default;

    /// Those that a rule admitted, by their mark, as far as `wanted` says so. Connections that come or go meanwhile may
    /// be among them or not.
    virtual Result<std::vector<Connection>> find(const std::function<bool(const ruleset::Flow&)>& wanted) = 0;

    /// Forgets a connection: the next packet of it is judged as a first one, and a TCP segment that opens nothing is
    /// invalid. False where it was gone already.
    virtual Result<bool> end(const Connection& connection) = 0;
};

} // namespace sekisho::ports

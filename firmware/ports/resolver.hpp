// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/address.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::ports {

/// A look-up under way. It ends with the object: no call comes after that. It may be destroyed in its own callback.
class Lookup {
public:
    virtual ~Lookup() = default;
};

/// The addresses of host names, by the name servers in force.
class Resolver {
public:
    using OnDone = std::function<void(Result<std::vector<IpAddress>>)>;

    virtual ~Resolver() = default;
    /// Calls back once, from the event loop and never from within this call: the addresses in the order in which they
    /// should be tried (RFC 6724), at least one, or why there is none. Takes 10 s at most.
    virtual std::unique_ptr<Lookup> resolve(const std::string& host, OnDone on_done) = 0;
};

} // namespace sekisho::ports

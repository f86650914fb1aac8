// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/event_loop.hpp"
#include "firmware/ports/resolver.hpp"

namespace sekisho::drivers {

/// Looks names up with the C library (getaddrinfo(3), RFC 3493), in a child process each: the library waits for name
/// servers, and neither the loop nor a thread may. Look-ups end with the daemon.
class SystemResolver final : public ports::Resolver {
public:
    explicit SystemResolver(UvEventLoop& loop) : m_loop(loop) {}

    std::unique_ptr<ports::Lookup> resolve(const std::string& host, OnDone on_done) override;

private:
    UvEventLoop& m_loop;
};

} // namespace sekisho::drivers

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/system/event_loop.hpp"
#include "firmware/ports/resolver.hpp"
#include "firmware/ports/stream.hpp"

namespace sekisho::drivers {

/// Connections over TLS (mbedTLS), TCP and UDP.
class SocketConnector final : public ports::StreamConnector {
public:
    /// Both must outlive the connector and its streams.
    SocketConnector(UvEventLoop& loop, ports::Resolver& resolver) : m_loop(loop), m_resolver(resolver) {}

    std::unique_ptr<ports::Stream> open(const ports::StreamTarget& target, ports::StreamCallbacks callbacks) override;

private:
    UvEventLoop& m_loop;
    ports::Resolver& m_resolver;
};

} // namespace sekisho::drivers

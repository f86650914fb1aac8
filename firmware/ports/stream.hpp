// SPDX-License-Identifier: GPL-2.0-or-later
// Connections of the router to servers elsewhere: what is sent, and how much of it has certainly come there.
#pragma once

#include "policy/base/error.hpp"
#include "policy/base/time.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::ports {

enum class Transport : std::uint8_t { tls, tcp, udp };

/// Where to connect to, and whom to believe.
struct StreamTarget {
    std::string host; ///< address or host name
    std::uint16_t port = 0;
    Transport transport = Transport::tls;
    std::string server_name;              ///< TLS: DNS name or address that the certificate must bear
    std::vector<std::string> authorities; ///< TLS: certificates in PEM that the server's must come from, no others
    Time now;                             ///< TLS: certificates must be valid at this time
};

/// A connection that is being opened or is open. It is closed when it is destroyed, which may be in its own callback;
/// no call comes after that. What was sent and not acknowledged by then may or may not arrive.
class Stream {
public:
    virtual ~Stream() = default;
    /// Takes a message whole, or not at all and false: there is no room, or the stream isn't open; `on_writable` comes
    /// when there is room again. At most about 64 KiB wait here; the kernel's buffer is bounded too, so that less than
    /// 1 MiB is under way at any time. With UDP each message is a datagram.
    virtual bool send(std::string_view message) = 0;
    /// Of the bytes of the messages that were taken, the leading ones that the other end's kernel has acknowledged;
    /// never decreases. Its program need not have read them. With UDP, where nobody acknowledges: what was handed to
    /// this kernel.
    virtual std::uint64_t acknowledged() = 0;
    /// "10.0.1.20 port 6514, TLSv1.3 TLS1-3-AES-256-GCM-SHA384": what it is connected to; empty before it is open.
    [[nodiscard]] virtual std::string description() const = 0;
};

/// All come from the event loop, never from within a call of the connector or the stream.
struct StreamCallbacks {
    std::function<void()> on_open;                    ///< once: what is sent from now on is on its way
    std::function<void()> on_writable;                ///< after a send() was refused
    std::function<void(const Error& cause)> on_close; ///< once, at the end of whatever failed or ended it
};

class StreamConnector {
public:
    virtual ~StreamConnector() = default;
    /// Begins to look up the name, and to try one address after the other, each 10 s at most (the connection) and 10 s
    /// (the handshake). What is wrong with the target itself (a certificate that can't be read) is told by `on_close`
    /// too.
    virtual std::unique_ptr<Stream> open(const StreamTarget& target, StreamCallbacks callbacks) = 0;
};

} // namespace sekisho::ports

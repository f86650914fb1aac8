// SPDX-License-Identifier: GPL-2.0-or-later
// One TLS connection as a client (RFC 8446, RFC 5246) over a connected socket, with mbedTLS 3.6. Cipher suites as RFC
// 9662 asks of syslog: ephemeral keys and authenticated encryption only; no renegotiation, no resumption, no early
// data.
#pragma once

#include "drivers/tls/certificate.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <mbedtls/ssl.h>

namespace sekisho::drivers::tls {

/// What must be waited for before a call is repeated.
enum class Progress { done, wants_read, wants_write };

class TlsSession {
public:
    /// `server_name`: DNS name or address that the certificate must bear; `authorities`: PEM, one certificate each.
    static Result<std::unique_ptr<TlsSession>> create(const std::string& server_name,
                                                      const std::vector<std::string>& authorities, Time now);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    /// The socket stays the caller's and must outlive the session. Once, before the first step.
    void attach(int socket) noexcept { m_socket = socket; }

    /// One step of the handshake. An error says what was wrong with the server, in words for a technician.
    Result<Progress> handshake();

    /// Sends from the beginning of `bytes` (not empty), a record at most; 0 where it has to wait: then the next call
    /// must begin with the same bytes.
    Result<std::size_t> write(std::string_view bytes);

    /// Reads what the server sent, and drops it: a syslog server has nothing to say (RFC 5425 section 4.3). An error
    /// where the connection has ended.
    Result<void> drain();

    /// Tells the server that the connection ends, as far as there is room.
    void close_notify();

    /// Bytes that the kernel took, TLS' own included.
    [[nodiscard]] std::uint64_t sent() const noexcept { return m_sent; }

    [[nodiscard]] std::string description() const; ///< "TLSv1.3 TLS1-3-AES-256-GCM-SHA384"

private:
    TlsSession(const std::string& server_name, Time now);
    Result<void> set_up(const std::vector<std::string>& authorities);
    [[nodiscard]] Error error(int status, std::string_view doing) const;
    [[nodiscard]] std::string cause_of(int status) const;
    static int send_bytes(void* session, const unsigned char* bytes, std::size_t size);
    static int receive_bytes(void* session, unsigned char* bytes, std::size_t size);

    std::string m_server_name;
    Certificates m_authorities;
    Judge m_judge;
    mbedtls_ssl_config m_configuration{};
    mbedtls_ssl_context m_context{};
    int m_socket = -1;
    int m_errno = 0; ///< of the socket call that failed
    std::uint64_t m_sent = 0;
    std::size_t m_begun = 0; ///< bytes in a record that is partly with the kernel
};

} // namespace sekisho::drivers::tls

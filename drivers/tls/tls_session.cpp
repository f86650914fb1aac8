// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/tls/tls_session.hpp"

#include "drivers/tls/library.hpp"
#include "drivers/tls/socket.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <mbedtls/error.h>
#include <sys/socket.h>

namespace sekisho::drivers::tls {

namespace {

/// RFC 9662 section 5 and RFC 9325 section 4.2, and TLS 1.3's own.
constexpr std::array<int, 10> kCipherSuites{MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                                            MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                                            MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                                            MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                            MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                                            MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                                            MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                                            MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                            MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                                            0};

/// Reads per turn of the loop: a server that never stops talking must not keep it.
constexpr int kMostReads = 16;

struct CauseRow {
    int status;
    std::string_view words;
};

constexpr std::array kCauses{
    CauseRow{MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, "the server refused it (TLS alert)"},
    CauseRow{MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, "the server closed the connection"},
    CauseRow{MBEDTLS_ERR_SSL_CONN_EOF, "the server closed the connection"},
    CauseRow{MBEDTLS_ERR_SSL_INVALID_RECORD, "the server does not speak TLS there"},
    CauseRow{MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, "the server speaks neither TLS 1.2 nor 1.3"},
    CauseRow{MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, "no cipher suite or key exchange that both accept"},
    CauseRow{MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, "the server chose what was not offered"},
};

} // namespace

TlsSession::TlsSession(const std::string& server_name, Time now)
    : m_server_name(server_name), m_judge(server_name, now) {
    mbedtls_ssl_config_init(&m_configuration);
    mbedtls_ssl_init(&m_context);
}

TlsSession::~TlsSession() {
    mbedtls_ssl_free(&m_context);
    mbedtls_ssl_config_free(&m_configuration);
}

Result<std::unique_ptr<TlsSession>> TlsSession::create(const std::string& server_name,
                                                       const std::vector<std::string>& authorities, Time now) {
    TRY(set_up_library());
    std::unique_ptr<TlsSession> session(new TlsSession(server_name, now));
    TRY(session->set_up(authorities));
    return session;
}

Result<void> TlsSession::set_up(const std::vector<std::string>& authorities) {
    for (const std::string& pem : authorities) {
        TRY(m_authorities.add(pem));
    }
    if (authorities.empty()) {
        return std::unexpected(Error(Domain::tls, "certificate", "there is none: no server could be believed"));
    }
    if (const int status = mbedtls_ssl_config_defaults(&m_configuration, MBEDTLS_SSL_IS_CLIENT,
                                                       MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
        status != 0) {
        return std::unexpected(library_error("set up", status));
    }
    mbedtls_ssl_conf_rng(&m_configuration, random_bytes, nullptr);
    mbedtls_ssl_conf_min_tls_version(&m_configuration, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(&m_configuration, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_ciphersuites(&m_configuration, kCipherSuites.data());
    mbedtls_ssl_conf_tls13_key_exchange_modes(&m_configuration, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
    mbedtls_ssl_conf_renegotiation(&m_configuration, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
    mbedtls_ssl_conf_session_tickets(&m_configuration, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
    mbedtls_ssl_conf_authmode(&m_configuration, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&m_configuration, m_authorities.chain(), nullptr);
    mbedtls_ssl_conf_verify(&m_configuration, Judge::verify, &m_judge);
    if (const int status = mbedtls_ssl_setup(&m_context, &m_configuration); status != 0) {
        return std::unexpected(library_error("set up", status));
    }
    const std::string* name = m_judge.dns_name();
    if (const int status = mbedtls_ssl_set_hostname(&m_context, name != nullptr ? name->c_str() : nullptr);
        status != 0) {
        return std::unexpected(library_error("server name", status));
    }
    mbedtls_ssl_set_bio(&m_context, this, send_bytes, receive_bytes, nullptr);
    return {};
}

int TlsSession::send_bytes(void* session, const unsigned char* bytes, std::size_t size) {
    auto& self = *static_cast<TlsSession*>(session);
    const ssize_t count = send(self.m_socket, bytes, size, MSG_NOSIGNAL);
    if (count < 0) {
        if (must_wait(errno)) {
            return MBEDTLS_ERR_SSL_WANT_WRITE;
        }
        self.m_errno = errno;
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    }
    self.m_sent += static_cast<std::uint64_t>(count);
    return static_cast<int>(count);
}

int TlsSession::receive_bytes(void* session, unsigned char* bytes, std::size_t size) {
    auto& self = *static_cast<TlsSession*>(session);
    const ssize_t count = recv(self.m_socket, bytes, size, 0);
    if (count < 0) {
        if (must_wait(errno)) {
            return MBEDTLS_ERR_SSL_WANT_READ;
        }
        self.m_errno = errno;
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    }
    return static_cast<int>(count);
}

std::string TlsSession::cause_of(int status) const {
    if (std::string problems = m_judge.problems(); !problems.empty()) {
        return problems;
    }
    if (m_errno != 0) {
        return std::strerror(m_errno); // NOLINT(concurrency-mt-unsafe): one thread
    }
    const auto* const row = std::ranges::find(kCauses, status, &CauseRow::status);
    if (row != kCauses.end()) {
        return std::string(row->words);
    }
    std::array<char, 128> words{};
    mbedtls_strerror(status, words.data(), words.size());
    return words.data();
}

Error TlsSession::error(int status, std::string_view doing) const {
    return Error(Domain::tls, m_server_name, text::concat(doing, cause_of(status)), m_errno);
}

Result<Progress> TlsSession::handshake() {
    switch (const int status = mbedtls_ssl_handshake(&m_context); status) {
    case 0:
        return Progress::done;
    case MBEDTLS_ERR_SSL_WANT_READ:
        return Progress::wants_read;
    case MBEDTLS_ERR_SSL_WANT_WRITE:
        return Progress::wants_write;
    default:
        return std::unexpected(error(status, ""));
    }
}

Result<std::size_t> TlsSession::write(std::string_view bytes) {
    // A record that waits is encrypted already: the library answers with the length that it is given again.
    const std::size_t size = m_begun > 0 ? m_begun : bytes.size();
    const int status = mbedtls_ssl_write(&m_context, reinterpret_cast<const unsigned char*>(bytes.data()), size);
    if (status == MBEDTLS_ERR_SSL_WANT_READ || status == MBEDTLS_ERR_SSL_WANT_WRITE) {
        m_begun = size;
        return std::size_t{0};
    }
    m_begun = 0;
    if (status < 0) {
        return std::unexpected(error(status, "sending: "));
    }
    return static_cast<std::size_t>(status);
}

Result<void> TlsSession::drain() {
    std::array<unsigned char, 4096> dropped; // NOLINT(*-member-init): filled by the library
    for (int reads = 0; reads < kMostReads; ++reads) {
        const int status = mbedtls_ssl_read(&m_context, dropped.data(), dropped.size());
        if (status == MBEDTLS_ERR_SSL_WANT_READ || status == MBEDTLS_ERR_SSL_WANT_WRITE) {
            return {};
        }
        if (status == 0) {
            return std::unexpected(error(MBEDTLS_ERR_SSL_CONN_EOF, ""));
        }
        if (status < 0 && status != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            return std::unexpected(error(status, ""));
        }
    }
    return {};
}

void TlsSession::close_notify() {
    // One attempt: the server learns of it by the end of the connection otherwise.
    [[maybe_unused]] const int status = mbedtls_ssl_close_notify(&m_context);
}

std::string TlsSession::description() const {
    return text::concat(mbedtls_ssl_get_version(&m_context), " ", mbedtls_ssl_get_ciphersuite(&m_context));
}

} // namespace sekisho::drivers::tls

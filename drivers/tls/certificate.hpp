// SPDX-License-Identifier: GPL-2.0-or-later
// Certificates as the product judges them: only configured authorities count, the name must be in subjectAltName (RFC
// 9525: the common name is none), the time is the product's, and a refusal says what is wrong.
#pragma once

#include "policy/base/address.hpp"
#include "policy/base/time.hpp"

#include <optional>
#include <string>
#include <vector>

#include <mbedtls/x509_crt.h>

namespace sekisho::drivers::tls {

/// A chain of certificates that is freed with the object.
class Certificates {
public:
    Certificates() noexcept { mbedtls_x509_crt_init(&m_chain); }

    ~Certificates() { mbedtls_x509_crt_free(&m_chain); }

    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;

    /// Adds the certificate in `pem`, which must hold one and no more.
    Result<void> add(const std::string& pem);

    [[nodiscard]] mbedtls_x509_crt* chain() noexcept { return &m_chain; }

private:
    mbedtls_x509_crt m_chain{};
};

/// The DNS names and addresses in a certificate's subjectAltName, as the certificate has them: bytes of a stranger.
struct CertificateNames {
    std::vector<std::string> dns;
    std::vector<IpAddress> addresses;
};

[[nodiscard]] CertificateNames names_of(const mbedtls_x509_crt& certificate);

/// Whether a server's certificate is believed. The library checks signatures, the way to an authority and the DNS name;
/// what it finds is completed and put into words here.
class Judge {
public:
    /// `server_name` is a DNS name or an address.
    Judge(std::string server_name, Time now);

    /// What the library compares with the certificate and tells the server: the DNS name; none for an address, which is
    /// no name for a server (RFC 6066 section 3) and is compared here.
    [[nodiscard]] const std::string* dns_name() const noexcept { return m_address ? nullptr : &m_server_name; }

    /// mbedTLS' callback for each certificate of the chain, from the authority's to the server's (depth 0); `judge` is
    /// a Judge.
    static int verify(void* judge, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags);

    /// What was wrong with the chain, for a person: "the certificate expired 2025-01-01"; empty where nothing was.
    [[nodiscard]] std::string problems() const;

private:
    void judge(const mbedtls_x509_crt& certificate, int depth, std::uint32_t& flags);
    void judge_time(const mbedtls_x509_crt& certificate, const std::string& whose, std::uint32_t& flags);
    void judge_name(const mbedtls_x509_crt& certificate, std::uint32_t& flags);

    std::string m_server_name;
    std::optional<IpAddress> m_address; ///< of the server, where that is its name
    Time m_now;
    std::vector<std::string> m_problems; ///< of the server's certificate last
};

} // namespace sekisho::drivers::tls

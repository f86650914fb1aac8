// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/tls/key_maker.hpp"

#include "drivers/tls/library.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <mbedtls/asn1write.h>
#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

namespace sekisho::drivers {

namespace {

using tls::library_error;
using tls::random_bytes;

constexpr std::size_t kMostPem = 4096;
constexpr std::size_t kSerialBytes = 16;
constexpr std::size_t kMostName = 63; // of a common name: 64 (RFC 5280, ub-common-name)

class Key {
public:
    Key() noexcept { mbedtls_pk_init(&m_key); }

    ~Key() { mbedtls_pk_free(&m_key); }

    Key(const Key&) = delete;
    Key& operator=(const Key&) = delete;

    [[nodiscard]] mbedtls_pk_context* get() noexcept { return &m_key; }

private:
    mbedtls_pk_context m_key{};
};

class CertificateWriter {
public:
    CertificateWriter() noexcept { mbedtls_x509write_crt_init(&m_writer); }

    ~CertificateWriter() { mbedtls_x509write_crt_free(&m_writer); }

    CertificateWriter(const CertificateWriter&) = delete;
    CertificateWriter& operator=(const CertificateWriter&) = delete;

    [[nodiscard]] mbedtls_x509write_cert* get() noexcept { return &m_writer; }

private:
    mbedtls_x509write_cert m_writer{};
};

/// mbedTLS' own form: "20270331093000".
std::string time_text(Time time) {
    std::string digits;
    for (const char c : rfc3339_utc(time).substr(0, 19)) {
        if (c >= '0' && c <= '9') {
            digits += c;
        }
    }
    return digits;
}

Result<void> done(std::string_view doing, int status) {
    return status == 0 ? Result<void>{} : std::unexpected(library_error(doing, status));
}

bool is_dns_name(std::string_view name) {
    return !name.empty() && name.size() <= kMostName && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
}

Result<void> fill(mbedtls_x509write_cert& writer, mbedtls_pk_context& key, const std::string& name) {
    std::array<unsigned char, kSerialBytes> serial{};
    TRY(done("no serial number", random_bytes(nullptr, serial.data(), serial.size())));
    serial[0] &= 0x7f; // a positive number
    serial[0] |= 0x40;
    const std::string subject = "CN=" + name;
    mbedtls_x509_san_list names{};
    names.node.type = MBEDTLS_X509_SAN_DNS_NAME;
    std::vector<unsigned char> dns(name.begin(), name.end());
    names.node.san.unstructured_name.p = dns.data();
    names.node.san.unstructured_name.len = dns.size();
    std::string purpose(MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH));
    mbedtls_asn1_sequence purposes{};
    purposes.buf.tag = MBEDTLS_ASN1_OID;
    purposes.buf.p = reinterpret_cast<unsigned char*>(purpose.data());
    purposes.buf.len = purpose.size();

    mbedtls_x509write_crt_set_version(&writer, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&writer, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&writer, &key);
    mbedtls_x509write_crt_set_issuer_key(&writer, &key);
    TRY(done("subject", mbedtls_x509write_crt_set_subject_name(&writer, subject.c_str())));
    TRY(done("issuer", mbedtls_x509write_crt_set_issuer_name(&writer, subject.c_str())));
    TRY(done("serial number", mbedtls_x509write_crt_set_serial_raw(&writer, serial.data(), serial.size())));
    TRY(done("constraints", mbedtls_x509write_crt_set_basic_constraints(&writer, 1, 0)));
    TRY(done("key usage", mbedtls_x509write_crt_set_key_usage(&writer, MBEDTLS_X509_KU_DIGITAL_SIGNATURE |
                                                                           MBEDTLS_X509_KU_KEY_CERT_SIGN)));
    TRY(done("purpose", mbedtls_x509write_crt_set_ext_key_usage(&writer, &purposes)));
    TRY(done("key id", mbedtls_x509write_crt_set_subject_key_identifier(&writer)));
    return done("names", mbedtls_x509write_crt_set_subject_alternative_name(&writer, &names));
}

} // namespace

Result<void> MbedtlsKeyMaker::fill_random(std::span<std::uint8_t> bytes) {
    TRY(tls::set_up_library());
    return done("no random numbers", random_bytes(nullptr, bytes.data(), bytes.size()));
}

Result<std::string> MbedtlsKeyMaker::random_hex(std::size_t bytes) {
    std::vector<std::uint8_t> random(bytes);
    TRY(fill_random(random));
    std::string digits;
    for (const std::uint8_t byte : random) {
        digits += text::to_hex(byte, 2);
    }
    return digits;
}

Result<ports::ServerKey> MbedtlsKeyMaker::make_server_key(std::string_view name, Time valid_from, Time valid_to) {
    if (!is_dns_name(name)) {
        return std::unexpected(Error(Domain::tls, "certificate", "its name is no DNS name"));
    }
    TRY(tls::set_up_library());
    Key key;
    TRY(done("no key", mbedtls_pk_setup(key.get(), mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY))));
    TRY(done("no key",
             mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key.get()), random_bytes, nullptr)));
    CertificateWriter writer;
    TRY(fill(*writer.get(), *key.get(), std::string(name)));
    TRY(done("validity", mbedtls_x509write_crt_set_validity(writer.get(), time_text(valid_from).c_str(),
                                                            time_text(valid_to).c_str())));
    std::vector<unsigned char> pem(kMostPem);
    TRY(done("the certificate can't be written",
             mbedtls_x509write_crt_pem(writer.get(), pem.data(), pem.size(), random_bytes, nullptr)));
    ports::ServerKey made;
    made.certificate = reinterpret_cast<const char*>(pem.data());
    TRY(done("the key can't be written", mbedtls_pk_write_key_pem(key.get(), pem.data(), pem.size())));
    made.key = reinterpret_cast<const char*>(pem.data());
    std::ranges::fill(pem, 0);
    return made;
}

} // namespace sekisho::drivers

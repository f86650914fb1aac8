// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/base64.hpp"
#include "policy/base/text.hpp"
#include "policy/config/certificate.hpp"
#include "tests/unit/config/samples.hpp"
#include "tests/unit/config/text_check.hpp"

#include <algorithm>

using namespace sekisho;
using namespace sekisho::config;
using namespace sekisho::test;

namespace {

std::string refused(std::string_view text) {
    const Canonical value = canonical_certificate(text);
    return value ? "accepted" : value.error().why;
}

std::string accepted(std::string_view text) {
    const Canonical value = canonical_certificate(text);
    return value ? *value : "refused: " + value.error().why;
}

std::string pem(std::string_view der) {
    return text::concat("-----BEGIN CERTIFICATE-----\n", base64::encode(der), "\n-----END CERTIFICATE-----");
}

std::string element(char tag, std::string_view contents) {
    std::string head(1, tag);
    if (contents.size() >= 0x100) {
        head += '\x82';
        head += static_cast<char>(contents.size() >> 8);
    } else if (contents.size() >= 0x80) {
        head += '\x81';
    }
    return head + static_cast<char>(contents.size() & 0xff) + std::string(contents);
}

/// A certificate whose first part has that many bytes of contents.
std::string certificate_of(std::size_t size) {
    return element('\x30', element('\x30', std::string(size, '\x05')) + element('\x30', "a") + element('\x03', "s"));
}

constexpr std::string_view kNotOne =
    "the text says that it is a certificate, and what it holds is none, or not all of one";

} // namespace

TEST_GROUP(certificate_accepted){};

TEST(certificate_accepted, as_openssl_writes_it) {
    CHECK_SAME(kCertificate, accepted(kCertificate));
    CHECK_SAME(kOtherCertificate, accepted(kOtherCertificate));
}

TEST(certificate_accepted, line_lengths_and_blanks_make_no_difference) {
    std::string indented = "\n  ";
    std::string one_line;
    for (const char byte : kCertificate) {
        indented += byte == '\n' ? "  \n\t    " : std::string(1, byte);
        one_line += byte == '\n' ? std::string() : std::string(1, byte);
    }
    CHECK_SAME(kCertificate, accepted(indented + "\n\n"));
    CHECK_SAME(kCertificate, accepted(one_line));
}

TEST(certificate_accepted, every_form_of_length_and_the_largest) {
    for (const std::size_t size : {1u, 0x60u, 0x7fu, 0x80u, 0xffu, 0x100u, 8000u}) {
        CHECK_SAME(accepted(pem(certificate_of(size))), accepted(accepted(pem(certificate_of(size)))));
        CHECK_HOLDS("-----BEGIN CERTIFICATE-----\n", accepted(pem(certificate_of(size))));
    }
    std::size_t size = kMostCertificateBytes;
    while (certificate_of(size).size() > kMostCertificateBytes) {
        --size;
    }
    CHECK_EQUAL(kMostCertificateBytes, certificate_of(size).size());
    CHECK_HOLDS("-----BEGIN CERTIFICATE-----\n", accepted(pem(certificate_of(size))));
    CHECK_SAME("the certificate has more than 8192 bytes", refused(pem(certificate_of(size + 1))));
}

TEST_GROUP(certificate_refused){};

TEST(certificate_refused, what_is_framed_otherwise) {
    CHECK_HOLDS("does not begin with", refused(""));
    CHECK_HOLDS("does not begin with", refused("log.clinic.example"));
    CHECK_HOLDS("does not begin with", refused(kCertificate.substr(1)));
    CHECK_HOLDS("does not begin with", refused(text::concat("subject=CN\n", kCertificate)));
    CHECK_HOLDS("does not end with", refused(kCertificate.substr(0, kCertificate.size() - 1)));
    CHECK_HOLDS("does not end with", refused(text::concat(kCertificate, "\nissuer=CN")));
    CHECK_HOLDS("does not end with", refused("-----BEGIN CERTIFICATE-----"));
    CHECK_HOLDS("does not end with", refused("-----BEGIN CERTIFICATE-----END CERTIFICATE-----"));
    CHECK_HOLDS("something else than a certificate",
                refused("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"));
    CHECK_HOLDS("something else than a certificate",
                refused("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"));
    CHECK_HOLDS("something else than a certificate",
                refused("-----BEGIN X509 CRL-----\nAAAA\n-----END CERTIFICATE-----"));
}

TEST(certificate_refused, two_in_one_text) {
    CHECK_SAME("the text holds more than one certificate",
               refused(text::concat(kCertificate, "\n", kOtherCertificate)));
    CHECK_SAME("the text holds more than one certificate", refused(text::concat(kCertificate, kCertificate)));
}

TEST(certificate_refused, a_private_key_is_not_quoted) {
    for (const std::string& text :
         {std::string(kPrivateKey), std::string(kPrivateSshKey), text::concat(kCertificate, "\n", kPrivateKey),
          text::concat(kPrivateKey, "\n", kCertificate), text::concat(kCertificate, kPrivateKey, kCertificate),
          std::string("-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0c2VjcmV0c2VjcmV0"),
          std::string("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nc2VjcmV0c2VjcmV0c2VjcmV0")}) {
        const Canonical value = canonical_certificate(text);
        CHECK_FALSE(value.has_value());
        CHECK_SAME("this is a private key, and a certificate is wanted", value.error().why);
        CHECK_FALSE(value.error().hint.contains(kPrivateBody));
    }
}

TEST(certificate_refused, damaged_base64) {
    std::string text(kCertificate);
    text[40] = '!';
    CHECK_HOLDS("is not base64", refused(text));
    text = kCertificate;
    text.insert(60, " ");
    CHECK_HOLDS("is not base64", refused(text));
    text = kCertificate;
    text.erase(40, 1);
    CHECK_HOLDS("is not base64", refused(text));
    CHECK_HOLDS("is not base64",
                refused("-----BEGIN CERTIFICATE-----\nProc-Type: 4\n\nAAAA\n-----END CERTIFICATE-----"));
}

TEST(certificate_refused, der_that_does_not_fit_exactly) {
    const std::string whole = certificate_of(300);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK_SAME(kNotOne, refused(pem(whole.substr(0, size))));
    }
    CHECK_SAME(kNotOne, refused(pem(whole + '\0')));
    CHECK_SAME(kNotOne, refused(pem(element('\x31', whole.substr(4)))));
}

TEST(certificate_refused, der_that_is_no_certificate) {
    const std::string part = element('\x30', "x");
    const std::string signature = element('\x03', "s");
    CHECK_HOLDS("-----BEGIN", accepted(pem(element('\x30', part + part + signature))));
    CHECK_SAME(kNotOne, refused(pem(element('\x30', ""))));
    CHECK_SAME(kNotOne, refused(pem(element('\x30', part + part))));
    CHECK_SAME(kNotOne, refused(pem(element('\x30', part + part + part))));
    CHECK_SAME(kNotOne, refused(pem(element('\x30', part + part + signature + part))));
    CHECK_SAME(kNotOne, refused(pem(element('\x30', element('\x02', "0") + part + signature)))); // as PKCS #8 begins
}

TEST(certificate_refused, lengths_that_der_does_not_have) {
    const std::string_view contents = "0\x01"
                                      "a0\x01"
                                      "b\x03\x01s";
    const std::string size(1, static_cast<char>(contents.size()));
    CHECK_HOLDS("-----BEGIN", accepted(pem("0" + size + std::string(contents))));
    CHECK_SAME(kNotOne, refused(pem("0\x81" + size + std::string(contents)))); // longer than needed
    CHECK_SAME(kNotOne, refused(pem(std::string("0\x82\x00", 3) + size + std::string(contents))));
    CHECK_SAME(kNotOne, refused(pem(std::string("0\x83\x00\x00", 4) + size + std::string(contents))));
    CHECK_SAME(kNotOne, refused(pem("0\x80" + std::string(contents) + std::string(2, '\0')))); // indefinite (BER)
    CHECK_SAME(kNotOne, refused(pem("0\x82\xff\xff" + std::string(contents))));
    CHECK_SAME(kNotOne, refused(pem("0\xff")));
}

TEST_GROUP(pem_fingerprint){};

TEST(pem_fingerprint, is_what_openssl_says) {
    CHECK_SAME(kFingerprint, pem_fingerprint(kCertificate));
}

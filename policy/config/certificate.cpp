// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/config/certificate.hpp"

#include "policy/base/base64.hpp"
#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace sekisho::config {

namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
constexpr std::size_t kLineDigits = 64;

// Tags of DER (X.690)
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kSequence = 0x30;

constexpr std::string_view kForm = "it is written: certificate \"-----BEGIN CERTIFICATE----- … -----END "
                                   "CERTIFICATE-----\"; with the lines as they are "
                                   "in the file";

[[nodiscard]] std::unexpected<Refusal> refuse(std::string why, std::string_view hint = kForm) {
    return std::unexpected(Refusal{std::move(why), std::string(hint)});
}

[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view kBlanks = " \t\n";
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Takes one element off the front of `der`: its contents, or nothing where there is no whole element of that tag with
/// a length in DER's one form.
[[nodiscard]] std::optional<std::string_view> take_element(std::string_view& der, std::uint8_t tag) noexcept {
    if (der.size() < 2 || static_cast<std::uint8_t>(der[0]) != tag) {
        return std::nullopt;
    }
    std::size_t length = static_cast<std::uint8_t>(der[1]);
    std::size_t head = 2;
    if (length >= 0x80) {
        const std::size_t digits = length - 0x80;
        if (digits < 1 || digits > 2 || der.size() < 2 + digits) { // two are enough for kMostCertificateBytes
            return std::nullopt;
        }
        length = 0;
        for (; head < 2 + digits; ++head) {
            length = length << 8 | static_cast<std::uint8_t>(der[head]);
        }
        if (length < (digits == 1 ? 0x80u : 0x100u)) {
            return std::nullopt;
        }
    }
    if (length > der.size() - head) {
        return std::nullopt;
    }
    const std::string_view contents = der.substr(head, length);
    der.remove_prefix(head + length);
    return contents;
}

/// Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE, signatureValue BIT STRING }
/// (RFC 5280 section 4.1): enough to tell it from keys, requests and what was cut off.
[[nodiscard]] bool has_form_of_certificate(std::string_view der) noexcept {
    auto certificate = take_element(der, kSequence);
    if (!certificate || !der.empty()) {
        return false;
    }
    return take_element(*certificate, kSequence) && take_element(*certificate, kSequence) &&
           take_element(*certificate, kBitString) && certificate->empty();
}

[[nodiscard]] std::unexpected<Refusal> refuse_framing(std::string_view text) {
    if (!text.starts_with(kBegin)) {
        return refuse(text.starts_with("-----BEGIN ") ? "the text holds something else than a certificate"
                                                      : "the text does not begin with -----BEGIN CERTIFICATE-----");
    }
    return refuse("the text does not end with -----END CERTIFICATE-----");
}

} // namespace

Canonical canonical_certificate(std::string_view text) {
    text = trimmed(text);
    if (text.contains("PRIVATE KEY-----")) {
        return refuse("this is a private key, and a certificate is wanted",
                      "the key stays on the machine that it belongs to; if this text was shown to anyone else, make a "
                      "new key there");
    }
    if (!text.starts_with(kBegin) || !text.ends_with(kEnd) || text.size() < kBegin.size() + kEnd.size()) {
        return refuse_framing(text);
    }
    text.remove_prefix(kBegin.size());
    text.remove_suffix(kEnd.size());
    if (text.contains("-----")) {
        return refuse(text.contains(kBegin) ? "the text holds more than one certificate"
                                            : "the text holds more than a certificate",
                      "write a statement for each certificate");
    }
    std::string digits;
    for (const std::string_view line : text::split(text, '\n')) {
        digits += trimmed(line);
    }
    const std::optional<std::string> der = base64::decode(digits);
    if (!der) {
        return refuse("between its first and its last line the certificate is not base64",
                      "copy it again, whole and without anything in between");
    }
    if (der->size() > kMostCertificateBytes) {
        return refuse(text::concat("the certificate has more than ", text::to_text(kMostCertificateBytes), " bytes"),
                      {});
    }
    if (!has_form_of_certificate(*der)) {
        return refuse("the text says that it is a certificate, and what it holds is none, or not all of one",
                      "copy it again, whole");
    }
    std::string canonical(kBegin);
    for (std::size_t at = 0; at < digits.size(); at += kLineDigits) {
        canonical += '\n';
        canonical += digits.substr(at, kLineDigits);
    }
    return text::concat(canonical, "\n", kEnd);
}

std::string certificate_fingerprint(std::string_view certificate) {
    std::string digits;
    for (const std::string_view line : text::split(certificate, '\n')) {
        if (!line.starts_with('-')) {
            digits += line;
        }
    }
    std::string fingerprint;
    for (const char digit : sha256_hex(base64::decode(digits).value_or(""))) {
        if (fingerprint.size() % 3 == 2) {
            fingerprint += ':';
        }
        fingerprint += digit >= 'a' ? static_cast<char>(digit - 'a' + 'A') : digit;
    }
    return fingerprint;
}

} // namespace sekisho::config

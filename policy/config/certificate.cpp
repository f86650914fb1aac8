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

/// A kind of PEM text, and what people call it.
struct Kind {
    std::string_view begin;
    std::string_view end;
    std::string_view noun;
    std::string_view form; ///< how it is written
    std::size_t most;      ///< bytes of the DER encoding
};

constexpr std::size_t kLineDigits = 64;

// Tags of DER (X.690)
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kSequence = 0x30;

constexpr Kind kCertificate{
    .begin = "-----BEGIN CERTIFICATE-----",
    .end = "-----END CERTIFICATE-----",
    .noun = "certificate",
    .form = "it is written: certificate \"-----BEGIN CERTIFICATE----- … -----END CERTIFICATE-----\"; with the lines as "
            "they are in the file",
    .most = kMostCertificateBytes};
constexpr Kind kRevocationList{
    .begin = "-----BEGIN X509 CRL-----",
    .end = "-----END X509 CRL-----",
    .noun = "revocation list",
    .form = "it is written: revocation-list \"-----BEGIN X509 CRL----- … -----END X509 CRL-----\"; with the lines as "
            "they are in the file",
    .most = kMostRevocationListBytes};

[[nodiscard]] std::unexpected<Refusal> refuse(std::string why, std::string_view hint) {
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
        if (digits < 1 || digits > 2 || der.size() < 2 + digits) { // two are enough for what is taken
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
/// (RFC 5280 section 4.1), and a CertificateList alike (5.1): enough to tell it from keys, requests and what was cut
/// off.
[[nodiscard]] bool has_signed_form(std::string_view der) noexcept {
    auto certificate = take_element(der, kSequence);
    if (!certificate || !der.empty()) {
        return false;
    }
    return take_element(*certificate, kSequence) && take_element(*certificate, kSequence) &&
           take_element(*certificate, kBitString) && certificate->empty();
}

[[nodiscard]] std::unexpected<Refusal> refuse_framing(const Kind& kind, std::string_view text) {
    if (!text.starts_with(kind.begin)) {
        return refuse(text.starts_with("-----BEGIN ") ? text::concat("the text holds something else than a ", kind.noun)
                                                      : text::concat("the text does not begin with ", kind.begin),
                      kind.form);
    }
    return refuse(text::concat("the text does not end with ", kind.end), kind.form);
}

[[nodiscard]] Canonical canonical_pem(const Kind& kind, std::string_view text) {
    text = trimmed(text);
    if (text.contains("PRIVATE KEY-----")) {
        return refuse(text::concat("this is a private key, and a ", kind.noun, " is wanted"),
                      "the key stays on the machine that it belongs to; if this text was shown to anyone else, make a "
                      "new key there");
    }
    if (!text.starts_with(kind.begin) || !text.ends_with(kind.end) ||
        text.size() < kind.begin.size() + kind.end.size()) {
        return refuse_framing(kind, text);
    }
    text.remove_prefix(kind.begin.size());
    text.remove_suffix(kind.end.size());
    if (text.contains("-----")) {
        return refuse(text::concat("the text holds more than ", text.contains(kind.begin) ? "one " : "a ", kind.noun),
                      text::concat("write a statement for each ", kind.noun));
    }
    std::string digits;
    for (const std::string_view line : text::split(text, '\n')) {
        digits += trimmed(line);
    }
    const std::optional<std::string> der = base64::decode(digits);
    if (!der) {
        return refuse(text::concat("between its first and its last line the ", kind.noun, " is not base64"),
                      "copy it again, whole and without anything in between");
    }
    if (der->size() > kind.most) {
        return refuse(text::concat("the ", kind.noun, " has more than ", text::to_text(kind.most), " bytes"), {});
    }
    if (!has_signed_form(*der)) {
        return refuse(
            text::concat("the text says that it is a ", kind.noun, ", and what it holds is none, or not all of one"),
            "copy it again, whole");
    }
    std::string canonical(kind.begin);
    for (std::size_t at = 0; at < digits.size(); at += kLineDigits) {
        canonical += '\n';
        canonical += digits.substr(at, kLineDigits);
    }
    return text::concat(canonical, "\n", kind.end);
}

} // namespace

Canonical canonical_certificate(std::string_view text) {
    return canonical_pem(kCertificate, text);
}

Canonical canonical_revocation_list(std::string_view text) {
    return canonical_pem(kRevocationList, text);
}

std::string pem_fingerprint(std::string_view text) {
    std::string digits;
    for (const std::string_view line : text::split(text, '\n')) {
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

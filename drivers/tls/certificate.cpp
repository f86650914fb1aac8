// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/tls/certificate.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include <mbedtls/error.h>
#include <mbedtls/oid.h>

namespace sekisho::drivers::tls {

namespace {

constexpr std::size_t kMostShownNames = 3;
constexpr std::size_t kMostShownBytes = 80;

/// What a stranger wrote, for a message.
std::string shown(std::string_view text) {
    const std::string safe = text::escape_for_terminal(text.substr(0, kMostShownBytes));
    return text.size() > kMostShownBytes ? safe + "…" : safe;
}

std::string_view view(const mbedtls_x509_buf& bytes) {
    return {reinterpret_cast<const char*>(bytes.p), bytes.len};
}

Time time_of(const mbedtls_x509_time& time) {
    const Time midnight = Date{time.year, time.mon, time.day}.begin(0);
    const std::int64_t seconds = (std::int64_t{time.hour} * 60 + time.min) * 60 + time.sec;
    return {midnight.microseconds + seconds * 1'000'000};
}

std::string date_of(const mbedtls_x509_time& time) {
    return Date{time.year, time.mon, time.day}.text();
}

std::string common_name_of(const mbedtls_x509_name& name) {
    for (const mbedtls_x509_name* part = &name; part != nullptr; part = part->next) {
        if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0) {
            return shown(view(part->val));
        }
    }
    return "without a name";
}

/// "log.other.example, 192.0.2.1 and 4 more"; empty where there is none.
std::string listed(const CertificateNames& names) {
    std::vector<std::string> all;
    for (const std::string& name : names.dns) {
        all.push_back(shown(name));
    }
    for (const IpAddress& address : names.addresses) {
        all.push_back(address.text());
    }
    const std::size_t more = all.size() > kMostShownNames ? all.size() - kMostShownNames : 0;
    all.resize(all.size() - more);
    std::string text = text::join(all, ", ");
    return more > 0 ? text::concat(text, " and ", text::to_text(more), " more") : text;
}

struct FlagRow {
    std::uint32_t flag;
    std::string_view words; ///< behind "the certificate "
};

constexpr std::array kFlagRows{
    FlagRow{MBEDTLS_X509_BADCERT_NOT_TRUSTED, "is not issued by a configured authority"},
    FlagRow{MBEDTLS_X509_BADCERT_EXT_KEY_USAGE, "is not meant for a server"},
    FlagRow{MBEDTLS_X509_BADCERT_KEY_USAGE, "is not meant for a server"},
    FlagRow{MBEDTLS_X509_BADCERT_NS_CERT_TYPE, "is not meant for a server"},
    FlagRow{MBEDTLS_X509_BADCERT_BAD_MD, "is signed with a digest that is too weak"},
    FlagRow{MBEDTLS_X509_BADCERT_BAD_PK, "has a kind of key that is not accepted"},
    FlagRow{MBEDTLS_X509_BADCERT_BAD_KEY, "has a key that is too short"},
    FlagRow{MBEDTLS_X509_BADCERT_MISSING, "is missing"},
};

} // namespace

Result<void> Certificates::add(const std::string& pem) {
    const auto count_of = [](const mbedtls_x509_crt& chain) {
        std::size_t count = 0;
        for (const mbedtls_x509_crt* part = &chain; part != nullptr && part->raw.p != nullptr; part = part->next) {
            ++count;
        }
        return count;
    };
    const std::size_t before = count_of(m_chain);
    // the library wants the byte behind the text to be counted
    const int status =
        mbedtls_x509_crt_parse(&m_chain, reinterpret_cast<const unsigned char*>(pem.c_str()), pem.size() + 1);
    if (status > 0) {
        return std::unexpected(Error(Domain::tls, "certificate", "is not one certificate in PEM"));
    }
    if (status < 0) {
        std::array<char, 128> words{};
        mbedtls_strerror(status, words.data(), words.size());
        return std::unexpected(Error(Domain::tls, "certificate", text::concat("can't be read: ", words.data())));
    }
    return count_of(m_chain) == before + 1
               ? Result<void>{}
               : std::unexpected(Error(Domain::tls, "certificate", "is not one certificate in PEM"));
}

CertificateNames names_of(const mbedtls_x509_crt& certificate) {
    CertificateNames names;
    // The library's own chain of entries: the first is in the certificate itself, and empty where there is none.
    for (const mbedtls_x509_sequence* entry = &certificate.subject_alt_names;
         entry != nullptr && entry->buf.p != nullptr; entry = entry->next) {
        constexpr int kDnsName = MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_DNS_NAME;
        constexpr int kIpAddress = MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_IP_ADDRESS;
        const std::span<const std::uint8_t> bytes(entry->buf.p, entry->buf.len);
        if (entry->buf.tag == kDnsName) {
            names.dns.emplace_back(view(entry->buf));
        } else if (entry->buf.tag == kIpAddress && bytes.size() == 4) {
            names.addresses.push_back(IpAddress::from_bytes(Family::ipv4, bytes));
        } else if (entry->buf.tag == kIpAddress && bytes.size() == 16) {
            names.addresses.push_back(IpAddress::from_bytes(Family::ipv6, bytes));
        }
    }
    return names;
}

Judge::Judge(std::string server_name, Time now) : m_server_name(std::move(server_name)), m_now(now) {
    if (const auto address = IpAddress::parse(m_server_name)) {
        m_address = *address;
    }
}

int Judge::verify(void* judge, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags) {
    static_cast<Judge*>(judge)->judge(*certificate, depth, *flags);
    return 0;
}

std::string Judge::problems() const {
    return text::join({m_problems.rbegin(), m_problems.rend()}, "; ");
}

void Judge::judge(const mbedtls_x509_crt& certificate, int depth, std::uint32_t& flags) {
    const std::string whose =
        depth == 0 ? std::string("the certificate ")
                   : text::concat("the authority's certificate (", common_name_of(certificate.subject), ") ");
    judge_time(certificate, whose, flags);
    if (depth == 0) {
        judge_name(certificate, flags);
        // The library looks at it after the verify callback, with an error that says nothing.
        if (mbedtls_x509_crt_check_extended_key_usage(&certificate, MBEDTLS_OID_SERVER_AUTH,
                                                      MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0) {
            flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
        }
    }
    for (const FlagRow& row : kFlagRows) {
        if ((flags & row.flag) != 0) {
            m_problems.push_back(
                text::concat(row.flag == MBEDTLS_X509_BADCERT_NOT_TRUSTED ? "the certificate " : whose, row.words));
        }
    }
}

/// The library asks the system's clock, which may be behind what the product believes; its finding is replaced.
void Judge::judge_time(const mbedtls_x509_crt& certificate, const std::string& whose, std::uint32_t& flags) {
    constexpr std::uint32_t kTimeFlags = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
    flags &= ~kTimeFlags;
    if (m_now > time_of(certificate.valid_to)) {
        flags |= MBEDTLS_X509_BADCERT_EXPIRED;
        m_problems.push_back(text::concat(whose, "expired ", date_of(certificate.valid_to)));
    }
    if (m_now < time_of(certificate.valid_from)) {
        flags |= MBEDTLS_X509_BADCERT_FUTURE;
        m_problems.push_back(text::concat(whose, "is not yet valid (from ", date_of(certificate.valid_from),
                                          " on): is the clock right?"));
    }
}

void Judge::judge_name(const mbedtls_x509_crt& certificate, std::uint32_t& flags) {
    const CertificateNames names = names_of(certificate);
    if (m_address && !std::ranges::contains(names.addresses, *m_address)) {
        flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    // Without names in subjectAltName the library takes the common name, which is for people.
    if (!m_address && names.dns.empty()) {
        flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) == 0) {
        return;
    }
    const std::string others = listed(names);
    m_problems.push_back(
        others.empty()
            ? text::concat("the certificate names no server (subjectAltName), so it is not for ", m_server_name)
            : text::concat("the certificate is for ", others, ", not for ", m_server_name));
}

} // namespace sekisho::drivers::tls

// SPDX-License-Identifier: GPL-2.0-or-later
// What a syslog server shows as its certificate: whatever is in it, the judgement keeps to what is asked for, and its
// words are safe to show. The first byte says how to judge, the next eight at what time (seconds); then DER.
#include "drivers/tls/certificate.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>
#include <string>

using namespace sekisho;
using namespace sekisho::drivers::tls;
using fuzz::require;

namespace {

constexpr std::size_t kMostWords = 4'000;

std::int64_t seconds_of(const std::uint8_t* data) {
    std::int64_t seconds = 0;
    for (int i = 0; i < 8; ++i) {
        seconds = static_cast<std::int64_t>(static_cast<std::uint64_t>(seconds) << 8 | data[i]);
    }
    return seconds;
}

void judge(mbedtls_x509_crt& certificate, const std::string& name, bool library_found_name, Time now, int depth) {
    Judge judge(name, now);
    std::uint32_t flags = library_found_name ? 0 : ~std::uint32_t{0};
    require(Judge::verify(&judge, &certificate, depth, &flags) == 0, "the handshake is ended by flags");
    const std::string words = judge.problems();
    require(fuzz::is_plain(words) && words.size() < kMostWords, "words are safe to show");
    require(words.empty() == (flags == 0), "what is wrong is said");
    require((flags & MBEDTLS_X509_BADCERT_EXPIRED) == 0 || (flags & MBEDTLS_X509_BADCERT_FUTURE) == 0 ||
                certificate.valid_from.year >= certificate.valid_to.year,
            "both expired and not yet valid");
    if (depth == 0 && (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) == 0) {
        const CertificateNames names = names_of(certificate);
        const auto address = IpAddress::parse(name);
        require(address ? std::ranges::contains(names.addresses, *address) : !names.dns.empty(),
                "the name is in subjectAltName");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 9) {
        return 0;
    }
    const unsigned how = data[0];
    constexpr std::int64_t kMostSeconds = 253'402'300'799; // the year 9999
    const Time now = Time::from_seconds(std::clamp<std::int64_t>(seconds_of(data + 1), 0, kMostSeconds));
    data += 9;
    size -= 9;
    if ((how & 8) != 0) {
        Certificates authorities;
        const auto added = authorities.add(std::string(fuzz::text_of(data, size)));
        require(added || fuzz::is_plain(added.error().message()), "an error is safe to show");
        return 0;
    }
    mbedtls_x509_crt certificate;
    mbedtls_x509_crt_init(&certificate);
    if (mbedtls_x509_crt_parse_der(&certificate, data, size) == 0) {
        const char* const name = (how & 1) == 0 ? "log.clinic.example" : (how & 4) == 0 ? "10.0.1.20" : "::1";
        judge(certificate, name, (how & 2) == 0, now, (how & 16) == 0 ? 0 : 1);
    }
    mbedtls_x509_crt_free(&certificate);
    return 0;
}

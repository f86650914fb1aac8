// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/tls/digests.hpp"

#include <mbedtls/md.h>
#include <mbedtls/md5.h>

namespace sekisho::drivers {

radius::Digests radius_digests() {
    return {.md5 =
                [](std::span<const std::uint8_t> bytes) {
                    radius::Digest digest{};
                    // with nothing but software behind it, it can't fail; a digest of zeros is no packet's
                    if (mbedtls_md5(bytes.data(), bytes.size(), digest.data()) != 0) {
                        digest.fill(0);
                    }
                    return digest;
                },
            .hmac_md5 =
                [](std::string_view key, std::span<const std::uint8_t> bytes) {
                    radius::Digest digest{};
                    if (mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_MD5),
                                        reinterpret_cast<const unsigned char*>(key.data()), key.size(), bytes.data(),
                                        bytes.size(), digest.data()) != 0) {
                        digest.fill(0);
                    }
                    return digest;
                }};
}

} // namespace sekisho::drivers

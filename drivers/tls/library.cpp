// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/tls/library.hpp"

#include "policy/base/text.hpp"

#include <array>

#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>

namespace sekisho::drivers::tls {

Error library_error(std::string_view doing, int status) {
    std::array<char, 128> words{};
    mbedtls_strerror(status, words.data(), words.size());
    return Error(Domain::tls, "", text::concat(doing, ": ", words.data()));
}

int random_bytes(void* /*unused*/, unsigned char* bytes, std::size_t size) {
    return psa_generate_random(bytes, size) == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

Result<void> set_up_library() {
    static const psa_status_t kStatus = psa_crypto_init();
    return kStatus == PSA_SUCCESS
               ? Result<void>{}
               : std::unexpected(Error(Domain::tls, "", "the library for cryptography can't be started (no entropy?)"));
}

} // namespace sekisho::drivers::tls

// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/password/yescrypt_hasher.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <crypt.h>

namespace sekisho::drivers {

namespace {

constexpr const char* kPrefix = "$y$";
constexpr const char* kNtPrefix = "$3$";     // crypt(5), NT
constexpr std::string_view kNtHash = "$3$$"; ///< before the digits

Error hash_error(std::string_view what, int number) {
    return Error::from_errno(Domain::account, "password", what, number);
}

bool is_taken(std::string_view password) {
    return !password.empty() && password.size() < CRYPT_MAX_PASSPHRASE_SIZE && !password.contains('\0');
}

/// libcrypt's working memory holds the password: it is wiped before it is given back.
struct Wiped {
    void operator()(crypt_data* data) const noexcept {
        explicit_bzero(data, sizeof *data);
        delete data; // NOLINT(cppcoreguidelines-owning-memory): this is the owner's deleter
    }
};

Result<std::string> crypted(std::string_view password, const std::string& setting) {
    const std::unique_ptr<crypt_data, Wiped> data(new crypt_data{});
    std::array<char, CRYPT_MAX_PASSPHRASE_SIZE> phrase{}; // ends with a zero byte: is_taken() leaves room for it
    std::memcpy(phrase.data(), password.data(), password.size());
    const char* hash = crypt_rn(phrase.data(), setting.c_str(), data.get(), static_cast<int>(sizeof *data));
    const int number = errno;
    explicit_bzero(phrase.data(), phrase.size());
    if (hash == nullptr) {
        return std::unexpected(hash_error("can't be hashed", number));
    }
    return std::string(hash);
}

/// Takes as long wherever the texts differ.
bool equals(std::string_view left, std::string_view right) {
    unsigned difference = left.size() == right.size() ? 0 : 1;
    for (std::size_t position = 0; position < left.size() && position < right.size(); ++position) {
        difference |= static_cast<unsigned char>(left[position]) ^ static_cast<unsigned char>(right[position]);
    }
    return difference == 0;
}

} // namespace

Result<std::string> YescryptHasher::hash(std::string_view password) {
    if (!is_taken(password)) {
        return std::unexpected(Error(Domain::account, "password", "is empty, too long or has a zero byte"));
    }
    std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
    if (crypt_gensalt_rn(kPrefix, m_cost, nullptr, 0, setting.data(), static_cast<int>(setting.size())) == nullptr) {
        return std::unexpected(hash_error("no salt can be made", errno));
    }
    return crypted(password, setting.data());
}

Result<bool> YescryptHasher::verify(std::string_view password, std::string_view hash) {
    if (!hash.starts_with(kPrefix) || hash.contains('\0')) {
        return std::unexpected(Error(Domain::account, "password", "its hash is in no form that is known"));
    }
    if (!is_taken(password)) {
        return false;
    }
    return equals(TRY(crypted(password, std::string(hash))), hash);
}

/// libcrypt makes UTF-16 of bytes one by one: right for ASCII alone.
Result<std::string> YescryptHasher::nt_hash(std::string_view password) {
    if (!is_taken(password) || !std::ranges::all_of(password, [](char c) { return c >= ' ' && c <= '~'; })) {
        return std::unexpected(
            Error(Domain::account, "password", "is empty, too long or has other than ASCII characters"));
    }
    std::string hash = TRY(crypted(password, kNtPrefix));
    if (!hash.starts_with(kNtHash)) {
        return std::unexpected(Error(Domain::account, "password", "libcrypt knows no NT hash"));
    }
    return hash.substr(kNtHash.size());
}

} // namespace sekisho::drivers

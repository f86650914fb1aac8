// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/password_hasher.hpp"

namespace sekisho::fakes {

/// A hash from which nobody could tell the password but this.
class FakeHasher final : public ports::PasswordHasher {
public:
    Result<std::string> hash(std::string_view password) override {
        ++calls;
        if (refuse) {
            return std::unexpected(Error(Domain::account, "password", "no memory"));
        }
        return made_of(password);
    }

    Result<bool> verify(std::string_view password, std::string_view hash) override {
        ++calls;
        return made_of(password) == hash;
    }

    Result<std::string> nt_hash(std::string_view password) override {
        return password == "password" ? "8846f7eaee8fb117ad06bdd830b7586c" : std::string(32, 'a');
    }

    static std::string made_of(std::string_view password) {
        std::string hash = "$y$fake$";
        for (const char c : password) {
            constexpr std::string_view kDigits = "0123456789abcdef";
            hash += kDigits[static_cast<unsigned char>(c) >> 4];
            hash += kDigits[static_cast<unsigned char>(c) & 0xf];
        }
        return hash;
    }

    int calls = 0; ///< of either kind: each takes the same time
    bool refuse = false;
};

} // namespace sekisho::fakes

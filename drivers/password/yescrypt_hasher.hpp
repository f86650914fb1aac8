// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/password_hasher.hpp"

namespace sekisho::drivers {

/// yescrypt by libcrypt (crypt(5)). Salts come from the kernel. Blocks its thread: NOTES.md has the figures.
class YescryptHasher final : public ports::PasswordHasher {
public:
    /// What crypt(5) calls rounds. 5 takes 16 MiB and the time in NOTES.md.
    explicit YescryptHasher(unsigned long cost = 5) : m_cost(cost) {}

    /// Passwords of 1 to 511 bytes without NUL: what libcrypt reads whole.
    Result<std::string> hash(std::string_view password) override;
    /// A password that hash() does not take is nobody's.
    Result<bool> verify(std::string_view password, std::string_view hash) override;
    Result<std::string> nt_hash(std::string_view password) override;

private:
    unsigned long m_cost;
};

} // namespace sekisho::drivers

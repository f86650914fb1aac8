// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "policy/base/error.hpp"

#include <string>
#include <string_view>

namespace sekisho::ports {

/// One-way hashes of passwords, slow on purpose: both calls take some tenths of a second on the router, and the same
/// for every password.
class PasswordHasher {
public:
    virtual ~PasswordHasher() = default;
    /// A hash in the form of crypt(5), with a salt of its own.
    virtual Result<std::string> hash(std::string_view password) = 0;
    /// Whether the hash is this password's. An error where the hash is in no form that is known.
    virtual Result<bool> verify(std::string_view password, std::string_view hash) = 0;
    /// The hash that MS-CHAPv2 proves knowledge of (RFC 2759 section 8.3), 32 hexadecimal digits: not slow, without a
    /// salt, and as good as the password to who has it. Of printable ASCII only.
    virtual Result<std::string> nt_hash(std::string_view password) = 0;
};

} // namespace sekisho::ports

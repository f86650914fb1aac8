// SPDX-License-Identifier: GPL-2.0-or-later
// Which passwords are taken. Lengths are those of the Ministry's Q&A (13 characters of mixed kinds, without a change
// every two months); what else is refused is what was found at victims (notice of 2024-08-01: product and facility
// names, keyboard walks, "pa$$w0rd") and what NIST SP 800-63B 3.1.1.2 asks to refuse.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::accounts {

inline constexpr std::size_t kMostPasswordBytes = 128;
inline constexpr std::size_t kMixedLength = 13; ///< characters, with three of four kinds
inline constexpr std::size_t kPlainLength = 20; ///< characters, of any kind

/// Whom the password is for: names that it must not contain.
struct PasswordContext {
    std::string_view account;
    std::string_view host_name;
    std::string_view product;
};

/// Why a password is not taken, a sentence each; empty where it is. No sentence repeats anything of the password.
[[nodiscard]] std::vector<std::string> objections_to_password(std::string_view password,
                                                              const PasswordContext& context);

/// The rules in a sentence, for a prompt.
[[nodiscard]] std::string_view password_rules() noexcept;

} // namespace sekisho::accounts

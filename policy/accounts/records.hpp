// SPDX-License-Identifier: GPL-2.0-or-later
// What the data partition holds of accounts: which user id each name ever got, and the hashes of passwords. Both are
// small texts of lines with words; the first line bears the digest of what follows, so a damaged file is known as one.
// Only what the encoder writes is read: a text that is accepted is the encoding of what was read, byte for byte.
#pragma once

#include "policy/base/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::accounts {

/// The account that every router has, and its user id. Others get ids from kFirstUserId on.
inline constexpr std::string_view kAdmin = "admin";
inline constexpr std::uint32_t kAdminId = 2000;
inline constexpr std::uint32_t kFirstUserId = 2001;
inline constexpr std::uint32_t kLastUserId = 6095; ///< 4,095 names in the life of a router
/// The group of every account, `sekisho`: it may open the control socket.
inline constexpr std::uint32_t kGroupId = 2000;

inline constexpr std::size_t kLongestName = 31;       ///< characters of an account's name
inline constexpr std::size_t kLongestHash = 255;      ///< characters
inline constexpr std::size_t kMostCredentials = 1024; ///< in one file
inline constexpr std::size_t kMostUserIds = kLastUserId - kFirstUserId + 1;
inline constexpr std::size_t kMostFileBytes = 512u << 10; ///< either file

/// A lower-case letter, then lower-case letters, digits, '-' and '_'; at most kLongestName characters.
[[nodiscard]] bool is_account_name(std::string_view name) noexcept;

struct Credential {
    std::string account;
    std::string hash;                ///< as crypt(5) writes yescrypt: "$y$…"
    Time set;                        ///< when the password was set
    bool clock_synchronised = false; ///< whether that time can be relied on
    friend bool operator==(const Credential&, const Credential&) = default;
};

struct UserId {
    std::string account;
    std::uint32_t id = 0;
    friend bool operator==(const UserId&, const UserId&) = default;
};

/// The credentials file. Refuses what the reader would not take: names and hashes out of form, a name twice.
[[nodiscard]] Result<std::string> credentials_text(const std::vector<Credential>& credentials);
[[nodiscard]] Result<std::vector<Credential>> parse_credentials(std::string_view text);

/// The file of user ids, in ascending order. Refuses what the reader would not take: names out of form, a name or an id
/// twice, ids out of range or order. `admin` is not among them: its id is fixed.
[[nodiscard]] Result<std::string> user_ids_text(const std::vector<UserId>& ids);
[[nodiscard]] Result<std::vector<UserId>> parse_user_ids(std::string_view text);

} // namespace sekisho::accounts

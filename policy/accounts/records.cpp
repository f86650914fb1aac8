// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/accounts/records.hpp"

#include "policy/accounts/sealed.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <set>

namespace sekisho::accounts {

namespace {

constexpr std::string_view kCredentials = "sekisho-credentials 1";
constexpr std::string_view kUserIds = "sekisho-accounts 1";
constexpr std::string_view kSynchronised = "synchronised";
constexpr std::string_view kUnsynchronised = "unsynchronised";

Error record_error(std::string_view file, std::string cause) {
    return Error(Domain::account, std::string(file), std::move(cause));
}

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hash(std::string_view hash) {
    return hash.starts_with("$y$") && hash.size() <= kLongestHash && std::ranges::all_of(hash, [](char c) {
               return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') || c == '$' || c == '.' || c == '/';
           });
}

Result<void> check(const std::vector<Credential>& credentials) {
    std::set<std::string_view> names;
    for (const Credential& credential : credentials) {
        if (!is_account_name(credential.account) || !is_hash(credential.hash)) {
            return std::unexpected(record_error("credentials", "an entry is not in form"));
        }
        if (!names.insert(credential.account).second) {
            return std::unexpected(record_error("credentials", text::concat(credential.account, " is there twice")));
        }
    }
    if (credentials.size() > kMostCredentials) {
        return std::unexpected(record_error("credentials", "has too many entries"));
    }
    return {};
}

Result<void> check(const std::vector<UserId>& ids) {
    std::set<std::string_view> names{kAdmin};
    std::uint32_t before = kFirstUserId - 1;
    for (const UserId& entry : ids) {
        if (!is_account_name(entry.account)) {
            return std::unexpected(record_error("accounts", "an entry is not in form"));
        }
        if (!names.insert(entry.account).second) {
            return std::unexpected(record_error("accounts", text::concat(entry.account, " is there twice")));
        }
        if (entry.id <= before || entry.id > kLastUserId) {
            return std::unexpected(record_error(
                "accounts", text::concat("user id ", text::to_text(entry.id), " is out of range or order")));
        }
        before = entry.id;
    }
    return {};
}

} // namespace

bool is_account_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= kLongestName && is_lower(name.front()) &&
           std::ranges::all_of(name, [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; });
}

Result<std::string> credentials_text(const std::vector<Credential>& credentials) {
    TRY(check(credentials));
    std::string lines;
    for (const Credential& credential : credentials) {
        lines += text::concat(credential.account, " ", credential.hash, " ", rfc3339_utc(credential.set), " ",
                              credential.clock_synchronised ? kSynchronised : kUnsynchronised, "\n");
    }
    return sealed(kCredentials, lines);
}

Result<std::vector<Credential>> parse_credentials(std::string_view text) {
    std::vector<Credential> credentials;
    for (const auto& words : TRY(unsealed(kCredentials, text))) {
        if (words.size() != 4) {
            return std::unexpected(record_error("credentials", "an entry has not four words"));
        }
        const Time set = TRY(parse_rfc3339(words[2]));
        if (rfc3339_utc(set) != words[2] || (words[3] != kSynchronised && words[3] != kUnsynchronised)) {
            return std::unexpected(record_error("credentials", "an entry's time is not in form"));
        }
        credentials.push_back({std::string(words[0]), std::string(words[1]), set, words[3] == kSynchronised});
    }
    TRY(check(credentials));
    return credentials;
}

Result<std::string> user_ids_text(const std::vector<UserId>& ids) {
    TRY(check(ids));
    std::string lines;
    for (const UserId& entry : ids) {
        lines += text::concat(entry.account, " ", text::to_text(entry.id), "\n");
    }
    return sealed(kUserIds, lines);
}

Result<std::vector<UserId>> parse_user_ids(std::string_view text) {
    std::vector<UserId> ids;
    for (const auto& words : TRY(unsealed(kUserIds, text))) {
        const auto id = words.size() == 2 ? text::parse_unsigned(words[1]) : std::nullopt;
        if (!id || *id > kLastUserId || text::to_text(*id) != words[1]) {
            return std::unexpected(record_error("accounts", "an entry is no name with a user id"));
        }
        ids.push_back({std::string(words[0]), static_cast<std::uint32_t>(*id)});
    }
    TRY(check(ids));
    return ids;
}

} // namespace sekisho::accounts

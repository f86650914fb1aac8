// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/accounts/access_secrets.hpp"

#include "policy/accounts/sealed.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace sekisho::accounts {

namespace {

constexpr std::string_view kKind = "sekisho-access-secrets 1";
constexpr std::size_t kNtHashDigits = 32;
constexpr std::size_t kShortestPassword = 8;
constexpr std::size_t kShortestSecret = 16;

Error refused(std::string cause) {
    return Error(Domain::account, "access-secrets", std::move(cause));
}

bool is_in_form(const AccessSecret& secret) {
    const bool is_hex =
        std::ranges::all_of(secret.hex, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    const bool fits = secret.kind == SecretKind::user ? secret.hex.size() == kNtHashDigits
                                                      : !secret.hex.empty() && secret.hex.size() % 2 == 0 &&
                                                            secret.hex.size() <= 2 * kLongestSecret;
    return is_hex && fits && !secret.name.empty() &&
           std::ranges::all_of(secret.name, [](char c) { return c > ' ' && c <= '~'; });
}

Result<void> check(const std::vector<AccessSecret>& secrets) {
    std::set<std::pair<SecretKind, std::string_view>> names;
    for (const AccessSecret& secret : secrets) {
        if (!is_in_form(secret)) {
            return std::unexpected(refused("an entry is not in form"));
        }
        if (!names.emplace(secret.kind, secret.name).second) {
            return std::unexpected(refused(text::concat(secret.name, " is there twice")));
        }
    }
    if (secrets.size() > kMostAccessSecrets) {
        return std::unexpected(refused("there are too many entries"));
    }
    return {};
}

std::string why_not(std::string_view what, std::string_view text, std::size_t least) {
    if (text.size() < least || text.size() > kLongestSecret) {
        return text::concat(what, " has ", text::to_text(least), " to ", text::to_text(kLongestSecret), " characters");
    }
    if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }) || text.front() == ' ' ||
        text.back() == ' ') {
        return text::concat(what, " has ASCII letters, digits, signs and spaces, and no space in front or behind");
    }
    return {};
}

} // namespace

std::string_view name_of(SecretKind kind) noexcept {
    return kind == SecretKind::user ? "user" : "radius";
}

Result<std::string> access_secrets_text(const std::vector<AccessSecret>& secrets) {
    TRY(check(secrets));
    std::string lines;
    for (const AccessSecret& secret : secrets) {
        lines += text::concat(name_of(secret.kind), " ", secret.name, " ", secret.hex, "\n");
    }
    return sealed(kKind, lines);
}

Result<std::vector<AccessSecret>> parse_access_secrets(std::string_view text) {
    const auto lines = TRY(unsealed(kKind, text));
    std::vector<AccessSecret> secrets;
    for (const auto& words : lines) {
        if (words.size() != 3 || (words[0] != "user" && words[0] != "radius")) {
            return std::unexpected(refused("a line is not in form"));
        }
        secrets.push_back({.kind = words[0] == "user" ? SecretKind::user : SecretKind::radius,
                           .name = std::string(words[1]),
                           .hex = std::string(words[2])});
    }
    TRY(check(secrets));
    return secrets;
}

std::string why_no_access_password(std::string_view password) {
    return why_not("a password of 802.1X", password, kShortestPassword);
}

std::string why_no_shared_secret(std::string_view secret) {
    return why_not("a shared secret", secret, kShortestSecret);
}

} // namespace sekisho::accounts

// SPDX-License-Identifier: GPL-2.0-or-later
// What a damaged data partition makes of the files of accounts: what is read is what would be written, byte for byte.
// Most inputs are given the digest that belongs to them, or nothing would get behind it.
#include "policy/accounts/records.hpp"
#include "policy/base/sha256.hpp"
#include "tests/fuzz/require.hpp"

#include <set>

using namespace sekisho;
using fuzz::require;

namespace {

void check_credentials(std::string_view text) {
    const auto credentials = accounts::parse_credentials(text);
    if (!credentials) {
        require(fuzz::is_plain(credentials.error().message()), "an error is safe to show");
        return;
    }
    std::set<std::string> names;
    for (const auto& credential : *credentials) {
        require(accounts::is_account_name(credential.account) && names.insert(credential.account).second,
                "names of accounts, each once");
        require(credential.hash.starts_with("$y$") && !credential.hash.contains('\0'), "a hash for crypt(5)");
    }
    const auto again = accounts::credentials_text(*credentials);
    require(again && *again == text, "what is read is what is written");
}

void check_user_ids(std::string_view text) {
    const auto ids = accounts::parse_user_ids(text);
    if (!ids) {
        require(fuzz::is_plain(ids.error().message()), "an error is safe to show");
        return;
    }
    std::uint32_t before = accounts::kAdminId;
    for (const auto& entry : *ids) {
        require(accounts::is_account_name(entry.account) && entry.account != accounts::kAdmin, "names of accounts");
        require(entry.id > before && entry.id <= accounts::kLastUserId, "ids that go up, none of them admin's");
        before = entry.id;
    }
    const auto again = accounts::user_ids_text(*ids);
    require(again && *again == text, "what is read is what is written");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body = fuzz::text_of(data, size);
    const std::string sealed = "# sha256 " + sha256_hex(body) + "\n" + std::string(body);
    for (const std::string_view text : {body, std::string_view(sealed)}) {
        check_credentials(text);
        check_user_ids(text);
    }
    return 0;
}

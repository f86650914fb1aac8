// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/accounts/ssh_key.hpp"

#include "policy/base/base64.hpp"
#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"

namespace sekisho::accounts {

std::optional<SshKeyFacts> facts_of_ssh_key(std::string_view key) {
    const auto words = text::split(key, ' ');
    if (words.size() < 2 || words[0].empty() || words[1].empty()) {
        return std::nullopt;
    }
    const auto blob = base64::decode(words[1]);
    if (!blob) {
        return std::nullopt;
    }
    Sha256 hash;
    hash.update(*blob);
    const auto digest = hash.finish();
    std::string fingerprint = base64::encode(std::string(digest.begin(), digest.end()));
    fingerprint.resize(fingerprint.find('='));
    return SshKeyFacts{std::string(words[0]), "SHA256:" + fingerprint};
}

} // namespace sekisho::accounts

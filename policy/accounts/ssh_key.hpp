// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::accounts {

/// What people compare of an SSH public key.
struct SshKeyFacts {
    std::string type;        ///< "ssh-ed25519"
    std::string fingerprint; ///< "SHA256:…", as OpenSSH prints it: base64 without padding
};

/// Of a key as the configuration holds it: type and base64 (RFC 4253 section 6.6), separated by a space. Nothing where
/// it is not that.
[[nodiscard]] std::optional<SshKeyFacts> facts_of_ssh_key(std::string_view key);

} // namespace sekisho::accounts

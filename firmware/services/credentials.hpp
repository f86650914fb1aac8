// SPDX-License-Identifier: GPL-2.0-or-later
// Hashes of passwords on the data partition, and whether this router has any yet.
#pragma once

#include "firmware/services/twin_file.hpp"
#include "policy/accounts/records.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::services {

enum class CredentialState {
    fresh,   ///< no password was ever set
    ready,   ///< passwords are known
    damaged, ///< they were set and can't be read: nobody can log in with one
};
/// "new", "ready", "damaged"
[[nodiscard]] std::string_view name_of(CredentialState state) noexcept;

class Credentials {
public:
    explicit Credentials(ports::Store& store);

    /// Reads what is stored. A router that was configured and has no credentials has lost them: that is damage, never
    /// the invitation to set a first password. The error is for the log; where it is one although the state is ready,
    /// the copy was used.
    Result<void> load();

    [[nodiscard]] CredentialState state() const noexcept { return m_state; }

    /// Why the state is damaged; empty otherwise.
    [[nodiscard]] const std::string& why() const noexcept { return m_why; }

    [[nodiscard]] const accounts::Credential* find(std::string_view account) const noexcept;

    /// Sets or replaces a password's hash. An error of the store means that it is not stored and holds until the daemon
    /// ends only; otherwise what kept a copy from being written, mostly nothing.
    Result<std::string> set(accounts::Credential credential);

    /// Tries again what set() could not store; nothing to do mostly. True where something was stored now. A
    /// configuration must not be committed while this fails: the next start would find it without a password, which is
    /// damage.
    Result<bool> store_unsaved();

private:
    [[nodiscard]] bool was_configured() const;

    ports::Store& m_store;
    TwinFile m_file;
    std::vector<accounts::Credential> m_credentials;
    CredentialState m_state = CredentialState::fresh;
    std::string m_why;
    bool m_is_unsaved = false;
};

} // namespace sekisho::services

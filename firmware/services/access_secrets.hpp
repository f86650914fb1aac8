// SPDX-License-Identifier: GPL-2.0-or-later
// Secrets of 802.1X on the data partition: what users of the EAP server prove themselves with, and what RADIUS servers
// share with the router. No configuration, export or report has them.
#pragma once

#include "firmware/ports/control.hpp"
#include "firmware/ports/password_hasher.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/twin_file.hpp"
#include "policy/accounts/access_secrets.hpp"
#include "policy/model/port_access.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::services {

class AccessSecrets {
public:
    AccessSecrets(ports::Store& store, ports::PasswordHasher& hasher, EventLog& log);

    /// Reads what is stored. On an error there are none, and users with a password are not admitted.
    Result<void> load();

    /// Hexadecimal; empty where none is stored.
    [[nodiscard]] std::string_view find(accounts::SecretKind kind, std::string_view name) const noexcept;

    /// Called when a secret was stored.
    void on_change(std::function<void()> callback) { m_on_change = std::move(callback); }

    /// `access-secret user NAME` and `access-secret radius NAME`, the secret as the payload. `policy` is the one in
    /// force: it must have the name.
    ports::ControlResponse store_secret(const Invocation& invocation, const ports::ControlRequest& request,
                                        const model::PortAccess& policy);

private:
    Result<void> set(accounts::AccessSecret secret);
    Result<std::string> hex_of(accounts::SecretKind kind, std::string_view text);

    TwinFile m_file;
    ports::PasswordHasher& m_hasher;
    EventLog& m_log;
    std::vector<accounts::AccessSecret> m_secrets;
    std::function<void()> m_on_change;
};

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// Who may administer the router. An account is known by its user id, which the kernel attests at the control socket:
// `admin` always has 2000; each other name gets an id of its own when the configuration first has it, and keeps it for
// the life of the router, also while it is away. An id is never given to another name.
#pragma once

#include "firmware/services/event_log.hpp"
#include "firmware/services/twin_file.hpp"
#include "policy/accounts/records.hpp"
#include "policy/model/model.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::services {

class Credentials;

/// An account that may log in.
struct Login {
    std::string name;
    std::uint32_t user_id = 0;
    std::vector<std::string> ssh_keys; ///< "ssh-ed25519 AAAA…", from the configuration
    bool has_password = false;
};

class Accounts {
public:
    Accounts(ports::Store& store, const Credentials& credentials, EventLog& log);

    /// Reads the ids that were given. Where they can't be read, `admin` alone may log in from then on: an id handed
    /// out anew could be another's. That is recorded. Call once before follow().
    void load();

    /// Puts the model's accounts in force. New names get their ids, on the medium before they count; where that fails,
    /// those names may not log in, the error says why, and the next call tries again.
    Result<void> follow(const model::Model& model);

    /// The account in force with this id; nothing for anybody else.
    [[nodiscard]] std::optional<std::string> name_of(std::uint32_t user_id) const;
    /// The name that an id was ever given to, in force or not: for records of who was refused.
    [[nodiscard]] std::optional<std::string> recorded_name_of(std::uint32_t user_id) const;
    [[nodiscard]] std::optional<std::uint32_t> id_of(std::string_view name) const; ///< of an account in force

    /// Every account in force, `admin` first, then as in the configuration.
    [[nodiscard]] std::vector<Login> logins() const;

    /// Called after the accounts in force or their keys changed.
    void on_change(std::function<void()> callback) { m_on_change.push_back(std::move(callback)); }

    /// As the configuration has them, `admin` always first, in force or not.
    [[nodiscard]] const std::vector<model::Account>& configured() const noexcept { return m_accounts; }

    /// Why accounts of the configuration may not log in; empty where all may.
    [[nodiscard]] const std::string& why() const noexcept { return m_why; }

    /// A session of the account began. Kept in memory: it is gone with the daemon.
    void note_login(std::string_view name, Time when);
    [[nodiscard]] std::optional<Time> last_login(std::string_view name) const;

private:
    Result<void> give_ids();
    void record_trouble(std::string message);

    const Credentials& m_credentials;
    EventLog& m_log;
    TwinFile m_file;
    std::vector<accounts::UserId> m_ids; ///< every id that was ever given, ascending
    bool m_is_closed = false;            ///< the file of ids can't be read: none may be given
    std::vector<model::Account> m_accounts;
    std::string m_why;
    std::map<std::string, Time, std::less<>> m_last_logins;
    std::vector<std::function<void()>> m_on_change;
};

} // namespace sekisho::services

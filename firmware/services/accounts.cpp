// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/accounts.hpp"

#include "firmware/services/credentials.hpp"
#include "policy/base/text.hpp"

#include <algorithm>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;

bool same_accounts(const std::vector<model::Account>& left, const std::vector<model::Account>& right) {
    return std::ranges::equal(left, right, [](const model::Account& one, const model::Account& other) {
        return one.name == other.name && one.ssh_keys == other.ssh_keys;
    });
}

/// `admin` in front, with its entry where the configuration has one, then the others.
std::vector<model::Account> with_admin(const std::vector<model::Account>& configured) {
    std::vector<model::Account> accounts{{.name = std::string(accounts::kAdmin)}};
    for (const model::Account& account : configured) {
        if (account.name == accounts::kAdmin) {
            accounts.front() = account;
        } else {
            accounts.push_back(account);
        }
    }
    return accounts;
}

} // namespace

Accounts::Accounts(ports::Store& store, const Credentials& credentials, EventLog& log)
    : m_credentials(credentials),
      m_log(log),
      m_file(store, "state/accounts", accounts::kMostFileBytes),
      m_accounts(with_admin({})) {}

void Accounts::record_trouble(std::string message) {
    Event event;
    event.set(Field::event_kind, "alert");
    event.set(Field::event_category, "authentication");
    event.set(Field::event_action, "accounts");
    event.set(Field::event_outcome, "failure");
    event.set(Field::message, std::move(message));
    m_log.record(std::move(event), Durability::immediate);
}

void Accounts::load() {
    auto reading = m_file.read([](std::string_view text) -> Result<void> {
        TRY(accounts::parse_user_ids(text));
        return {};
    });
    m_is_closed = !reading;
    if (!reading) {
        m_why = text::concat("the user ids of accounts can't be read, so only ", accounts::kAdmin,
                             " may log in: ", reading.error().message());
        record_trouble(m_why);
        return;
    }
    if (!reading->trouble.empty()) {
        record_trouble(reading->trouble);
    }
    if (reading->text) {
        if (auto ids = accounts::parse_user_ids(*reading->text)) { // as checked above
            m_ids = std::move(*ids);
        }
    }
}

Result<void> Accounts::give_ids() {
    if (m_is_closed) {
        return {}; // told by load()
    }
    auto ids = m_ids;
    for (const model::Account& account : m_accounts) {
        if (account.name != accounts::kAdmin && !std::ranges::contains(ids, account.name, &accounts::UserId::account)) {
            ids.push_back({account.name, ids.empty() ? accounts::kFirstUserId : ids.back().id + 1});
        }
    }
    if (ids == m_ids) {
        return {};
    }
    const std::string text = TRY(accounts::user_ids_text(ids));
    if (auto trouble = TRY(m_file.write(text)); !trouble.empty()) {
        record_trouble(std::move(trouble));
    }
    m_ids = std::move(ids);
    return {};
}

Result<void> Accounts::follow(const model::Model& model) {
    auto former = std::exchange(m_accounts, with_admin(model.accounts));
    const std::size_t ids = m_ids.size();
    auto given = give_ids();
    if (!m_is_closed) {
        m_why = given ? "" : text::concat("new accounts may not log in: ", given.error().message());
    }
    if (m_ids.size() != ids || !same_accounts(former, m_accounts)) {
        for (const auto& callback : m_on_change) {
            callback();
        }
    }
    return given;
}

std::optional<std::uint32_t> Accounts::id_of(std::string_view name) const {
    if (name == accounts::kAdmin) {
        return accounts::kAdminId;
    }
    if (!std::ranges::contains(m_accounts, name, &model::Account::name)) {
        return std::nullopt;
    }
    const auto found = std::ranges::find(m_ids, name, &accounts::UserId::account);
    return found == m_ids.end() ? std::nullopt : std::optional(found->id);
}

std::optional<std::string> Accounts::recorded_name_of(std::uint32_t user_id) const {
    if (user_id == accounts::kAdminId) {
        return std::string(accounts::kAdmin);
    }
    const auto found = std::ranges::find(m_ids, user_id, &accounts::UserId::id);
    return found == m_ids.end() ? std::nullopt : std::optional(found->account);
}

std::optional<std::string> Accounts::name_of(std::uint32_t user_id) const {
    auto name = recorded_name_of(user_id);
    return name && id_of(*name) == user_id ? std::move(name) : std::nullopt;
}

std::vector<Login> Accounts::logins() const {
    std::vector<Login> logins;
    for (const model::Account& account : m_accounts) {
        if (const auto id = id_of(account.name)) {
            logins.push_back({account.name, *id, account.ssh_keys, m_credentials.find(account.name) != nullptr});
        }
    }
    return logins;
}

void Accounts::note_login(std::string_view name, Time when) {
    if (id_of(name)) { // bounded by the accounts that there are
        m_last_logins.insert_or_assign(std::string(name), when);
    }
}

std::optional<Time> Accounts::last_login(std::string_view name) const {
    const auto found = m_last_logins.find(name);
    return found == m_last_logins.end() ? std::nullopt : std::optional(found->second);
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/accounts_report.hpp"

#include "policy/accounts/ssh_key.hpp"
#include "policy/base/json.hpp"
#include "policy/base/table.hpp"
#include "policy/base/text.hpp"

namespace sekisho::services {

namespace {

using accounts::Credential;

std::string problem_of(const Accounts& accounts, const Credentials& credentials) {
    std::string problem = accounts.why();
    if (credentials.state() == CredentialState::fresh) {
        problem += text::concat(problem.empty() ? "" : "; ", "no password was set yet");
    } else if (credentials.state() == CredentialState::damaged) {
        problem += text::concat(problem.empty() ? "" : "; ", "no password can be checked: ", credentials.why());
    }
    return problem;
}

void write_or_null(JsonWriter& json, std::string_view key, const std::optional<std::string>& value) {
    json.key(key);
    value ? json.string(*value) : json.null();
}

void write_account(JsonWriter& json, const model::Account& account, const Accounts& accounts,
                   const Credentials& credentials) {
    const auto id = accounts.id_of(account.name);
    const Credential* credential = credentials.find(account.name);
    const auto last = accounts.last_login(account.name);
    json.begin_object();
    json.key("name").string(account.name);
    write_or_null(json, "description", account.description.empty() ? std::nullopt : std::optional(account.description));
    json.key("may_log_in").boolean(id.has_value());
    json.key("user_id");
    id ? json.number_unsigned(*id) : json.null();
    json.key("password").boolean(credential != nullptr);
    write_or_null(json, "password_since",
                  credential == nullptr ? std::nullopt : std::optional(rfc3339_utc(credential->set)));
    json.key("password_clock_synchronised");
    credential == nullptr ? json.null() : json.boolean(credential->clock_synchronised);
    json.key("ssh_keys").begin_array();
    for (const std::string& key : account.ssh_keys) {
        if (const auto facts = accounts::facts_of_ssh_key(key)) {
            json.begin_object();
            json.key("type").string(facts->type).key("fingerprint").string(facts->fingerprint);
            json.end_object();
        }
    }
    json.end_array();
    write_or_null(json, "last_login", last ? std::optional(rfc3339_utc(*last)) : std::nullopt);
    json.end_object();
}

std::string as_json(const Accounts& accounts, const Credentials& credentials) {
    JsonWriter json;
    json.begin_object().key("accounts").begin_array();
    for (const model::Account& account : accounts.configured()) {
        write_account(json, account, accounts, credentials);
    }
    json.end_array().key("credentials").string(name_of(credentials.state()));
    const std::string problem = problem_of(accounts, credentials);
    write_or_null(json, "problem", problem.empty() ? std::nullopt : std::optional(problem));
    json.end_object();
    return json.take() + "\n";
}

std::string password_text(const Credential* credential, int offset) {
    if (credential == nullptr) {
        return "no";
    }
    return text::concat("since ", rfc3339_offset(credential->set, offset),
                        credential->clock_synchronised ? "" : " (clock not synchronised)");
}

std::string keys_text(const model::Account& account) {
    std::vector<std::string> keys;
    for (const std::string& key : account.ssh_keys) {
        if (const auto facts = accounts::facts_of_ssh_key(key)) {
            keys.push_back(text::concat(facts->type, " ", facts->fingerprint));
        }
    }
    return text::join(keys, ", ");
}

std::string as_text(const Accounts& accounts, const Credentials& credentials, int offset) {
    Table table;
    table.name = "accounts";
    table.columns = {{"name", "Account", Column::Kind::text},      {"user_id", "User id", Column::Kind::number},
                     {"password", "Password", Column::Kind::text}, {"last_login", "Last login", Column::Kind::text},
                     {"ssh_keys", "SSH keys", Column::Kind::text}, {"description", "Description", Column::Kind::text}};
    for (const model::Account& account : accounts.configured()) {
        const auto id = accounts.id_of(account.name);
        const auto last = accounts.last_login(account.name);
        table.rows.push_back({account.name, id ? text::to_text(*id) : "",
                              password_text(credentials.find(account.name), offset),
                              last ? rfc3339_offset(*last, offset) : "", keys_text(account), account.description});
    }
    table.status = text::concat(text::to_text(table.rows.size()), " accounts; last logins since the daemon started");
    if (const std::string problem = problem_of(accounts, credentials); !problem.empty()) {
        table.status += text::concat("; ", problem);
    }
    return table.text();
}

} // namespace

ports::ControlResponse show_accounts(const Invocation& invocation, const Accounts& accounts,
                                     const Credentials& credentials, int utc_offset_minutes) {
    return {.exit_status = 0,
            .output = invocation.has("--json") ? as_json(accounts, credentials)
                                               : as_text(accounts, credentials, utc_offset_minutes),
            .errors = {}};
}

} // namespace sekisho::services

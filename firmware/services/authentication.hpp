// SPDX-License-Identifier: GPL-2.0-or-later
// Logging in with a password: the first one of a new router, and every later attempt. Asked by the login program
// through the hidden command `authenticate`, which is for the superuser only:
//
//     authenticate state               -> "state new", "state ready" or "state damaged" (errors: why)
//     authenticate first-password      payload: the password; errors: what is wrong with it, a sentence per line
//     authenticate password NAME       payload: the password; errors: a sentence, output: "wait SECONDS"
//
// The latter two answer a success with "user UID" and "group GID".
#pragma once

#include "firmware/ports/clock.hpp"
#include "firmware/ports/control.hpp"
#include "firmware/ports/password_hasher.hpp"
#include "firmware/services/accounts.hpp"
#include "firmware/services/command_table.hpp"
#include "firmware/services/credentials.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/login_delays.hpp"
#include "firmware/services/timekeeper.hpp"

#include <functional>
#include <string>

namespace sekisho::services {

class Authentication {
public:
    struct Ports {
        ports::PasswordHasher& hasher;
        ports::Clock& clock;
    };

    Authentication(Ports ports, const Accounts& accounts, Credentials& credentials, Timekeeper& timekeeper,
                   EventLog& log, std::string product);

    /// What the router is called, asked when a password is judged: one that contains it is not taken.
    void host_name_from(std::function<std::string()> source) { m_host_name = std::move(source); }

    /// Called once the first password is stored.
    void on_first_password(std::function<void()> callback) { m_on_first_password = std::move(callback); }

    ports::ControlResponse authenticate(const Invocation& invocation, const ports::ControlRequest& request);

private:
    ports::ControlResponse state() const;
    ports::ControlResponse first_password(const ports::ControlRequest& request);
    ports::ControlResponse password(const std::string& name, const ports::ControlRequest& request);
    /// Whether the password is the account's. Takes as long for an account that is none or has no password.
    [[nodiscard]] bool is_right(std::string_view name, std::string_view password);
    void record(std::string_view action, std::string_view name, const ports::ControlRequest& request,
                std::string_view failure, std::string message);

    Ports m_ports;
    const Accounts& m_accounts;
    Credentials& m_credentials;
    Timekeeper& m_timekeeper;
    EventLog& m_log;
    std::string m_product;
    std::function<std::string()> m_host_name;
    std::function<void()> m_on_first_password;
    LoginDelays m_delays;
};

} // namespace sekisho::services

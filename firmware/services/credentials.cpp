// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/credentials.hpp"

#include "firmware/services/configuration_store.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>

namespace sekisho::services {

namespace {
constexpr std::string_view kFile = "state/credentials";
} // namespace

std::string_view name_of(CredentialState state) noexcept {
    static constexpr std::array<std::string_view, 3> kNames{"new", "ready", "damaged"};
    return kNames[static_cast<std::size_t>(state)];
}

Credentials::Credentials(ports::Store& store)
    : m_store(store), m_file(store, std::string(kFile), accounts::kMostFileBytes) {}

bool Credentials::was_configured() const {
    return std::ranges::any_of(
        std::array{ConfigurationStore::kCommitted, ConfigurationStore::kCopy, ConfigurationStore::kLastGood},
        [this](std::string_view name) { return m_store.exists(name); });
}

Result<void> Credentials::load() {
    m_credentials.clear();
    m_why.clear();
    auto reading = m_file.read([](std::string_view text) -> Result<void> {
        if (TRY(accounts::parse_credentials(text)).empty()) {
            return std::unexpected(Error(Domain::account, "credentials", "there is no password in it"));
        }
        return {};
    });
    if (reading && !reading->text && was_configured()) {
        reading = std::unexpected(
            Error(Domain::account, std::string(kFile), "is missing, though this router was configured"));
    }
    if (!reading) {
        m_state = CredentialState::damaged;
        m_why = reading.error().message();
        return std::unexpected(std::move(reading).error());
    }
    if (!reading->text) {
        m_state = CredentialState::fresh;
        return {};
    }
    m_credentials = TRY(accounts::parse_credentials(*reading->text));
    m_state = CredentialState::ready;
    if (!reading->trouble.empty()) {
        return std::unexpected(Error(Domain::account, "", reading->trouble));
    }
    return {};
}

const accounts::Credential* Credentials::find(std::string_view account) const noexcept {
    const auto found = std::ranges::find(m_credentials, account, &accounts::Credential::account);
    return found == m_credentials.end() ? nullptr : &*found;
}

Result<std::string> Credentials::set(accounts::Credential credential) {
    auto credentials = m_credentials;
    std::erase_if(credentials, [&](const accounts::Credential& each) { return each.account == credential.account; });
    credentials.push_back(std::move(credential));
    const std::string text = TRY(accounts::credentials_text(credentials));
    m_credentials = std::move(credentials);
    m_state = CredentialState::ready;
    m_why.clear();
    auto written = m_file.write(text);
    m_is_unsaved = !written;
    return written;
}

Result<bool> Credentials::store_unsaved() {
    if (!m_is_unsaved) {
        return false;
    }
    const std::string text = TRY(accounts::credentials_text(m_credentials));
    TRY(m_file.write(text));
    m_is_unsaved = false;
    return true;
}

} // namespace sekisho::services

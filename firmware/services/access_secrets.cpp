// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/access_secrets.hpp"

#include "policy/base/text.hpp"

#include <algorithm>

namespace sekisho::services {

namespace {

using accounts::AccessSecret;
using accounts::SecretKind;
using events::Event;
using events::Field;

constexpr std::string_view kFile = "state/access-secrets";

Result<void> check(std::string_view text) {
    TRY(accounts::parse_access_secrets(text));
    return {};
}

ports::ControlResponse refused(std::string_view why) {
    return {.exit_status = 1, .output = {}, .errors = text::concat(why, "\n")};
}

} // namespace

AccessSecrets::AccessSecrets(ports::Store& store, ports::PasswordHasher& hasher, EventLog& log)
    : m_file(store, std::string(kFile), accounts::kMostAccessSecretBytes), m_hasher(hasher), m_log(log) {}

Result<void> AccessSecrets::load() {
    m_secrets.clear();
    const auto reading = TRY(m_file.read(check));
    if (reading.text) {
        m_secrets = TRY(accounts::parse_access_secrets(*reading.text));
    }
    if (!reading.trouble.empty()) {
        return std::unexpected(Error(Domain::account, "", reading.trouble));
    }
    return {};
}

std::string_view AccessSecrets::find(SecretKind kind, std::string_view name) const noexcept {
    const auto found = std::ranges::find_if(
        m_secrets, [&](const AccessSecret& secret) { return secret.kind == kind && secret.name == name; });
    return found == m_secrets.end() ? std::string_view() : std::string_view(found->hex);
}

Result<void> AccessSecrets::set(AccessSecret secret) {
    auto secrets = m_secrets;
    std::erase_if(secrets,
                  [&](const AccessSecret& each) { return each.kind == secret.kind && each.name == secret.name; });
    secrets.push_back(std::move(secret));
    const std::string text = TRY(accounts::access_secrets_text(secrets));
    TRY(m_file.write(text));
    m_secrets = std::move(secrets);
    return {};
}

Result<std::string> AccessSecrets::hex_of(SecretKind kind, std::string_view text) {
    if (kind == SecretKind::user) {
        return m_hasher.nt_hash(text);
    }
    std::string digits;
    for (const char byte : text) {
        digits += text::to_hex(static_cast<std::uint8_t>(byte), 2);
    }
    return digits;
}

ports::ControlResponse AccessSecrets::store_secret(const Invocation& invocation, const ports::ControlRequest& request,
                                                   const model::PortAccess& policy) {
    if (invocation.operands.size() != 2 || (invocation.operands[0] != "user" && invocation.operands[0] != "radius")) {
        return refused("access-secret user NAME, or access-secret radius NAME");
    }
    const SecretKind kind = invocation.operands[0] == "user" ? SecretKind::user : SecretKind::radius;
    const std::string& name = invocation.operands[1];
    const bool is_there = kind == SecretKind::user
                              ? policy.find_user(name) != nullptr
                              : std::ranges::contains(policy.radius_servers, name, &model::RadiusServer::name);
    if (!is_there) {
        return refused(text::concat("the configuration in force has no ",
                                    kind == SecretKind::user ? "user '" : "RADIUS server '",
                                    text::escape_for_terminal(name), "'"));
    }
    if (std::string why = kind == SecretKind::user ? accounts::why_no_access_password(request.payload)
                                                   : accounts::why_no_shared_secret(request.payload);
        !why.empty()) {
        return refused(why);
    }
    auto hex = hex_of(kind, request.payload);
    const auto stored =
        hex ? set({.kind = kind, .name = name, .hex = *std::move(hex)}) : Result<void>(std::unexpected(hex.error()));
    Event event;
    event.set(Field::event_kind, stored ? "event" : "alert");
    event.set(Field::event_category, "configuration");
    event.set(Field::event_action, "access-secret");
    event.set(Field::event_outcome, stored ? "success" : "failure");
    event.set(Field::user_name, request.peer.account);
    event.set(Field::message, stored ? text::concat(kind == SecretKind::user ? "the password of 802.1X user "
                                                                             : "the secret of RADIUS server ",
                                                    name, " was set")
                                     : stored.error().message());
    m_log.record(std::move(event), Durability::immediate);
    if (!stored) {
        return refused(stored.error().message());
    }
    if (m_on_change) {
        m_on_change();
    }
    return {.exit_status = 0, .output = text::concat("stored for ", name, "\n"), .errors = {}};
}

} // namespace sekisho::services

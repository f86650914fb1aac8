// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/authenticator_programs.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <optional>

namespace sekisho::services {

namespace {

constexpr std::string_view kServer = "eap-server";
constexpr std::string_view kPortPrefix = "hostapd ";
constexpr std::string_view kFolder = "hostapd/";
constexpr std::string_view kControlFolder = "hostapd-control";
constexpr std::string_view kKeyFile = "eap/server-key.pem";
constexpr std::string_view kCertificateFile = "eap/server.pem";
constexpr std::string_view kUsersFile = "hostapd/users";
constexpr std::string_view kClientsFile = "hostapd/clients";
constexpr std::string_view kAuthoritiesFile = "hostapd/authorities.pem";
constexpr std::string_view kServerFile = "hostapd/eap-server.conf";
constexpr std::uint16_t kServerPort = 18'120; // nothing else is there; the packet filter lets nobody else to it
constexpr std::size_t kSecretBytes = 24;
constexpr std::size_t kMostPem = 16u << 10;
constexpr std::string_view kServerName = "sekisho.internal";
constexpr std::int64_t kTwentyYears = 20ll * 365 * 86'400 * 1'000'000;

/// A shared secret out of the hexadecimal digits that it is stored in.
std::optional<std::string> text_of(std::string_view hex) {
    std::string result;
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
        const int high = digit(hex[at]);
        const int low = digit(hex[at + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        result += static_cast<char>(high << 4 | low);
    }
    return result;
}

} // namespace

AuthenticatorPrograms::AuthenticatorPrograms(Ports ports, const AccessSecrets& secrets, AuthenticatorPaths paths,
                                             Time build_time)
    : m_ports(ports), m_secrets(secrets), m_paths(std::move(paths)), m_build_time(build_time) {}

std::string AuthenticatorPrograms::run_path(std::string_view file) const {
    return text::concat(m_paths.run_directory, "/", file);
}

Result<void> AuthenticatorPrograms::follow(const model::Model& model) {
    const model::PortAccess& policy = model.access;
    const bool is_own = policy.radius_servers.empty();
    if (is_own && !policy.has_dot1x()) {
        stop_ports_except({});
        m_ports.processes.stop(kServer);
        m_written.clear();
        if (!m_secret.empty()) { // servers that were asked once are not asked any more
            TRY(m_ports.radius.follow({.servers = {}, .authenticators_secret = m_secret, .nas_identifier = {}}));
        }
        return {};
    }
    if (m_secret.empty()) {
        m_secret = TRY(m_ports.keys.random_hex(kSecretBytes));
    }
    auto server = is_own ? follow_server(policy) : Result<void>{};
    if (!is_own) {
        m_ports.processes.stop(kServer);
    }
    std::string missing;
    const std::string name = model.system.host_name.empty() ? std::string("sekisho") : model.system.host_name;
    const std::uint16_t port = TRY(m_ports.radius.follow(
        {.servers = targets_of(policy, missing), .authenticators_secret = m_secret, .nas_identifier = name}));
    TRY(follow_ports(policy, name, port));
    if (server && !missing.empty()) {
        return std::unexpected(Error(
            Domain::configuration, "radius-server " + missing,
            text::concat("its shared secret is not stored, and nobody is asked there: 'access secret ", missing, "'")));
    }
    return server;
}

/// Whether the file is another now.
Result<bool> AuthenticatorPrograms::write(const std::string& file, std::string text) {
    const auto written = m_written.find(file);
    if (written != m_written.end() && written->second == text) {
        return false;
    }
    m_written.erase(file);
    TRY(m_ports.run_store.write(file, text));
    m_written.emplace(file, std::move(text));
    return true;
}

/// Runs hostapd with a file, and anew where the file has changed.
Result<void> AuthenticatorPrograms::keep(const std::string& name, const std::string& file, std::string text) {
    if (TRY(write(file, std::move(text)))) {
        m_ports.processes.stop(name);
    }
    return m_ports.processes.keep_running({name, {m_paths.hostapd, run_path(file)}});
}

Result<void> AuthenticatorPrograms::need_server_key() {
    if (m_ports.store.exists(kKeyFile) && m_ports.store.exists(kCertificateFile)) {
        return {};
    }
    const auto made =
        TRY(m_ports.keys.make_server_key(kServerName, m_build_time, Time{m_build_time.microseconds + kTwentyYears}));
    TRY(m_ports.store.write(kKeyFile, made.key));
    return m_ports.store.write(kCertificateFile, made.certificate);
}

std::string AuthenticatorPrograms::server_certificate() {
    return m_ports.store.read(kCertificateFile, kMostPem).value_or(std::string());
}

Result<void> AuthenticatorPrograms::follow_server(const model::PortAccess& policy) {
    TRY(need_server_key());
    const model::EapServer& settings = policy.eap_server;
    const auto nt_hash_of = [this](std::string_view name) { return m_secrets.find(accounts::SecretKind::user, name); };
    std::string users = TRY(eap_users_text(policy.users, settings.authority.has_value(), nt_hash_of));
    std::string clients = TRY(eap_clients_text(m_secret));
    bool is_other = TRY(write(std::string(kUsersFile), std::move(users)));
    is_other |= TRY(write(std::string(kClientsFile), std::move(clients)));
    ServerFile file{.port = kServerPort,
                    .users_file = run_path(kUsersFile),
                    .clients_file = run_path(kClientsFile),
                    .certificate_file = text::concat(m_paths.data_directory, "/", kCertificateFile),
                    .key_file = text::concat(m_paths.data_directory, "/", kKeyFile),
                    .authorities_file = {},
                    .has_revocation_list = settings.revocation_list.has_value()};
    if (settings.authority) {
        file.authorities_file = run_path(kAuthoritiesFile);
        is_other |= TRY(write(std::string(kAuthoritiesFile),
                              text::concat(*settings.authority, "\n", settings.revocation_list.value_or(""), "\n")));
    }
    if (is_other) {
        m_ports.processes.stop(kServer); // it reads its files once
    }
    std::string text = TRY(eap_server_text(file));
    return keep(std::string(kServer), std::string(kServerFile), std::move(text));
}

/// The clinic's servers, or the router's own. Those whose secret is not stored are left out.
std::vector<ports::RadiusServerTarget> AuthenticatorPrograms::targets_of(const model::PortAccess& policy,
                                                                         std::string& missing) const {
    std::vector<ports::RadiusServerTarget> targets;
    if (policy.radius_servers.empty()) {
        targets.push_back({.name = std::string(kServer),
                           .address = IpAddress::parse("127.0.0.1").value(),
                           .port = kServerPort,
                           .secret = m_secret});
        return targets;
    }
    for (const model::RadiusServer& server : policy.radius_servers) {
        const auto secret = text_of(m_secrets.find(accounts::SecretKind::radius, server.name));
        if (!secret || secret->empty()) {
            missing = server.name;
        } else {
            targets.push_back({.name = server.name,
                               .address = server.address,
                               .port = server.port,
                               .secret = *secret,
                               .timeout_milliseconds = server.timeout * 1000ull,
                               .mac_format = server.mac_format});
        }
    }
    return targets;
}

Result<void> AuthenticatorPrograms::follow_ports(const model::PortAccess& policy, const std::string& nas_identifier,
                                                 std::uint16_t radius_port) {
    std::vector<std::string> wanted;
    for (const model::AccessPort& port : policy.ports) {
        if (model::has_dot1x(port.mode)) {
            wanted.push_back(port.name);
        }
    }
    stop_ports_except(wanted);
    for (const std::string& port : wanted) {
        const PortFile file{.port = port,
                            .control_folder = run_path(kControlFolder),
                            .nas_identifier = nas_identifier,
                            .radius_port = radius_port,
                            .secret = m_secret};
        std::string text = TRY(port_authenticator_text(file));
        TRY(keep(text::concat(kPortPrefix, port), text::concat(kFolder, port, ".conf"), std::move(text)));
    }
    return {};
}

void AuthenticatorPrograms::stop_ports_except(const std::vector<std::string>& wanted) {
    for (const std::string& name : m_ports.processes.running()) {
        if (name.starts_with(kPortPrefix) &&
            !std::ranges::contains(wanted, std::string_view(name).substr(kPortPrefix.size()))) {
            m_ports.processes.stop(name);
            m_written.erase(text::concat(kFolder, std::string_view(name).substr(kPortPrefix.size()), ".conf"));
        }
    }
}

} // namespace sekisho::services

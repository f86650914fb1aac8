// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/authenticator_files.hpp"

#include "policy/base/text.hpp"

#include <algorithm>

namespace sekisho::services {

namespace {

constexpr std::size_t kLongestLine = 500; // hostapd reads lines of users into 512 bytes
constexpr std::size_t kNtHashDigits = 32;

Error refused(std::string_view what, std::string_view value) {
    return Error(Domain::configuration, "hostapd",
                 text::concat("'", text::escape_for_terminal(value.substr(0, 100)), "' can't be written as ", what));
}

/// A value that is the rest of its line.
Result<std::string> line(std::string_view key, std::string_view value) {
    const bool is_fit = !value.empty() && value.size() <= kLongestLine && value.front() != ' ' && value.back() != ' ' &&
                        std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
    if (!is_fit) {
        return std::unexpected(refused(key, key.contains("secret") ? std::string_view("…") : value));
    }
    return text::concat(key, "=", value, "\n");
}

/// Lines that are all written, or none.
class Lines {
public:
    Lines& add(std::string_view key, std::string_view value) {
        if (m_text) {
            auto next = line(key, value);
            m_text = next ? Result<std::string>(*m_text + *next) : std::move(next);
        }
        return *this;
    }

    Lines& add(std::string_view key, std::uint64_t value) { return add(key, text::to_text(value)); }

    [[nodiscard]] Result<std::string> text() && { return std::move(m_text); }

private:
    Result<std::string> m_text{std::string()};
};

/// A name in quotation marks, and in an attribute that is read to the end of its line.
Result<void> check_user(std::string_view name) {
    const bool is_fit = !name.empty() && name.size() <= 253 && name.front() != '*' &&
                        std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~' && c != '"'; });
    return is_fit ? Result<void>{} : std::unexpected(refused("a user's name", name));
}

/// 1 is User-Name (RFC 2865 section 5.1).
std::string accept_text(std::string_view name) {
    return text::concat("radius_accept_attr=1:s:", name, "\n");
}

Result<std::string> password_text(const model::AccessUser& user, std::string_view hash) {
    const bool is_hash = hash.size() == kNtHashDigits && std::ranges::all_of(hash, [](char c) {
                             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                         });
    if (!is_hash) {
        return std::unexpected(refused("a password's hash", "…"));
    }
    return text::concat("\"", user.name, "\" MSCHAPV2,TTLS-MSCHAPV2 hash:", hash, " [2]\n", accept_text(user.name));
}

/// hostapd looks for this name when a certificate was verified (its serial number, as the certificate has it).
Result<std::string> certificate_text(const model::AccessUser& user, std::string_view serial) {
    const bool is_hex = !serial.empty() && std::ranges::all_of(serial, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
    });
    if (!is_hex) {
        return std::unexpected(refused("a serial number", serial));
    }
    return text::concat("\"cert-", serial, "\" TLS\n", accept_text(user.name));
}

} // namespace

Result<std::string> port_authenticator_text(const PortFile& file) {
    Lines lines;
    lines.add("interface", file.port)
        .add("driver", "wired")
        .add("ctrl_interface", file.control_folder)
        .add("logger_syslog", "0")
        .add("ieee8021x", "1")
        .add("eapol_version", "2")
        // when a session has to be proved anew is decided by the daemon, which says so
        .add("eap_reauth_period", "0")
        .add("nas_identifier", file.nas_identifier)
        // NAS-Port-Id (RFC 2869 section 5.17): what the device is at
        .add("radius_auth_req_attr", "87:s:" + file.port)
        .add("auth_server_addr", "127.0.0.1")
        .add("auth_server_port", file.radius_port)
        .add("auth_server_shared_secret", file.secret);
    return std::move(lines).text();
}

Result<std::string> eap_server_text(const ServerFile& file) {
    Lines lines;
    lines.add("interface", "eap")
        .add("driver", "none")
        .add("logger_syslog", "0")
        .add("eap_server", "1")
        .add("eap_user_file", file.users_file)
        .add("server_cert", file.certificate_file)
        .add("private_key", file.key_file)
        .add("tls_flags", "[DISABLE-TLSv1.0][DISABLE-TLSv1.1][ENABLE-TLSv1.3]")
        .add("radius_server_clients", file.clients_file)
        .add("radius_server_auth_port", file.port);
    if (!file.authorities_file.empty()) {
        lines.add("ca_cert", file.authorities_file).add("check_crl", file.has_revocation_list ? "1" : "0");
    }
    return std::move(lines).text();
}

Result<std::string> eap_clients_text(std::string_view secret) {
    if (secret.empty() || !std::ranges::all_of(secret, [](char c) { return c > ' ' && c <= '~'; })) {
        return std::unexpected(refused("a secret", "…"));
    }
    return text::concat("127.0.0.1 ", secret, "\n");
}

Result<std::string> eap_users_text(std::span<const model::AccessUser> users, bool with_certificates,
                                   const std::function<std::string_view(std::string_view)>& nt_hash_of) {
    std::string text;
    for (const model::AccessUser& user : users) {
        TRY(check_user(user.name));
        if (const std::string_view hash = nt_hash_of(user.name); !hash.empty()) {
            text += TRY(password_text(user, hash));
        }
        if (with_certificates) {
            for (const std::string& serial : user.certificates) {
                text += TRY(certificate_text(user, serial));
            }
        }
    }
    // Whoever comes, by whatever name: what they prove is decided above. The last line, since hostapd takes the first
    // that fits. It also answers for a verified certificate without an entry, whatever name was claimed in the clear.
    return text::concat(text, "* PEAP,TTLS", with_certificates ? ",TLS\n" : "\n", accept_text(kNobody));
}

} // namespace sekisho::services

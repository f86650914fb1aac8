// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/ssh_server_files.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <set>

namespace sekisho::services {

namespace {

constexpr std::string_view kGroup = "sekisho";
constexpr std::size_t kLongestKey = 16u << 10;

/// What does not follow from the configuration.
constexpr std::string_view kSettings =
    // A key, and nothing else. The second factor of a later release is one more word here.
    "AuthenticationMethods publickey\n"
    "PubkeyAuthentication yes\n"
    "PasswordAuthentication no\n"
    "KbdInteractiveAuthentication no\n"
    "HostbasedAuthentication no\n"
    "GSSAPIAuthentication no\n"
    "KerberosAuthentication no\n"
    "UsePAM no\n"
    "PermitRootLogin no\n"
    "PermitEmptyPasswords no\n"
    "StrictModes yes\n"
    "IgnoreRhosts yes\n"
    // A session, and nothing else. The first line covers all of them, and kinds to come; the others say it again.
    "DisableForwarding yes\n"
    "AllowTcpForwarding no\n"
    "AllowStreamLocalForwarding no\n"
    "AllowAgentForwarding no\n"
    "X11Forwarding no\n"
    "PermitTunnel no\n"
    "GatewayPorts no\n"
    "PermitOpen none\n"
    "PermitListen none\n"
    "PermitUserEnvironment no\n"
    "PermitUserRC no\n"
    "ExposeAuthInfo no\n"
    "MaxSessions 1\n"
    // Who guesses, or only holds connections open, is slowed: each refusal costs the source seconds, up to ten minutes.
    "MaxAuthTries 3\n"
    "LoginGraceTime 30\n"
    "MaxStartups 10:30:20\n"
    "PerSourceMaxStartups 5\n"
    "PerSourceNetBlockSize 32:64\n"
    "PerSourcePenalties authfail:5s noauth:1s crash:90s grace-exceeded:10s refuseconnection:10s max:10m min:15s\n"
    // Who is not there any more is logged out: after four minutes without an answer. Sessions end by themselves after
    // 30 minutes without a key, with a notice before; this is for one that does not. A session that runs something is
    // of another type ("session:shell") than one that does not yet.
    "ChannelTimeout session=35m session:*=35m\n"
    "UnusedConnectionTimeout 1m\n"
    "ClientAliveInterval 60\n"
    "ClientAliveCountMax 3\n"
    "TCPKeepAlive no\n"
    // No more is told than SSH must, nothing is asked of name servers.
    "Banner none\n"
    "DebianBanner no\n"
    "VersionAddendum none\n"
    "PrintMotd no\n"
    "PrintLastLog no\n"
    "UseDNS no\n"
    "Compression no\n"
    "PidFile none\n"
    "KexAlgorithms mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,curve25519-sha256,"
    "curve25519-sha256@libssh.org\n"
    "Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com\n"
    "MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com\n"
    "HostKeyAlgorithms ssh-ed25519\n"
    "PubkeyAcceptedAlgorithms ssh-ed25519,sk-ssh-ed25519@openssh.com,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
    "ecdsa-sha2-nistp521,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256\n"
    "RequiredRSASize 3072\n"
    // Refused requests of a session are in the log only with these.
    "LogLevel VERBOSE\n"
    "LogVerbose serverloop.c:server_input_global_request():*,serverloop.c:server_input_channel_open():*,"
    "session.c:session_input_channel_req():*\n";

Error refused(std::string_view what, std::string_view value) {
    return Error(Domain::configuration, "ssh",
                 text::concat("'", text::escape_for_terminal(value.substr(0, 200)), "' is no ", what));
}

/// A path that is one word to every reader: no space, quote, percent sign or wild card.
bool is_path(std::string_view path) {
    return path.starts_with('/') && path.size() <= 200 && std::ranges::all_of(path, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' ||
                      c == '.' || c == '_' || c == '-';
           });
}

/// "TYPE BASE64": two words of the alphabets that such have.
bool is_key(std::string_view key) {
    const auto words = text::split(key, ' ');
    const auto is_of = [](std::string_view word, std::string_view more) {
        return !word.empty() && std::ranges::all_of(word, [more](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || more.contains(c);
        });
    };
    return words.size() == 2 && key.size() <= kLongestKey && is_of(words[0], "-@.") && is_of(words[1], "+/=");
}

/// The names and numbers that a table has: its first and third fields.
void collect(std::string_view table, std::set<std::string_view>& taken) {
    for (const std::string_view line : text::split(table, '\n')) {
        const auto fields = text::split(line, ':');
        taken.insert(fields[0]);
        if (fields.size() > 2) {
            taken.insert(fields[2]);
        }
    }
}

} // namespace

Result<std::string> sshd_configuration(const SshListening& listening, std::string_view folder,
                                       std::string_view host_key) {
    for (const std::string_view path : {folder, host_key}) {
        if (!is_path(path)) {
            return std::unexpected(refused("path for sshd", path));
        }
    }
    std::string text = text::concat("Port ", text::to_text(listening.port), "\n");
    for (const IpAddress& address : listening.addresses) {
        text += text::concat("ListenAddress ", address.text(), "\n");
    }
    if (listening.addresses.empty()) {
        text += "ListenAddress 0.0.0.0\nListenAddress ::\n";
    }
    text += text::concat("HostKey ", host_key, "\nAuthorizedKeysFile ", folder, "/keys/%u\nAllowGroups ", kGroup, "\n");
    text += kSettings;
    return text;
}

Result<std::string> authorized_keys(std::span<const std::string> ssh_keys) {
    std::string text;
    for (const std::string& key : ssh_keys) {
        if (!is_key(key)) {
            return std::unexpected(refused("SSH key", key));
        }
        text += text::concat("restrict,pty ", key, "\n");
    }
    return text;
}

Result<UserTables> user_tables(const UserTables& base, std::span<const Login> logins, std::string_view shell) {
    if (!is_path(shell)) {
        return std::unexpected(refused("shell", shell));
    }
    std::set<std::string_view> taken;
    collect(base.passwd, taken);
    std::set<std::string> given;
    UserTables tables = base;
    for (const Login& login : logins) {
        const std::string number = text::to_text(login.user_id);
        if (!accounts::is_account_name(login.name) || login.user_id < accounts::kAdminId ||
            login.user_id > accounts::kLastUserId || taken.contains(login.name) || taken.contains(number) ||
            !given.insert(login.name).second || !given.insert(number).second) {
            return std::unexpected(refused("account", text::concat(login.name, ":", number)));
        }
        // the field of the password matches none: passwords are not kept here
        tables.passwd +=
            text::concat(login.name, ":*:", number, ":", text::to_text(accounts::kGroupId), "::/:", shell, "\n");
    }
    tables.group += text::concat(kGroup, ":*:", text::to_text(accounts::kGroupId), ":\n");
    return tables;
}

} // namespace sekisho::services

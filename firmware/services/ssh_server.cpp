// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/ssh_server.hpp"

#include "policy/accounts/ssh_key.hpp"
#include "policy/base/text.hpp"

#include <algorithm>

namespace sekisho::services {

using events::Event;
using events::Field;

namespace {

constexpr std::uint64_t kEndAfterMilliseconds = 1000;
constexpr std::size_t kMostHostKey = 4096;
constexpr std::string_view kFolder = "ssh";
constexpr std::string_view kConfiguration = "ssh/sshd_config";
constexpr std::string_view kHostKey = "ssh/host_key.pub"; ///< written by the start script
constexpr std::string_view kKeys = "ssh/keys/";

bool lost_a_key(const Login& before, const Login& now) {
    return std::ranges::any_of(before.ssh_keys,
                               [&](const std::string& key) { return !std::ranges::contains(now.ssh_keys, key); });
}

} // namespace

std::optional<SshListening> ssh_listening(const model::Model& model) {
    SshListening listening{.addresses = {}, .port = model.management.ssh_port};
    for (const std::string& name : model.management.ssh_zones) {
        if (const model::Zone* zone = model.find_zone(name)) {
            for (const IpAddress& address : model.own_addresses_of(*zone)) {
                listening.addresses.push_back(address);
            }
        }
    }
    if (listening.addresses.empty()) {
        return std::nullopt;
    }
    if (model::ssh_from_wan(model)) {
        listening.addresses.clear();
    }
    return listening;
}

SshServer::SshServer(Ports ports, EventLog& log, SshPaths paths, UserTables base)
    : m_ports(ports),
      m_log(log),
      m_paths(std::move(paths)),
      m_base(std::move(base)),
      m_end_timer(ports.loop.make_timer([this] { end_sessions(); })) {}

Result<void> SshServer::follow(const model::Model& model, const std::vector<Login>& logins) {
    end_sessions(); // what an earlier change ended must not take the sessions that this one lets in
    m_listening = ssh_listening(model);
    auto done = write_files(logins);
    if (done) {
        done = run(model);
    }
    if (!done) {
        m_ports.processes.stop(kHelper);
        m_listening.reset();
    }
    find_ended(logins, !model.management.ssh_zones.empty());
    m_logins = logins;
    return done;
}

Result<void> SshServer::write(const std::string& name, std::string text) {
    const auto written = m_written.find(name);
    if (written != m_written.end() && written->second == text) {
        return {};
    }
    m_written.erase(name);
    TRY(m_ports.run_store.write_readable(name, text));
    m_written.emplace(name, std::move(text));
    return {};
}

Result<void> SshServer::write_files(const std::vector<Login>& logins) {
    UserTables tables = TRY(user_tables(m_base, logins, m_paths.shell));
    std::vector<std::string> names;
    for (const Login& login : logins) {
        names.push_back(text::concat(kKeys, login.name));
        std::string keys = TRY(authorized_keys(login.ssh_keys));
        TRY(write(names.back(), std::move(keys)));
    }
    for (auto entry = m_written.begin(); entry != m_written.end();) {
        if (entry->first.starts_with(kKeys) && !std::ranges::contains(names, entry->first)) {
            TRY(m_ports.run_store.remove(entry->first));
            entry = m_written.erase(entry);
        } else {
            ++entry;
        }
    }
    TRY(write("passwd", std::move(tables.passwd)));
    return write("group", std::move(tables.group));
}

Result<void> SshServer::run(const model::Model& model) {
    if (!m_listening) {
        m_ports.processes.stop(kHelper);
        if (!model.management.ssh_zones.empty()) {
            return std::unexpected(
                Error(Domain::configuration, "management ssh", "the router has no address in the zones that it names"));
        }
        return {};
    }
    const std::string folder = text::concat(m_paths.run_directory, "/", kFolder);
    const std::string keys = text::concat(m_paths.data_directory, "/", kFolder);
    std::string configuration = TRY(sshd_configuration(*m_listening, folder, keys + "/host_ed25519"));
    const auto written = m_written.find(std::string(kConfiguration));
    if (written == m_written.end() || written->second != configuration) {
        TRY(write(std::string(kConfiguration), std::move(configuration)));
        // Sessions live on: each has a process group of its own, and only the listener's is ended.
        m_ports.processes.stop(kHelper);
    }
    return m_ports.processes.keep_running({std::string(kHelper), {m_paths.start_script, keys, folder}, true});
}

void SshServer::find_ended(const std::vector<Login>& logins, bool is_on) {
    for (const Login& before : m_logins) {
        const auto now = std::ranges::find(logins, before.user_id, &Login::user_id);
        if (now == logins.end()) {
            m_ended.insert_or_assign(before.user_id, Ended{before.name, Cause::account_removed});
        } else if (!is_on || lost_a_key(before, *now)) {
            m_ended.try_emplace(before.user_id, Ended{before.name, is_on ? Cause::key_removed : Cause::ssh_removed});
        }
    }
    if (!m_ended.empty()) {
        m_end_timer->start_once(kEndAfterMilliseconds);
    }
}

void SshServer::end_sessions() {
    for (const auto& [user_id, ended] : std::exchange(m_ended, {})) {
        // An account that is gone keeps nothing, on whatever way it came; else only what came over SSH ends.
        const bool all = ended.cause == Cause::account_removed;
        const auto count =
            m_ports.processes.end_processes_of(user_id, all ? std::string_view() : m_paths.session_program);
        if (count && *count == 0) {
            continue;
        }
        Event event;
        event.set(Field::event_kind, count ? "event" : "alert");
        event.set(Field::event_category, "authentication");
        event.set(Field::event_action, "sessions-ended");
        event.set(Field::event_outcome, count ? "success" : "failure");
        event.set(Field::event_reason, all                                 ? "account-removed"
                                       : ended.cause == Cause::key_removed ? "key-removed"
                                                                           : "ssh-removed");
        event.set(Field::user_name, ended.account);
        event.set(Field::message,
                  count ? std::string("the account's open sessions were ended") : count.error().message());
        m_log.record(std::move(event), Durability::immediate);
    }
}

std::string SshServer::host_key_fingerprint() {
    const auto text = m_ports.run_store.read(kHostKey, kMostHostKey);
    if (!text) {
        return {}; // none was made yet
    }
    const std::string_view line = std::string_view(*text).substr(0, text->find('\n'));
    const std::size_t comment = line.find(' ', std::min(line.size(), line.find(' ') + 1));
    const auto facts = accounts::facts_of_ssh_key(line.substr(0, comment));
    return facts ? facts->fingerprint : std::string();
}

std::string SshServer::listens_on() {
    if (!m_listening) {
        return {};
    }
    if (!m_ports.run_store.exists(kHostKey)) {
        return "nothing: there is no host key yet";
    }
    std::string text = text::concat("port ", text::to_text(m_listening->port), " on");
    for (const IpAddress& address : m_listening->addresses) {
        text += text::concat(" ", address.text());
    }
    return m_listening->addresses.empty() ? text + " every address" : text;
}

} // namespace sekisho::services

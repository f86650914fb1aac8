// SPDX-License-Identifier: GPL-2.0-or-later
// The way in over SSH: sshd runs as a helper program while the configuration has `management { ssh … }`, on the
// router's own addresses of the zones that are named there. Who may log in, and with which keys, follows the accounts
// in force; sessions of an account or a key that is gone are ended.
#pragma once

#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/processes.hpp"
#include "firmware/ports/store.hpp"
#include "firmware/services/accounts.hpp"
#include "firmware/services/event_log.hpp"
#include "firmware/services/ssh_server_files.hpp"
#include "policy/model/model.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::services {

/// Paths of programs, and of what they get.
struct SshPaths {
    std::string start_script = "/usr/libexec/sekisho/ssh-server"; ///< sees to the host key, then becomes sshd
    std::string session_program = "/usr/lib/openssh/sshd-session";
    std::string shell = "/usr/bin/sekisho";
    std::string data_directory = "/data"; ///< the host key is in its folder `ssh`
    std::string run_directory = "/run/sekisho";
};

/// Where sshd has to listen: nothing where the model has no SSH, or no address for it. On the WAN, whose address may
/// come from DHCP, it listens when a service admits the port from there; then on every address, and the packet filter
/// alone decides who reaches it.
[[nodiscard]] std::optional<SshListening> ssh_listening(const model::Model& model);

class SshServer {
public:
    static constexpr std::string_view kHelper = "sshd"; ///< name of the helper program

    struct Ports {
        ports::Processes& processes;
        ports::Store& run_store;
        ports::EventLoop& loop;
    };

    /// `base` are the image's users. References must outlive this.
    SshServer(Ports ports, EventLog& log, SshPaths paths, UserTables base);

    /// Makes the users' tables, the keys and sshd follow the configuration and the accounts in force. On an error sshd
    /// is stopped: what was taken away must not stay accepted.
    Result<void> follow(const model::Model& model, const std::vector<Login>& logins);

    /// SHA-256 fingerprint of the host key that sshd has, as ssh shows it; empty while there is none.
    [[nodiscard]] std::string host_key_fingerprint();
    /// "port 22 on 10.0.1.1 fd00::1", for people; empty while sshd is not wanted.
    [[nodiscard]] std::string listens_on();

private:
    /// Why an account's sessions end.
    enum class Cause { account_removed, key_removed, ssh_removed };

    Result<void> write(const std::string& name, std::string text);
    Result<void> write_files(const std::vector<Login>& logins);
    Result<void> run(const model::Model& model);
    void find_ended(const std::vector<Login>& logins, bool is_on);
    void end_sessions();

    Ports m_ports;
    EventLog& m_log;
    SshPaths m_paths;
    UserTables m_base;
    std::map<std::string, std::string> m_written; ///< contents by name in the run directory
    std::vector<Login> m_logins;
    std::optional<SshListening> m_listening;

    struct Ended {
        std::string account;
        Cause cause;
    };

    std::map<std::uint32_t, Ended> m_ended;    ///< users whose sessions are to end
    std::unique_ptr<ports::Timer> m_end_timer; ///< lets the answer to the command that ends them go out first
};

} // namespace sekisho::services

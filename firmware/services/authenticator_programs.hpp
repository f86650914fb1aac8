// SPDX-License-Identifier: GPL-2.0-or-later
// The programs of 802.1X, as the configuration wants them: a hostapd per port that has it, and the router's own EAP
// server, another hostapd that speaks RADIUS on the loopback. Ports always speak RADIUS, to whoever decides, so a
// changed user restarts the server alone, and another server no program at all.
#pragma once

#include "firmware/ports/key_maker.hpp"
#include "firmware/ports/processes.hpp"
#include "firmware/ports/radius_servers.hpp"
#include "firmware/ports/store.hpp"
#include "firmware/services/access_secrets.hpp"
#include "firmware/services/authenticator_files.hpp"
#include "policy/model/model.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::services {

struct AuthenticatorPaths {
    std::string hostapd = "/usr/sbin/hostapd";
    std::string data_directory = "/data";
    std::string run_directory = "/run/sekisho";
};

class AuthenticatorPrograms {
public:
    struct Ports {
        ports::Processes& processes;
        ports::Store& store;     ///< the EAP server's key
        ports::Store& run_store; ///< everything else, gone with the next boot
        ports::KeyMaker& keys;
        ports::RadiusServers& radius;
    };

    /// `build_time` is the image's: the EAP server's certificate holds from then on, whatever the clock says at first.
    AuthenticatorPrograms(Ports ports, const AccessSecrets& secrets, AuthenticatorPaths paths, Time build_time);

    /// Starts, replaces and ends the programs. An error says which part of 802.1X is not there; no port opens by it.
    Result<void> follow(const model::Model& model);

    /// The EAP server's certificate, PEM, which devices are told to expect; empty while there is none.
    [[nodiscard]] std::string server_certificate();

private:
    Result<void> follow_server(const model::PortAccess& policy);
    Result<void> follow_ports(const model::PortAccess& policy, const std::string& nas_identifier,
                              std::uint16_t radius_port);
    [[nodiscard]] std::vector<ports::RadiusServerTarget> targets_of(const model::PortAccess& policy,
                                                                    std::string& missing) const;
    Result<void> need_server_key();
    Result<void> keep(const std::string& name, const std::string& file, std::string text);
    Result<bool> write(const std::string& file, std::string text);
    void stop_ports_except(const std::vector<std::string>& wanted);
    [[nodiscard]] std::string run_path(std::string_view file) const;

    Ports m_ports;
    const AccessSecrets& m_secrets;
    AuthenticatorPaths m_paths;
    Time m_build_time;
    std::string m_secret;                         ///< between the programs, of this run
    std::map<std::string, std::string> m_written; ///< contents by name in the run directory
};

} // namespace sekisho::services

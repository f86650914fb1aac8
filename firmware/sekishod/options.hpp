// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon is told on its command line; one row per option.
#pragma once

#include "policy/base/error.hpp"

#include <span>
#include <string>
#include <string_view>

namespace sekisho::daemon {

struct Options {
    bool close_only = false; ///< load the closed ruleset and end
    std::string data_directory = "/data";
    std::string run_directory = "/run/sekisho";
    std::string default_configuration = "/usr/share/sekisho/default.conf";
    std::string identity = "/usr/share/sekisho/identity";
    std::string support = "/usr/share/sekisho/support.json";
    std::string components = "/usr/share/sekisho/components.json";
    std::string country_database = "/usr/share/sekisho/country.mmdb"; ///< the image's own
    std::string lease_script = "/usr/libexec/sekisho/lease-event";
    std::string resolv_conf = "/run/resolv.conf";
    std::string busybox = "/bin/busybox";
    std::string chronyd = "/usr/sbin/chronyd";
    std::string hostapd = "/usr/sbin/hostapd";
    std::string dnsmasq = "/usr/sbin/dnsmasq";
    std::string ssh_server = "/usr/libexec/sekisho/ssh-server"; ///< sees to the host key, then becomes sshd
    std::string shell = "/usr/bin/sekisho";                     ///< of the accounts
    std::string users = "/usr/share/sekisho/users";             ///< folder with the image's own passwd and group
    std::string clock_file;                                     ///< test build only: read the time from there
};

[[nodiscard]] Result<Options> parse_options(std::span<const std::string_view> arguments, bool with_clock_file);

} // namespace sekisho::daemon

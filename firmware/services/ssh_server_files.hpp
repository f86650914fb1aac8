// SPDX-License-Identifier: GPL-2.0-or-later
// The files that sshd and the C library's user look-up read: made from the configuration, by encoders that refuse what
// they can't quote.
#pragma once

#include "firmware/services/accounts.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::services {

/// Where sshd listens. Without addresses: on every address of the router.
struct SshListening {
    std::vector<IpAddress> addresses;
    std::uint16_t port = 22;
};

/// sshd_config(5) of OpenSSH 10. A session is all that there is: whatever kind of forwarding the client asks for,
/// `DisableForwarding` refuses it, also kinds that are not known yet; without a `Subsystem` there is no SFTP. `folder`
/// is where the keys of the accounts are; it is refused where sshd could read it as more than one word.
[[nodiscard]] Result<std::string> sshd_configuration(const SshListening& listening, std::string_view folder,
                                                     std::string_view host_key);

/// The authorised keys of an account (sshd(8)): a terminal for each, and nothing else that may be allowed or not.
[[nodiscard]] Result<std::string> authorized_keys(std::span<const std::string> ssh_keys);

/// passwd(5) and group(5): the image's own entries, then the accounts with the command prompt as their shell. A name
/// that the image's entries have is refused, and an id.
struct UserTables {
    std::string passwd;
    std::string group;
};

[[nodiscard]] Result<UserTables> user_tables(const UserTables& base, std::span<const Login> logins,
                                             std::string_view shell);

} // namespace sekisho::services

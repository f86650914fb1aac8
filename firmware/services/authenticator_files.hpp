// SPDX-License-Identifier: GPL-2.0-or-later
// Files for hostapd 2.10. What its formats can't quote (a newline, a quotation mark, a leading '*', which it takes for
// any user) is refused, never written.
#pragma once

#include "policy/base/address.hpp"
#include "policy/base/error.hpp"
#include "policy/model/port_access.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace sekisho::services {

/// The name that the EAP server gives to whoever proved something that is no user's; no user can have it.
inline constexpr std::string_view kNobody = "*";

struct PortFile {
    std::string port;
    std::string control_folder;    ///< hostapd's socket comes to be in it, by the port's name
    std::string nas_identifier;    ///< how the router calls itself to RADIUS servers
    std::uint16_t radius_port = 0; ///< UDP, of the loopback
    std::string secret;            ///< printable ASCII
};

/// hostapd.conf of a port's authenticator.
[[nodiscard]] Result<std::string> port_authenticator_text(const PortFile& file);

struct ServerFile {
    std::uint16_t port = 0; ///< UDP, for RADIUS
    std::string users_file;
    std::string clients_file;
    std::string certificate_file;
    std::string key_file;
    std::string authorities_file; ///< with the revocation list; empty: no EAP-TLS
    bool has_revocation_list = false;
};

/// hostapd.conf of the EAP server.
[[nodiscard]] Result<std::string> eap_server_text(const ServerFile& file);

/// Who may speak RADIUS to the EAP server: the router itself, with this secret.
[[nodiscard]] Result<std::string> eap_clients_text(std::string_view secret);

/// The EAP server's users, as far as they have something to prove; whether an entry has expired is judged elsewhere.
/// `nt_hash_of` gives 32 hexadecimal digits, or nothing. What was proved is told in the User-Name of the Access-Accept:
/// the user that the inner method proved, or the one whose entry has the serial number of the verified certificate;
/// else kNobody.
[[nodiscard]] Result<std::string> eap_users_text(std::span<const model::AccessUser> users, bool with_certificates,
                                                 const std::function<std::string_view(std::string_view)>& nt_hash_of);

} // namespace sekisho::services

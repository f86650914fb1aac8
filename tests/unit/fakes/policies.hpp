// SPDX-License-Identifier: GPL-2.0-or-later
// Configurations of a small router, and who applies them.
#pragma once

#include "firmware/services/policy_service.hpp"
#include "policy/base/text.hpp"

#include <string>
#include <string_view>

namespace sekisho::fakes {

/// A WAN by DHCP and a clinic behind a bridge.
inline constexpr std::string_view kInterfaces = R"(system { host-name clinic; time-zone Asia/Tokyo; }
interfaces {
    interface wan0 { dhcp; }
    bridge br-clinic { port lan1; address 10.0.1.1/24; }
}
zones { wan { interface wan0; } clinic { interface br-clinic; } }
)";

/// The same with a service for what the list names.
inline std::string with_service(std::string_view list) {
    return text::concat(
        kInterfaces, "address-list vendor { ", list,
        " }\nservice web { protocol tcp; port 8443; forward-to 10.0.1.20; source { address-list vendor; } }\n");
}

inline const services::Actor kAdmin{"admin", "local"};

} // namespace sekisho::fakes

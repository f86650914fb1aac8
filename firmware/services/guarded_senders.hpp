// SPDX-License-Identifier: GPL-2.0-or-later
// Which role stands behind an address on a guarded port: sessions know MAC addresses, rules of live connections only
// addresses of the network layer.
#pragma once

#include "firmware/services/dhcp_leases.hpp"
#include "policy/access/event.hpp"
#include "policy/model/model.hpp"
#include "policy/ruleset/admission.hpp"

#include <map>
#include <span>

namespace sekisho::services {

/// By the addresses of the devices' entries and by leases; a device with neither has no address that is known to be its
/// own. Sessions of roles that the model has no more are left out.
[[nodiscard]] std::map<IpAddress, ruleset::Sender> guarded_senders(const model::Model& model,
                                                                   std::span<const access::Session> sessions,
                                                                   std::span<const AddressLease> leases);

} // namespace sekisho::services

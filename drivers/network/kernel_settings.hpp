// SPDX-License-Identifier: GPL-2.0-or-later
// What /proc/sys/net must hold on the router, one row per setting.
#pragma once

#include "firmware/ports/enforcement.hpp"

#include <string>
#include <vector>

namespace sekisho::drivers::network {

enum class LinkRole { routed, bridge_port };

/// For every interface there is and will be (conf/all and conf/default). Settings that hold their value already aren't
/// written.
Result<void> secure_all_links();
/// For one interface; before it is up, so that no router advertisement or redirect has been accepted by then.
Result<void> secure_link(const std::string& name, LinkRole role);
/// Whether the router answers ARP on a bridge for devices that are on it too, behind ports that are kept apart.
Result<void> answer_for_neighbours(const std::string& name, bool on);
/// Forwarding of both families, and what connection tracking must not do. Without connection tracking in the kernel, on
/// is an error.
Result<void> set_forwarding(bool on);

/// What is there beside what the functions above put, with forwarding on: a row per setting of the whole router, and
/// one for those of all interfaces that there are and will be.
Result<void> compare_settings(ports::Comparisons& into);
/// The same of one interface, which must be there.
Result<void> compare_settings(const std::string& name, LinkRole role, bool answers_for_neighbours,
                              ports::Comparisons& into);

} // namespace sekisho::drivers::network

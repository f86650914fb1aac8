// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/guarded_senders.hpp"

#include "policy/ruleset/mark.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

namespace sekisho::services {

std::map<IpAddress, ruleset::Sender> guarded_senders(const model::Model& model,
                                                     std::span<const access::Session> sessions,
                                                     std::span<const AddressLease> leases) {
    std::vector<std::string> names;
    std::ranges::transform(model.access.roles, std::back_inserter(names), &model::Role::name);
    const auto numbers = ruleset::role_numbers(names);
    std::map<MacAddress, ruleset::Sender> by_mac;
    for (const access::Session& session : sessions) {
        const auto number = numbers.find(session.role);
        const auto bridge = std::ranges::find_if(model.interfaces, [&session](const model::Interface& interface) {
            return std::ranges::contains(interface.ports, session.station.port);
        });
        if (number != numbers.end() && bridge != model.interfaces.end()) {
            by_mac[session.station.mac] = {.device = bridge->name, .role = number->second};
        }
    }
    std::map<IpAddress, ruleset::Sender> senders;
    const auto add = [&](const MacAddress& mac, const IpAddress& address) {
        if (const auto found = by_mac.find(mac); found != by_mac.end()) {
            senders[address] = found->second;
        }
    };
    for (const AddressLease& lease : leases) {
        add(lease.mac, lease.address);
    }
    for (const model::Device& device : model.access.devices) {
        for (const IpAddress& address : device.addresses) {
            add(device.mac, address);
        }
    }
    return senders;
}

} // namespace sekisho::services

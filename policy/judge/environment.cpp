// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/judge/environment.hpp"

#include <algorithm>

namespace sekisho::judge {

DeviceIndex Environment::find_device(std::string_view name) const noexcept {
    const auto found = std::ranges::find(devices, name, &Device::name);
    return found == devices.end() ? kNoDevice : static_cast<DeviceIndex>(found - devices.begin());
}

DeviceIndex Environment::device_of(const IpAddress& own) const noexcept {
    for (std::size_t index = 0; index < devices.size(); ++index) {
        if (std::ranges::contains(devices[index].addresses, own, &InterfaceAddress::address)) {
            return static_cast<DeviceIndex>(index);
        }
    }
    return kNoDevice;
}

Environment environment_of(const model::Model& model, const ruleset::Ruleset& ruleset) {
    Environment environment;
    for (const ruleset::ZoneEntry& zone : ruleset.zones) {
        for (const std::string& name : zone.interfaces) {
            const model::Interface* interface = model.find_interface(name);
            if (interface == nullptr || environment.devices.size() + 1 >= kNoDevice) {
                continue;
            }
            const auto index = static_cast<DeviceIndex>(environment.devices.size());
            environment.devices.push_back({.name = name,
                                           .zone = zone.index,
                                           .is_wan = zone.is_wan,
                                           .is_guarded = model.is_guarded(*interface),
                                           .addresses = interface->addresses});
            for (const IpAddress& gateway : interface->gateways) {
                const IpAddress any = gateway.family() == Family::ipv4
                                          ? IpAddress::v4(0)
                                          : IpAddress::from_bytes(Family::ipv6, std::array<std::uint8_t, 16>{});
                environment.routes.push_back({IpPrefix(any, 0), index, gateway});
            }
            if (interface->dhcp) {
                environment.routes.push_back({IpPrefix(IpAddress::v4(0), 0), index, std::nullopt});
            }
        }
    }
    return environment;
}

} // namespace sekisho::judge

// SPDX-License-Identifier: GPL-2.0-or-later
// What a verdict depends on besides rules and connections: the router's devices, addresses, routes and settings.
#pragma once

#include "policy/base/address.hpp"
#include "policy/model/model.hpp"
#include "policy/ruleset/ruleset.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::judge {

/// Index into Environment::devices.
using DeviceIndex = std::uint8_t;
inline constexpr DeviceIndex kNoDevice = 0xff;

/// An interface that packets come in by or leave by; a bridge is one device, its ports are none.
struct Device {
    std::string name;
    ruleset::ZoneIndex zone = 0; ///< 0: of no zone
    bool is_wan = false;
    bool is_guarded = false;                 ///< a bridge with ports under port access: packets bear roles
    std::vector<InterfaceAddress> addresses; ///< link-local ones too, as far as they are known
};

/// Networks of devices are routes by themselves.
struct Route {
    IpPrefix destination;
    DeviceIndex device = kNoDevice;
    std::optional<IpAddress> gateway;
};

/// rp_filter: whether a source has to be routed back by the device that it came in through.
enum class SourceCheck : std::uint8_t { none, strict };

/// What the far end of a cut connection sends (ruleset::OfCutFlow). Ports are 0 for protocols without them.
struct CutFlow {
    std::uint8_t protocol = 0;
    IpAddress source;
    std::uint16_t source_port = 0;
    IpAddress destination;
    std::uint16_t destination_port = 0;
    friend auto operator<=>(const CutFlow&, const CutFlow&) = default;
};

struct Environment {
    std::vector<Device> devices; ///< fewer than 255
    std::vector<Route> routes;
    SourceCheck source_check = SourceCheck::strict;
    bool tcp_loose = false;        ///< nf_conntrack_tcp_loose: whether connections are picked up in the middle
    bool checks_sums = true;       ///< nf_conntrack_checksum
    std::vector<IpAddress> groups; ///< multicast groups joined on every device, besides the kernel's own

    std::vector<CutFlow> cut_flows; ///< sorted

    [[nodiscard]] DeviceIndex find_device(std::string_view name) const noexcept; ///< kNoDevice where there is none
    /// The device that holds the address.
    [[nodiscard]] DeviceIndex device_of(const IpAddress& own) const noexcept;
};

/// The environment that the product makes of a configuration: its interfaces, their addresses, default routes by the
/// gateways, the settings of a router in force. An address from a DHCP server is not in the configuration: callers add
/// it, and where it is missing the default route exists all the same.
[[nodiscard]] Environment environment_of(const model::Model& model, const ruleset::Ruleset& ruleset);

} // namespace sekisho::judge

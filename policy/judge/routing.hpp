// SPDX-License-Identifier: GPL-2.0-or-later
// Where a packet goes: to the router itself, on by a device, or nowhere.
#pragma once

#include "policy/judge/environment.hpp"
#include "policy/judge/stack.hpp"
#include "policy/packet/frame.hpp"

#include <vector>

namespace sekisho::judge {

struct Decision {
    enum class To : std::uint8_t { nowhere, router, on };
    To to = To::nowhere;
    StackCause cause = StackCause::none; ///< where it goes nowhere
    DeviceIndex egress = kNoDevice;      ///< where it goes on
};

/// Routes of an environment, for many packets. Borrows the environment.
class Routing {
public:
    explicit Routing(const Environment& environment);

    [[nodiscard]] Decision decide(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                  DeviceIndex ingress) const;
    /// By which device a packet of the router's own leaves; kNoDevice where there is no route.
    [[nodiscard]] DeviceIndex way_to(const IpAddress& destination) const noexcept;

    /// As nft's `fib … type` tells, for `kind` of the address; of one device alone where that is given.
    [[nodiscard]] bool is_kind(const IpAddress& address, ruleset::AddressKind::Kind kind, DeviceIndex only) const;
    /// The address that masquerading takes; nothing where the device has none.
    [[nodiscard]] const IpAddress* masquerade_address(DeviceIndex egress, const IpAddress& destination) const noexcept;

private:
    struct Entry {
        IpPrefix destination;
        DeviceIndex device = kNoDevice;
        const IpAddress* gateway = nullptr;
    };

    [[nodiscard]] const Entry* find(const IpAddress& destination, DeviceIndex only = kNoDevice) const noexcept;
    [[nodiscard]] bool is_network_broadcast(const IpAddress& address, DeviceIndex only) const noexcept;
    [[nodiscard]] bool is_subnet_anycast(const IpAddress& address) const noexcept;
    [[nodiscard]] bool is_member(const IpAddress& group, DeviceIndex device) const noexcept;
    [[nodiscard]] bool is_martian(const IpAddress& source, DeviceIndex ingress) const noexcept;
    [[nodiscard]] Decision decide_v4(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                     DeviceIndex ingress) const;
    [[nodiscard]] Decision decide_v6(const IpAddress& destination, DeviceIndex ingress) const;

    const Environment& m_environment;
    std::vector<Entry> m_entries; ///< longest prefix first
};

} // namespace sekisho::judge

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/model/port_access.hpp"

#include <algorithm>

namespace sekisho::model {

namespace {

template <typename Named>
const Named* find_in(const std::vector<Named>& all, std::string_view name) noexcept {
    const auto found = std::ranges::find(all, name, &Named::name);
    return found == all.end() ? nullptr : &*found;
}

} // namespace

std::string_view name_of(AccessMode mode) noexcept {
    switch (mode) {
    case AccessMode::open:
        return "open";
    case AccessMode::closed:
        return "closed";
    case AccessMode::dot1x:
        return "dot1x";
    case AccessMode::mab:
        return "mab";
    case AccessMode::dot1x_then_mab:
        return "dot1x-then-mab";
    case AccessMode::mab_then_dot1x:
        return "mab-then-dot1x";
    }
    return {};
}

std::string_view name_of(HostMode mode) noexcept {
    switch (mode) {
    case HostMode::single_host:
        return "single-host";
    case HostMode::multi_host:
        return "multi-host";
    case HostMode::multi_auth:
        return "multi-auth";
    }
    return {};
}

std::string_view name_of(SourceBinding binding) noexcept {
    switch (binding) {
    case SourceBinding::off:
        return "off";
    case SourceBinding::report:
        return "report";
    case SourceBinding::enforce:
        return "enforce";
    }
    return {};
}

bool has_dot1x(AccessMode mode) noexcept {
    return mode == AccessMode::dot1x || mode == AccessMode::dot1x_then_mab || mode == AccessMode::mab_then_dot1x;
}

bool has_mab(AccessMode mode) noexcept {
    return mode == AccessMode::mab || mode == AccessMode::dot1x_then_mab || mode == AccessMode::mab_then_dot1x;
}

std::string MacFormat::text(const MacAddress& mac) const {
    std::string text;
    for (const char c : mac.text()) {
        if (c == ':') {
            text += separator == 0 ? std::string() : std::string(1, separator);
        } else {
            text += is_upper && c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
        }
    }
    return text;
}

const AccessPort* PortAccess::find_port(std::string_view name) const noexcept {
    return find_in(ports, name);
}

const Role* PortAccess::find_role(std::string_view name) const noexcept {
    return find_in(roles, name);
}

const AccessUser* PortAccess::find_user(std::string_view name) const noexcept {
    return find_in(users, name);
}

bool PortAccess::has_dot1x() const noexcept {
    return std::ranges::any_of(ports, [](const AccessPort& port) { return model::has_dot1x(port.mode); });
}

const Device* PortAccess::find_device(const MacAddress& mac) const noexcept {
    const auto found = std::ranges::lower_bound(devices, mac, {}, &Device::mac);
    return found == devices.end() || found->mac != mac ? nullptr : &*found;
}

} // namespace sekisho::model

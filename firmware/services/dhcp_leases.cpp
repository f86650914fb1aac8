// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/dhcp_leases.hpp"

#include "policy/base/text.hpp"

#include <algorithm>

namespace sekisho::services {

std::vector<AddressLease> read_leases(std::string_view text) {
    std::vector<AddressLease> leases;
    while (true) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) {
            break; // a line without its end may be cut off
        }
        const auto words = text::split(text.substr(0, end), ' ');
        text.remove_prefix(end + 1);
        if (words.size() != 5 || words[1].contains('-')) { // "06-…": not of Ethernet
            continue;
        }
        const auto mac = MacAddress::parse(words[1]);
        const auto address = IpAddress::parse(words[2]);
        if (mac && address && address->family() == Family::ipv4) {
            leases.push_back({*mac, *address});
        }
    }
    std::ranges::sort(leases);
    return leases;
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as dnsmasq's file of leases, and as a packet that claims an address: nothing is read that is not there.
#include "firmware/services/dhcp_leases.hpp"
#include "policy/ruleset/source_binding.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>

using namespace sekisho;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    const auto leases = services::read_leases(text);
    require(std::ranges::is_sorted(leases), "leases are in order");
    for (const services::AddressLease& lease : leases) {
        require(lease.address.family() == Family::ipv4, "a lease is of IPv4");
        require(text.contains(lease.address.text()), "an address stands in the file");
    }
    if (const auto address = ruleset::claimed_address({data, size})) {
        require(size >= 16, "an address is in the packet"); // where the source of IPv4 ends
        require(IpAddress::parse(address->text()).value() == *address, "an address has a text");
    }
    return 0;
}

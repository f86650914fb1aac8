// SPDX-License-Identifier: GPL-2.0-or-later
// What a DHCP server can make the lease client report, one word per line: what is taken leaves the inside alone.
#include "firmware/services/network_plan.hpp"
#include "policy/base/text.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>

using namespace sekisho;
using fuzz::require;

namespace {

model::Model clinic() {
    model::Model model;
    model.interfaces = {
        {.name = "wan0", .dhcp = true},
        {.name = "wan1"},
        {.name = "lan1",
         .addresses = {InterfaceAddress::parse("10.0.1.1/24").value(),
                       InterfaceAddress::parse("fd00:1::1/64").value()}},
    };
    model.zones = {{.name = "wan", .interfaces = {"wan0", "wan1"}}, {.name = "clinic", .interfaces = {"lan1"}}};
    return model;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const model::Model kModel = clinic();
    std::vector<std::string> words;
    for (const std::string_view word : text::split(fuzz::text_of(data, size), '\n')) {
        words.emplace_back(word);
    }
    const auto report = services::parse_lease_report(words);
    if (!report) {
        require(!report.error().message().empty(), "a refusal says why");
        return 0;
    }
    const auto lease = services::check_lease(*report, kModel);
    if (!lease) {
        return 0;
    }
    const ports::LeasedAddress& leased = lease->leased;
    const IpPrefix network = leased.address.network();
    require(leased.interface == "wan0", "only the interface with a client gets a lease");
    require(leased.address.address.family() == Family::ipv4, "DHCPv4");
    require(!leased.address.address.is_loopback() && !leased.address.address.is_multicast() &&
                !leased.address.address.is_unspecified(),
            "an address of a host");
    require(std::ranges::none_of(kModel.inside_networks(),
                                 [&](const IpPrefix& inside) { return inside.overlaps(network); }),
            "no overlap with the inside");
    if (leased.gateway) {
        require(network.contains(*leased.gateway) && *leased.gateway != leased.address.address,
                "the router is another host on the same link");
    }
    return 0;
}

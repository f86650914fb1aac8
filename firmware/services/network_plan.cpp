// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/network_plan.hpp"

#include "policy/base/text.hpp"

#include <array>
#include <bit>

namespace sekisho::services {

namespace {

constexpr unsigned kShortestMask = 8; ///< no network is wider than the largest that was ever handed out

Error lease_error(const LeaseReport& report, std::string cause) {
    return Error(Domain::network, text::concat("lease on ", text::escape_for_terminal(report.interface)),
                 std::move(cause));
}

/// "255.255.255.0" to 24; nothing for masks with holes.
std::optional<unsigned> mask_length(std::string_view mask) {
    const auto address = IpAddress::parse(mask);
    if (!address || address->family() != Family::ipv4) {
        return std::nullopt;
    }
    const std::uint32_t bits = address->to_v4();
    const auto length = static_cast<unsigned>(std::countl_one(bits));
    const bool contiguous = length == 32 || (bits << length) == 0;
    return contiguous ? std::optional(length) : std::nullopt;
}

/// Whether a host on the network can have the address: neither the network's own nor its broadcast address (RFC 3021:
/// both are hosts' on a /31), nor one of those that no host has anywhere.
bool is_host_address(const IpAddress& address, unsigned length) {
    const std::uint32_t bits = address.to_v4();
    const std::uint32_t host_bits = length >= 31 ? 0 : ~std::uint32_t{0} >> length;
    const bool is_edge = host_bits != 0 && ((bits & host_bits) == 0 || (bits & host_bits) == host_bits);
    return !is_edge && bits >= 0x0100'0000 && bits < 0xf000'0000 && !address.is_loopback() && !address.is_multicast();
}

Result<InterfaceAddress> leased_address(const LeaseReport& report) {
    const auto address = IpAddress::parse(report.address);
    if (!address || address->family() != Family::ipv4) {
        return std::unexpected(lease_error(report, "the address is no IPv4 address"));
    }
    const auto length = mask_length(report.mask);
    if (!length || *length < kShortestMask) {
        return std::unexpected(lease_error(report, "the network mask is not one of 8 to 32 bits"));
    }
    if (!is_host_address(*address, *length)) {
        return std::unexpected(lease_error(report, text::concat(address->text(), " is no host address")));
    }
    return InterfaceAddress{*address, *length};
}

} // namespace

Result<LeaseReport> parse_lease_report(std::span<const std::string> words) {
    LeaseReport report;
    if (words.empty()) {
        return std::unexpected(Error(Domain::argument, "lease-event", "names no event"));
    }
    static constexpr std::array<std::string_view, 5> kEvents{"bound", "renew", "deconfig", "leasefail", "nak"};
    for (const std::string_view known : kEvents) {
        if (words.front() == known) {
            report.event = known;
        }
    }
    if (report.event.empty()) {
        return std::unexpected(Error(Domain::argument, "lease-event", "unknown event"));
    }

    struct Key {
        std::string_view name;
        std::string LeaseReport::* member;
    };

    static constexpr std::array<Key, 5> kKeys{{{"interface", &LeaseReport::interface},
                                               {"ip", &LeaseReport::address},
                                               {"mask", &LeaseReport::mask},
                                               {"router", &LeaseReport::router},
                                               {"dns", &LeaseReport::name_servers}}};
    for (const std::string& word : words.subspan(1)) {
        const std::size_t equals = word.find('=');
        bool known = false;
        for (const Key& key : kKeys) {
            if (equals != std::string::npos && std::string_view(word).substr(0, equals) == key.name) {
                report.*key.member = word.substr(equals + 1);
                known = true;
            }
        }
        if (!known) {
            return std::unexpected(Error(Domain::argument, "lease-event",
                                         text::concat("unknown word '", text::escape_for_terminal(word), "'")));
        }
    }
    return report;
}

Result<Lease> check_lease(const LeaseReport& report, const model::Model& model) {
    const model::Interface* interface = model.find_interface(report.interface);
    if (interface == nullptr || !interface->dhcp) {
        return std::unexpected(lease_error(report, "no DHCP client is configured there"));
    }
    Lease lease;
    lease.leased.interface = interface->name;
    lease.leased.address = TRY(leased_address(report));
    const IpPrefix network = lease.leased.address.network();
    for (const IpPrefix& inside : model.inside_networks()) {
        if (network.overlaps(inside)) {
            return std::unexpected(lease_error(report, text::concat("the offered network ", network.text(),
                                                                    " overlaps the inside network ", inside.text())));
        }
    }
    const std::string_view first_router = text::split(report.router, ' ').front();
    if (!first_router.empty()) {
        const auto router = IpAddress::parse(first_router);
        if (!router || router->family() != Family::ipv4) {
            return std::unexpected(lease_error(report, "the router is no IPv4 address"));
        }
        if (!network.contains(*router)) {
            return std::unexpected(
                lease_error(report, text::concat("the router ", router->text(), " is not on the offered network ",
                                                 network.text())));
        }
        // the kernel takes no route over an address that is nobody's or the own one
        if (*router == lease.leased.address.address || !is_host_address(*router, lease.leased.address.length)) {
            return std::unexpected(
                lease_error(report, text::concat("the router ", router->text(), " is no other host's address on ",
                                                 network.text())));
        }
        lease.leased.gateway = *router;
    }
    for (const std::string_view server : text::split(report.name_servers, ' ')) {
        if (const auto address = IpAddress::parse(server); address && lease.name_servers.size() < 3) {
            lease.name_servers.push_back(*address);
        }
    }
    return lease;
}

} // namespace sekisho::services

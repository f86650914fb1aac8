// SPDX-License-Identifier: GPL-2.0-or-later
// Services against each other: what a sender addresses must belong to one of them, or their source lists would not be
// kept apart.
#include "policy/base/text.hpp"
#include "policy/model/building.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

namespace sekisho::model {

namespace {

/// What a sender addresses to reach a service. Over IPv6, a forwarded service is the inside host's own address.
struct Claim {
    Protocol protocol;
    Family family;
    IpAddress destination; ///< unspecified: the router's own addresses
    PortRange ports;
    std::size_t service;

    [[nodiscard]] auto target() const { return std::tie(protocol, family, destination); }
};

void claim(std::vector<Claim>& claims, const Service& service, std::size_t index, Family family,
           const IpAddress& destination, const std::vector<PortRange>& ports) {
    if (!has_ports(service.protocol)) {
        claims.push_back(
            {service.protocol, family, destination, {0, std::numeric_limits<std::uint16_t>::max()}, index});
        return;
    }
    for (const PortRange range : ports) {
        claims.push_back({service.protocol, family, destination, range, index});
    }
}

[[nodiscard]] std::vector<Claim> claims_of(const std::vector<Service>& services) {
    std::vector<Claim> claims;
    for (std::size_t index = 0; index < services.size(); ++index) {
        const Service& service = services[index];
        if (service.forward_v4 || !service.is_forwarded()) {
            claim(claims, service, index, Family::ipv4, {}, service.ports);
        }
        if (!service.is_forwarded()) {
            claim(claims, service, index, Family::ipv6, {}, service.ports);
        }
        if (service.forward_v6) {
            const std::vector<PortRange> inside =
                service.forward_port ? std::vector{PortRange{*service.forward_port, *service.forward_port}}
                                     : service.ports;
            claim(claims, service, index, Family::ipv6, *service.forward_v6, inside);
        }
    }
    std::sort(claims.begin(), claims.end(), [](const Claim& left, const Claim& right) {
        return std::tuple(left.target(), left.ports, left.service) <
               std::tuple(right.target(), right.ports, right.service);
    });
    return claims;
}

[[nodiscard]] std::string target_text(const Claim& claim) {
    std::string text(name_of(claim.protocol));
    if (has_ports(claim.protocol)) {
        text += text::concat(" port ", text::to_text(claim.ports.first));
    }
    if (claim.destination != IpAddress{}) {
        text += text::concat(" of ", claim.destination.text());
    }
    return text;
}

void report(Building& building, const Claim& one, const Claim& other) {
    const auto [first, second] = std::minmax(one.service, other.service);
    const Service& earlier = building.model.services[first];
    const Service& later = building.model.services[second];
    Claim shared = one;
    shared.ports.first = std::max(one.ports.first, other.ports.first);
    const std::string what = target_text(shared);
    building.diagnostics.error(
        later.place, text::concat("service ", later.name),
        text::concat(what, " already belongs to service ", earlier.name, " (", line_of(earlier.place), ")"),
        one.destination != IpAddress{}
            ? "over IPv6 both are the host's own address and port, and their source lists could not be kept apart: "
              "make them one service"
            : "what the sender addresses decides which service it is: choose another port, or make them one service");
}

} // namespace

void check_services(Building& building) {
    const std::vector<Claim> claims = claims_of(building.model.services);
    std::set<std::pair<std::size_t, std::size_t>> reported;
    const Claim* reaching = nullptr; // of the claims on this target so far, the one that goes furthest
    for (const Claim& next : claims) {
        if (reaching != nullptr && reaching->target() == next.target() && next.ports.first <= reaching->ports.last &&
            next.service != reaching->service) {
            if (reported.insert(std::minmax(next.service, reaching->service)).second) {
                report(building, *reaching, next);
            }
        }
        if (reaching == nullptr || reaching->target() != next.target() || reaching->ports.last < next.ports.last) {
            reaching = &next;
        }
    }
}

} // namespace sekisho::model

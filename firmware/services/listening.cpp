// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/listening.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <string>

namespace sekisho::services {

namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::uint16_t kDhcpServerPort = 67;
constexpr std::uint16_t kDhcpClientPort = 68;

bool serves(const model::Service& service, const ports::Listener& listener) {
    const auto protocol = listener.is_tcp ? model::Protocol::tcp : model::Protocol::udp;
    return !service.is_forwarded() && service.protocol == protocol &&
           std::ranges::any_of(service.ports, [&](const model::PortRange& range) {
               return range.first <= listener.port && listener.port <= range.last;
           });
}

/// What the configuration has the socket for; empty where it has not.
std::string purpose_of(const model::Model& model, const ports::Listener& listener) {
    const auto has = [&model](auto member) { return std::ranges::any_of(model.interfaces, member); };
    if (listener.is_own) {
        if (listener.is_tcp && !model.management.ssh_zones.empty() && listener.port == model.management.ssh_port) {
            return "SSH";
        }
        if (listener.port == kDnsPort && has([](const model::Interface& each) { return each.dns_forwarder; })) {
            return "DNS forwarder";
        }
        if (!listener.is_tcp && listener.port == kDhcpServerPort &&
            has([](const model::Interface& each) { return each.dhcp_server.has_value(); })) {
            return "DHCP server";
        }
        if (!listener.is_tcp && listener.port == kDhcpClientPort &&
            has([](const model::Interface& each) { return each.dhcp; })) {
            return "DHCP client";
        }
    }
    const auto service =
        std::ranges::find_if(model.services, [&](const model::Service& each) { return serves(each, listener); });
    return service != model.services.end() ? text::concat("service ", service->name) : std::string();
}

} // namespace

ports::Comparisons compare_listeners(const model::Model& model, std::span<const ports::Listener> listeners) {
    ports::Comparisons rows;
    for (const ports::Listener& listener : listeners) {
        std::string purpose = purpose_of(model, listener);
        if (purpose.empty() && listener.is_own && !listener.is_tcp) {
            continue; // asks a server and waits for the answer
        }
        const std::string item = text::concat("listening on ", listener.is_tcp ? "tcp" : "udp", " port ",
                                              text::to_text(std::uint64_t{listener.port}));
        const bool is_wanted = !purpose.empty();
        std::string expected = is_wanted ? purpose : ports::kNothing;
        std::string found = is_wanted                  ? std::move(purpose)
                            : listener.program.empty() ? std::string("a program that is not seen")
                                                       : listener.program;
        if (!std::ranges::contains(rows, item, &ports::Comparison::item)) {
            rows.push_back({item, std::move(expected), std::move(found)});
        }
    }
    if (rows.empty()) {
        rows.push_back({"listening", ports::kNothing, ports::kNothing});
    }
    return rows;
}

} // namespace sekisho::services

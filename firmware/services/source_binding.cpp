// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/source_binding.hpp"

#include "firmware/services/dhcp_server.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/source_binding.hpp"

#include <algorithm>
#include <iterator>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;
using ruleset::BindingReport;

constexpr std::uint64_t kPollMilliseconds = 1'000;
constexpr std::uint64_t kRenewalMilliseconds = 20'000; ///< two fit into a lease in the kernel, so that one may fail
constexpr std::size_t kMostLeaseBytes = 4u << 20;
constexpr std::int64_t kToldMicroseconds = 3'600'000'000;
constexpr std::size_t kMostTold = 4'096;

std::string_view sentence_of(BindingReport report) {
    switch (report) {
    case BindingReport::claimed:
        return "a device uses an address that is another's; its packets with it are dropped";
    case BindingReport::other_address:
        return "a device uses another address than those of its entry; its packets with it are dropped";
    case BindingReport::arp_sender:
        return "a device speaks in ARP for another hardware address; these packets are dropped";
    case BindingReport::dhcp_client:
        return "a device asks by DHCP for another device; these requests are dropped";
    case BindingReport::dhcp_server:
        return "a device answers like a DHCP server; its answers are dropped";
    case BindingReport::router_advertisement:
        return "a device advertises itself as a router; these advertisements are dropped";
    case BindingReport::unbound:
        return "a device uses an address that is neither in its entry nor leased to it by the router";
    }
    return {};
}

} // namespace

SourceBinding::SourceBinding(Ports ports, EventLog& log)
    : m_ports(ports),
      m_log(log),
      m_poll(ports.loop.make_timer([this] { check(); })),
      m_renewal(ports.loop.make_timer([this] { renew(); })) {}

void SourceBinding::follow(const model::Model& model) {
    m_policy = model.access;
    m_trouble.clear();
    const bool is_on = !model.access.ports.empty() && std::ranges::any_of(model.interfaces, [](const auto& interface) {
        return interface.dhcp_server.has_value();
    });
    if (is_on && !m_is_on) {
        m_poll->start_repeating(kPollMilliseconds);
        m_renewal->start_repeating(kRenewalMilliseconds);
    } else if (!is_on && m_is_on) {
        m_poll->stop();
        m_renewal->stop();
        if (auto released = m_ports.filter.release(m_leases); !released) {
            fail(released.error());
        }
        m_leases.clear();
        m_text.clear();
    }
    m_is_on = is_on;
    if (m_is_on) {
        check();
        renew();
    }
}

/// Nothing where the file is as it was, is not there, or is being written: dnsmasq writes it in its place.
std::optional<std::vector<AddressLease>> SourceBinding::read() {
    if (!m_ports.run_store.exists(kLeaseFile)) {
        return std::nullopt;
    }
    auto text = m_ports.run_store.read(kLeaseFile, kMostLeaseBytes);
    if (!text) {
        fail(text.error());
        return std::nullopt;
    }
    if (*text == m_text) {
        return std::nullopt;
    }
    const auto again = m_ports.run_store.read(kLeaseFile, kMostLeaseBytes);
    if (!again || *again != *text) {
        return std::nullopt;
    }
    m_text = *std::move(text);
    return read_leases(m_text);
}

void SourceBinding::check() {
    auto leases = read();
    if (!leases) {
        return;
    }
    std::vector<AddressLease> gone;
    std::ranges::set_difference(m_leases, *leases, std::back_inserter(gone));
    std::vector<AddressLease> fresh;
    std::ranges::set_difference(*leases, m_leases, std::back_inserter(fresh));
    m_leases = *std::move(leases);
    if (auto released = m_ports.filter.release(gone); !released) {
        fail(released.error());
    }
    put(fresh);
}

void SourceBinding::renew() {
    put(m_leases);
}

void SourceBinding::put(std::span<const AddressLease> leases) {
    if (leases.empty()) {
        return;
    }
    if (auto bound = m_ports.filter.bind(leases); !bound) {
        fail(bound.error());
    }
}

/// A device may use its address before its lease is in the kernel: the file is read anew, and its packets pass from now
/// on.
bool SourceBinding::has_lease(const MacAddress& mac, const IpAddress& address) {
    if (!m_is_on) {
        return false;
    }
    check();
    const AddressLease lease{mac, address};
    if (!std::ranges::binary_search(m_leases, lease)) {
        return false;
    }
    put({&lease, 1});
    return true;
}

/// A device without a lease goes on without one: of each of its addresses it is told once an hour.
bool SourceBinding::was_told(const events::LogRecord& record, const IpAddress& address) {
    const std::int64_t now = m_ports.clock.monotonic_microseconds();
    std::erase_if(m_told, [&](const auto& told) { return now - told.second >= kToldMicroseconds; });
    if (m_told.size() >= kMostTold) {
        m_told.clear(); // rather twice than not at all
    }
    return !m_told.try_emplace({record.ingress_interface, *record.source_mac, address}, now).second;
}

void SourceBinding::take(const events::LogRecord& record) {
    const auto report = ruleset::binding_report_of(record.prefix);
    if (!report || !record.source_mac) {
        return;
    }
    const auto address = ruleset::claimed_address(record.packet);
    if (*report == BindingReport::unbound && address &&
        (has_lease(*record.source_mac, *address) || was_told(record, *address))) {
        return;
    }
    Event event;
    event.set(Field::event_kind, ruleset::is_refusal(*report) ? "alert" : "event");
    event.set(Field::event_category, "network");
    event.set(Field::event_action, "source-binding");
    event.set(Field::event_outcome, "failure");
    event.set(Field::event_reason, std::string(ruleset::name_of(*report)));
    event.set(Field::interface_ingress, record.ingress_interface);
    event.set(Field::source_mac, record.source_mac->text());
    if (address) {
        event.set(Field::source_ip, address->text());
    }
    if (const model::Device* device = m_policy.find_device(*record.source_mac)) {
        event.set(Field::access_device, device->name);
    }
    event.set(Field::message, std::string(sentence_of(*report)));
    m_log.record(std::move(event));
}

/// Once for each trouble; a new configuration begins afresh.
void SourceBinding::fail(const Error& error) {
    std::string trouble = text::concat("leased addresses can't be bound to devices: ", error.message());
    if (trouble == m_trouble) {
        return;
    }
    Event event;
    event.set(Field::event_kind, "alert");
    event.set(Field::event_category, "host");
    event.set(Field::event_action, "port-access");
    event.set(Field::event_outcome, "failure");
    event.set(Field::message, trouble);
    m_log.record(std::move(event), Durability::immediate);
    m_trouble = std::move(trouble);
}

} // namespace sekisho::services

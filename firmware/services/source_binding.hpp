// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses of devices on guarded ports: the leases of the router's own DHCP server are put into the kernel, where they
// end by themselves when nobody renews them, and who uses an address that is not his is told of. What a device says in
// ARP or neighbour discovery never makes an address its own.
#pragma once

#include "firmware/ports/clock.hpp"
#include "firmware/ports/event_loop.hpp"
#include "firmware/ports/station_filter.hpp"
#include "firmware/ports/store.hpp"
#include "firmware/services/dhcp_leases.hpp"
#include "firmware/services/event_log.hpp"
#include "policy/events/record.hpp"
#include "policy/model/model.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sekisho::services {

class SourceBinding {
public:
    struct Ports {
        ports::StationFilter& filter;
        ports::EventLoop& loop;
        ports::Clock& clock;
        ports::Store& run_store;
    };

    SourceBinding(Ports ports, EventLog& log);

    void follow(const model::Model& model);

    /// That the router's own DHCP server gave, and that are in the kernel.
    [[nodiscard]] const std::vector<AddressLease>& leases() const noexcept { return m_leases; }

    /// A record that ruleset::binding_report_of() knows.
    void take(const events::LogRecord& record);

    /// Puts the leases that are there into the kernel anew, e.g. after its table was.
    void renew();

private:
    void check();
    std::optional<std::vector<AddressLease>> read();
    void put(std::span<const AddressLease> leases);
    bool was_told(const events::LogRecord& record, const IpAddress& address);
    bool has_lease(const MacAddress& mac, const IpAddress& address);
    void fail(const Error& error);

    Ports m_ports;
    EventLog& m_log;
    model::PortAccess m_policy;
    bool m_is_on = false;
    std::string m_text;                 ///< of the file of leases
    std::vector<AddressLease> m_leases; ///< that are in the kernel, sorted
    std::string m_trouble;

    struct Told {
        std::string port;
        MacAddress mac;
        IpAddress address;
        friend auto operator<=>(const Told&, const Told&) = default;
    };

    std::map<Told, std::int64_t> m_told; ///< of devices without lease: when, by the monotonic clock
    std::unique_ptr<ports::Timer> m_poll;
    std::unique_ptr<ports::Timer> m_renewal;
};

} // namespace sekisho::services

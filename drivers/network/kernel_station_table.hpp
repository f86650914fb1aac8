// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "drivers/network/netlink.hpp"
#include "drivers/system/event_loop.hpp"
#include "firmware/ports/station_table.hpp"

#include <map>
#include <memory>
#include <optional>

namespace sekisho::drivers {

/// Forwarding tables of the kernel's bridges, over rtnetlink, in the network namespace in which it is called.
class KernelStationTable final : public ports::StationTable {
public:
    /// The loop must outlive it.
    explicit KernelStationTable(UvEventLoop& loop) : m_loop(loop) {}

    Result<void> admit(const access::Station& station) override;
    Result<std::vector<access::Station>> renew(std::span<const access::Station> stations) override;
    Result<void> expel(const access::Station& station) override;
    Result<std::vector<access::Station>> stations() override;
    Result<void> set_flooding(const std::string& port, bool on) override;
    Result<std::vector<OwnLink>> links() override;
    Result<void> watch_links(std::function<void(const ports::LinkEvent&)> on_event) override;

private:
    struct LinkState {
        std::string name;
        bool has_carrier = false;
        std::uint32_t losses = 0; ///< of carrier, since there is the link
    };

    using LinkStates = std::map<int, LinkState>; ///< by index

    static Result<LinkStates> link_states();
    void look_at_links();

    UvEventLoop& m_loop;
    std::function<void(const ports::LinkEvent&)> m_on_event;
    std::optional<network::Connection> m_events;
    LinkStates m_links; ///< as last told
    std::unique_ptr<Watch> m_watch;
};

} // namespace sekisho::drivers

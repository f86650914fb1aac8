// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/network/kernel_station_table.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

namespace sekisho::drivers {

namespace {

using network::Attributes;
using network::Connection;
using network::Message;

constexpr std::uint32_t kLowerUp = 1u << 16; // IFF_LOWER_UP is in linux/if.h, which clashes with net/if.h

Result<int> index_of(const std::string& port) {
    const unsigned index = if_nametoindex(port.c_str());
    if (index == 0) {
        return std::unexpected(Error::from_errno(Domain::network, port, "is not there", ENODEV));
    }
    return static_cast<int>(index);
}

std::string place_of(const access::Station& station) {
    return station.port + " " + station.mac.text();
}

/// An entry that ages. A sticky one is not moved by a frame on another port.
Result<void> put_entry(Connection& connection, const access::Station& station, int flags, bool is_sticky) {
    ndmsg header{};
    header.ndm_family = PF_BRIDGE;
    header.ndm_ifindex = TRY(index_of(station.port));
    header.ndm_state = NUD_REACHABLE;
    header.ndm_flags = static_cast<std::uint8_t>(NTF_MASTER | (is_sticky ? NTF_STICKY : 0));
    Message message(RTM_NEWNEIGH, flags);
    message.header(header).put_bytes(NDA_LLADDR, station.mac.bytes);
    return connection.request(message, place_of(station));
}

/// The kernel counts an entry's age anew only where the entry changes; so it does, twice, and is as it was. Neither
/// step makes an entry that is not there.
Result<bool> refresh(Connection& connection, const access::Station& station) {
    for (const bool is_sticky : {false, true}) {
        if (auto put = put_entry(connection, station, NLM_F_REPLACE, is_sticky); !put) {
            if (put.error().number() == ENOENT || put.error().number() == ENODEV) {
                return false;
            }
            return std::unexpected(std::move(put).error());
        }
    }
    return true;
}

template <typename Header>
std::optional<Header> header_of(const nlmsghdr* message) {
    if (message->nlmsg_len < NLMSG_LENGTH(sizeof(Header))) {
        return std::nullopt;
    }
    Header header;
    std::memcpy(&header, NLMSG_DATA(message), sizeof header);
    return header;
}

std::optional<MacAddress> mac_in(std::span<const std::uint8_t> bytes) {
    MacAddress mac;
    if (bytes.size() != mac.bytes.size()) {
        return std::nullopt;
    }
    std::ranges::copy(bytes, mac.bytes.begin());
    return mac;
}

std::optional<ports::StationTable::Flooding> flooding_in(const Attributes& attributes) {
    std::size_t there = 0;
    std::size_t on = 0;
    for (const int kind : {IFLA_BRPORT_UNICAST_FLOOD, IFLA_BRPORT_MCAST_FLOOD, IFLA_BRPORT_BCAST_FLOOD}) {
        const auto bytes = attributes.nested_bytes(IFLA_LINKINFO, IFLA_INFO_SLAVE_DATA, kind);
        there += bytes.empty() ? 0 : 1;
        on += bytes.empty() || bytes[0] == 0 ? 0 : 1;
    }
    using enum ports::StationTable::Flooding;
    return there == 0 ? std::nullopt : std::optional(on == 0 ? none : on == there ? all : some);
}

} // namespace

Result<void> KernelStationTable::admit(const access::Station& station) {
    Connection connection = TRY(Connection::open());
    return put_entry(connection, station, NLM_F_CREATE | NLM_F_REPLACE, true);
}

Result<std::vector<access::Station>> KernelStationTable::renew(std::span<const access::Station> stations) {
    Connection connection = TRY(Connection::open());
    std::vector<access::Station> gone;
    for (const access::Station& station : stations) {
        if (!TRY(refresh(connection, station))) {
            gone.push_back(station);
        }
    }
    return gone;
}

Result<void> KernelStationTable::expel(const access::Station& station) {
    Connection connection = TRY(Connection::open());
    ndmsg header{};
    header.ndm_family = PF_BRIDGE;
    header.ndm_ifindex = static_cast<int>(if_nametoindex(station.port.c_str()));
    header.ndm_flags = NTF_MASTER;
    if (header.ndm_ifindex == 0) {
        return {}; // its entries went with it
    }
    Message message(RTM_DELNEIGH, 0);
    message.header(header).put_bytes(NDA_LLADDR, station.mac.bytes);
    auto removed = connection.request(message, place_of(station));
    if (!removed && removed.error().number() == ENOENT) {
        return {};
    }
    return removed;
}

Result<std::vector<access::Station>> KernelStationTable::stations() {
    Connection connection = TRY(Connection::open());
    std::vector<access::Station> stations;
    TRY(connection.dump(
        RTM_GETNEIGH, PF_BRIDGE, [&] { stations.clear(); },
        [&](nlmsghdr* message) {
            const auto header = header_of<ndmsg>(message);
            if (!header || (header->ndm_flags & NTF_STICKY) == 0 || (header->ndm_state & NUD_REACHABLE) == 0) {
                return;
            }
            std::array<char, IF_NAMESIZE> name{};
            const auto mac = mac_in(Attributes(message, sizeof *header).bytes(NDA_LLADDR));
            if (mac && if_indextoname(static_cast<unsigned>(header->ndm_ifindex), name.data()) != nullptr) {
                stations.push_back({name.data(), *mac});
            }
        }));
    return stations;
}

Result<void> KernelStationTable::set_flooding(const std::string& port, bool on) {
    Connection connection = TRY(Connection::open());
    ifinfomsg header{};
    header.ifi_index = TRY(index_of(port));
    Message message(RTM_NEWLINK, 0);
    message.header(header);
    nlattr* information = message.begin(IFLA_LINKINFO);
    message.put_text(IFLA_INFO_SLAVE_KIND, "bridge");
    nlattr* data = message.begin(IFLA_INFO_SLAVE_DATA);
    for (const int flood : {IFLA_BRPORT_UNICAST_FLOOD, IFLA_BRPORT_MCAST_FLOOD, IFLA_BRPORT_BCAST_FLOOD}) {
        message.put_byte(flood, on ? 1 : 0);
    }
    message.end(data);
    message.end(information);
    return connection.request(message, port);
}

Result<std::vector<ports::StationTable::OwnLink>> KernelStationTable::links() {
    Connection connection = TRY(Connection::open());
    std::vector<OwnLink> links;
    TRY(connection.dump(
        RTM_GETLINK, AF_UNSPEC, [&] { links.clear(); },
        [&](nlmsghdr* message) {
            const auto header = header_of<ifinfomsg>(message);
            if (!header) {
                return;
            }
            const Attributes attributes(message, sizeof *header);
            OwnLink link{
                attributes.text(IFLA_IFNAME), (header->ifi_flags & kLowerUp) != 0, {}, flooding_in(attributes)};
            for (const int attribute : {IFLA_ADDRESS, IFLA_PERM_ADDRESS}) {
                if (const auto mac = mac_in(attributes.bytes(attribute))) {
                    link.addresses.push_back(*mac);
                }
            }
            links.push_back(std::move(link));
        }));
    return links;
}

// ---- links

Result<KernelStationTable::LinkStates> KernelStationTable::link_states() {
    Connection connection = TRY(Connection::open());
    LinkStates links;
    TRY(connection.dump(
        RTM_GETLINK, AF_UNSPEC, [&] { links.clear(); },
        [&](nlmsghdr* message) {
            if (const auto header = header_of<ifinfomsg>(message)) {
                const Attributes attributes(message, sizeof *header);
                links[header->ifi_index] = {attributes.text(IFLA_IFNAME), (header->ifi_flags & kLowerUp) != 0,
                                            attributes.number(IFLA_CARRIER_DOWN_COUNT)};
            }
        }));
    return links;
}

/// Counters of the kernel say what happened between two looks: messages may be lost, and a short loss gives none.
void KernelStationTable::look_at_links() {
    auto links = link_states();
    if (!links) {
        return; // the next event looks again; the entries of a port without a link are gone in any case
    }
    const LinkStates before = std::exchange(m_links, *std::move(links));
    for (const auto& [index, link] : before) {
        if (!m_links.contains(index)) {
            m_on_event({link.name, false, true});
        }
    }
    for (const auto& [index, link] : m_links) {
        const auto former = before.find(index);
        const bool is_new = former == before.end() || former->second.name != link.name;
        const bool was_lost = !is_new && former->second.losses != link.losses;
        if (is_new || was_lost || former->second.has_carrier != link.has_carrier) {
            m_on_event({link.name, link.has_carrier, was_lost || !link.has_carrier});
        }
    }
}

Result<void> KernelStationTable::watch_links(std::function<void(const ports::LinkEvent&)> on_event) {
    static constexpr std::array<int, 1> kGroups{RTNLGRP_LINK};
    m_watch.reset();
    Connection events = TRY(Connection::open());
    TRY(events.subscribe(kGroups));
    m_events.emplace(std::move(events));
    m_on_event = std::move(on_event);
    m_links = TRY(link_states());
    m_watch = m_loop.watch_readable(m_events->descriptor(), [this] {
        if (m_events->drain()) {
            look_at_links();
        }
    });
    if (m_watch == nullptr) {
        return std::unexpected(Error(Domain::network, "netlink", "links can't be watched"));
    }
    return {};
}

} // namespace sekisho::drivers

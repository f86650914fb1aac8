// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/nft_station_filter.hpp"

#include "drivers/netfilter/nft_command.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include <endian.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>

namespace sekisho::drivers {

namespace {

/// Of one transaction: each is three messages.
constexpr std::size_t kLeasesPerBatch = 500;

/// As nft lays out `ifname`: with zeros behind it.
std::vector<std::uint8_t> key_of(const std::string& port) {
    std::vector<std::uint8_t> key(IFNAMSIZ);
    std::copy_n(port.begin(), std::min<std::size_t>(port.size(), IFNAMSIZ - 1), key.begin());
    return key;
}

/// And `ifname . ether_addr`: the address filled up to a register's end.
std::vector<std::uint8_t> key_of(const access::Station& station) {
    std::vector<std::uint8_t> key = key_of(station.port);
    key.insert(key.end(), station.mac.bytes.begin(), station.mac.bytes.end());
    key.resize(IFNAMSIZ + 8);
    return key;
}

/// And `ether_addr . ipv4_addr`.
std::vector<std::uint8_t> key_of(const ports::StationFilter::AddressLease& lease) {
    std::vector<std::uint8_t> key(lease.mac.bytes.begin(), lease.mac.bytes.end());
    key.resize(8);
    const auto address = lease.address.bytes();
    key.insert(key.end(), address.begin(), address.end());
    return key;
}

std::string place_of(const access::Station& station) {
    return station.port + " " + station.mac.text();
}

/// One element in a message of its own, so that a refusal names what it is about.
class ElementMessage {
public:
    ElementMessage(nlmsghdr* message, std::string_view set, const std::vector<std::uint8_t>& key) : m_message(message) {
        static_cast<nfgenmsg*>(mnl_nlmsg_get_payload(message))->nfgen_family = NFPROTO_NETDEV;
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, std::string(ruleset::kStationTable).c_str());
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, std::string(set).c_str());
        m_list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
        m_element = mnl_attr_nest_start(message, 1);
        put_value(NFTA_SET_ELEM_KEY, key.data(), key.size());
    }

    /// A mark is in the machine's byte order.
    void put_role(std::uint32_t role) { put_value(NFTA_SET_ELEM_DATA, &role, sizeof role); }

    void put_lease() {
        mnl_attr_put_u64(m_message, NFTA_SET_ELEM_TIMEOUT, htobe64(std::uint64_t{ruleset::kRoleLeaseSeconds} * 1000));
    }

    void finish() {
        mnl_attr_nest_end(m_message, m_element);
        mnl_attr_nest_end(m_message, m_list);
    }

private:
    void put_value(std::uint16_t attribute, const void* bytes, std::size_t size) {
        nlattr* const value = mnl_attr_nest_start(m_message, attribute);
        mnl_attr_put(m_message, NFTA_DATA_VALUE, size, bytes);
        mnl_attr_nest_end(m_message, value);
    }

    nlmsghdr* m_message;
    nlattr* m_list = nullptr;
    nlattr* m_element = nullptr;
};

void add_removal(NetlinkBatch& batch, std::string_view set, const std::vector<std::uint8_t>& key, std::string place) {
    batch.add(NFT_MSG_DESTROYSETELEM, 0, std::move(place),
              [&](nlmsghdr* message) { ElementMessage(message, set, key).finish(); });
}

void add_lease(NetlinkBatch& batch, const ports::StationFilter::Lease& lease) {
    const std::string place = place_of(lease.station);
    add_removal(batch, ruleset::kRoleMap, key_of(lease.station), place); // an element keeps the role that it has
    batch.add(NFT_MSG_NEWSETELEM, NLM_F_CREATE, place, [&](nlmsghdr* message) {
        ElementMessage element(message, ruleset::kRoleMap, key_of(lease.station));
        element.put_role(lease.role);
        element.put_lease();
        element.finish();
    });
    batch.add(NFT_MSG_NEWSETELEM, NLM_F_CREATE, place, [&](nlmsghdr* message) {
        ElementMessage element(message, ruleset::kLivelySet, key_of(lease.station.port));
        element.put_lease();
        element.finish();
    });
}

/// What an element of the map has counted.
std::uint64_t packets_of(nftnl_set_elem* element) {
    std::uint64_t packets = 0;
    nftnl_set_elem_expr_foreach(
        element,
        [](nftnl_expr* expression, void* sum) {
            if (nftnl_expr_get_str(expression, NFTNL_EXPR_NAME) == std::string_view("counter")) {
                *static_cast<std::uint64_t*>(sum) += nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_PACKETS);
            }
            return 0;
        },
        &packets);
    return packets;
}

std::optional<access::Station> station_of(nftnl_set_elem* element) {
    std::uint32_t size = 0;
    const auto* key = static_cast<const std::uint8_t*>(nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &size));
    access::Station station;
    if (key == nullptr || size < IFNAMSIZ + station.mac.bytes.size()) {
        return std::nullopt;
    }
    const std::uint8_t* const name_end = std::find(key, key + IFNAMSIZ, std::uint8_t{0});
    station.port.assign(key, name_end);
    std::copy_n(key + IFNAMSIZ, station.mac.bytes.size(), station.mac.bytes.begin());
    return station;
}

void add_binding(NetlinkBatch& batch, const ports::StationFilter::AddressLease& lease, std::string place) {
    batch.add(NFT_MSG_NEWSETELEM, NLM_F_CREATE, std::move(place), [&](nlmsghdr* message) {
        ElementMessage element(message, ruleset::kLeasedSet, key_of(lease));
        element.put_lease();
        element.finish();
    });
}

/// Without ports there is no table, and nobody to bind.
Result<void> unless_absent(Result<void> done) {
    return !done && done.error().number() == ENOENT ? Result<void>{} : done;
}

Result<void> run(const std::string& text) {
    const NftOutcome outcome = TRY(run_nft(text));
    switch (outcome.kind) {
    case NftOutcome::Kind::accepted:
        return {};
    case NftOutcome::Kind::refused:
        return std::unexpected(error_from_report(text, outcome.report));
    case NftOutcome::Kind::unknown:
        break;
    }
    return std::unexpected(Error(Domain::kernel, "nft", outcome.report));
}

} // namespace

Result<std::unique_ptr<NftStationFilter>> NftStationFilter::create() {
    Netlink netlink = TRY(Netlink::open());
    return std::unique_ptr<NftStationFilter>(new NftStationFilter(std::move(netlink)));
}

Result<void> NftStationFilter::install(const ruleset::StationFilter& filter) {
    return run_and_record(ruleset::station_filter_text(filter), filter);
}

Result<void> NftStationFilter::install_anew(const ruleset::StationFilter& filter) {
    const std::string removal = text::concat("destroy table netdev ", ruleset::kStationTable, "\n");
    return run_and_record(removal + ruleset::station_filter_text(filter), filter);
}

Result<void> NftStationFilter::run_and_record(const std::string& text, const ruleset::StationFilter& filter) {
    m_record = TRY(record_after([&] { return run(text); }, m_netlink, NFPROTO_NETDEV, ruleset::kStationTable,
                                SetElements::recorded));
    const bool wants_table = !filter.locked.empty() || !filter.open.empty();
    if (m_record && m_record->is_there != wants_table) {
        m_record.reset(); // there was nothing to take away, and somebody made one
    }
    return {};
}

Result<ports::Comparisons> NftStationFilter::compare() {
    return drivers::compare(
        m_record, TRY(record_table(m_netlink, NFPROTO_NETDEV, ruleset::kStationTable, SetElements::recorded)));
}

Result<void> NftStationFilter::put(std::span<const Lease> leases) {
    while (!leases.empty()) {
        const auto part = leases.first(std::min(leases.size(), kLeasesPerBatch));
        leases = leases.subspan(part.size());
        NetlinkBatch batch;
        for (const Lease& lease : part) {
            add_lease(batch, lease);
        }
        TRY(m_netlink.commit(std::move(batch)));
    }
    return {};
}

Result<std::vector<access::Station>> NftStationFilter::heard() {
    std::vector<access::Station> heard;
    auto listed = m_netlink.request(
        NFT_MSG_GETSETELEM, RequestKind::dump, std::string(ruleset::kRoleMap),
        [](nlmsghdr* message) {
            static_cast<nfgenmsg*>(mnl_nlmsg_get_payload(message))->nfgen_family = NFPROTO_NETDEV;
            mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, std::string(ruleset::kStationTable).c_str());
            mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, std::string(ruleset::kRoleMap).c_str());
        },
        [&](const nlmsghdr* reply) {
            const std::unique_ptr<nftnl_set, void (*)(const nftnl_set*)> map(nftnl_set_alloc(), nftnl_set_free);
            if (nftnl_set_elems_nlmsg_parse(reply, map.get()) != 0) {
                return;
            }
            nftnl_set_elem_foreach(
                map.get(),
                [](nftnl_set_elem* element, void* into) {
                    if (auto station = station_of(element); station && packets_of(element) > 0) {
                        static_cast<std::vector<access::Station>*>(into)->push_back(*std::move(station));
                    }
                    return 0;
                },
                &heard);
        },
        [&] { heard.clear(); });
    if (!listed && listed.error().number() != ENOENT) {
        return std::unexpected(std::move(listed).error());
    }
    return heard;
}

Result<void> NftStationFilter::remove(const access::Station& station) {
    NetlinkBatch batch;
    add_removal(batch, ruleset::kRoleMap, key_of(station), place_of(station));
    return m_netlink.commit(std::move(batch));
}

Result<void> NftStationFilter::close(const std::string& port) {
    NetlinkBatch batch;
    add_removal(batch, ruleset::kLivelySet, key_of(port), port);
    return m_netlink.commit(std::move(batch));
}

Result<void> NftStationFilter::bind(std::span<const AddressLease> leases) {
    while (!leases.empty()) {
        const auto part = leases.first(std::min(leases.size(), kLeasesPerBatch));
        leases = leases.subspan(part.size());
        NetlinkBatch batch;
        for (const AddressLease& lease : part) {
            const std::string place = text::concat(lease.mac.text(), " ", lease.address.text());
            add_removal(batch, ruleset::kLeasedSet, key_of(lease), place); // an element keeps the time that it has
            add_binding(batch, lease, place);
        }
        TRY(unless_absent(m_netlink.commit(std::move(batch))));
    }
    return {};
}

Result<void> NftStationFilter::release(std::span<const AddressLease> leases) {
    NetlinkBatch batch;
    for (const AddressLease& lease : leases) {
        add_removal(batch, ruleset::kLeasedSet, key_of(lease),
                    text::concat(lease.mac.text(), " ", lease.address.text()));
    }
    return leases.empty() ? Result<void>{} : unless_absent(m_netlink.commit(std::move(batch)));
}

} // namespace sekisho::drivers

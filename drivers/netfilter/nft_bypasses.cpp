// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/nft_bypasses.hpp"

#include "drivers/netfilter/nft_attributes.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/renderer.hpp"
#include "policy/ruleset/station_filter.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

namespace sekisho::drivers {

namespace {

struct Place {
    std::uint8_t family = 0;
    std::string table;
    friend auto operator<=>(const Place&, const Place&) = default;
};

struct Flowtable {
    Place place;
    std::string name;
};

struct Found {
    std::map<Place, std::set<std::string>> tables; ///< what their rules do
    std::vector<Flowtable> flowtables;
};

std::string_view family_name(std::uint8_t family) {
    switch (family) {
    case NFPROTO_INET:
        return "inet";
    case NFPROTO_IPV4:
        return "ip";
    case NFPROTO_IPV6:
        return "ip6";
    case NFPROTO_ARP:
        return "arp";
    case NFPROTO_BRIDGE:
        return "bridge";
    case NFPROTO_NETDEV:
        return "netdev";
    default:
        return "unknown";
    }
}

std::string item_of(const Place& place) {
    return text::concat("foreign table ", family_name(place.family), " ", place.table);
}

std::string item_of(const Flowtable& flowtable) {
    return text::concat("flowtable ", flowtable.name, " of ", family_name(flowtable.place.family), " ",
                        flowtable.place.table);
}

bool is_ours(const Place& place) {
    return (place.family == NFPROTO_INET && place.table == ruleset::kTable) ||
           (place.family == NFPROTO_NETDEV && place.table == ruleset::kStationTable);
}

/// An expression, and the attribute with which it writes instead of reading; 0 where it does something in any case.
struct Effect {
    std::string_view expression;
    std::uint16_t writes;
    std::string_view what;
};

constexpr Effect kEffects[] = {
    {"nat", 0, "NAT"},
    {"masq", 0, "NAT"},
    {"redir", 0, "NAT"},
    {"tproxy", 0, "tproxy"},
    {"notrack", 0, "notrack"},
    {"queue", 0, "queue"},
    {"flow_offload", 0, "flowtable"},
    {"fwd", 0, "forwarding"},
    {"dup", 0, "duplication"},
    {"synproxy", 0, "synproxy"},
    {"meta", NFTA_META_SREG, "marks"},
    {"ct", NFTA_CT_SREG, "marks of connections"},
    {"payload", NFTA_PAYLOAD_SREG, "changed packets"},
    {"exthdr", NFTA_EXTHDR_SREG, "changed packets"},
    {"target", 0, "targets of iptables"},
};

/// Targets of iptables that only judge or log.
constexpr std::array<std::string_view, 7> kHarmlessTargets{"LOG",  "NFLOG", "REJECT", "ACCEPT",
                                                           "DROP", "TRACE", "AUDIT"};

std::optional<std::string_view> effect_of(const nlattr* element) {
    const NftAttributes<NFTA_EXPR_MAX + 1> expression(element);
    const std::string_view name = expression.text(NFTA_EXPR_NAME);
    const auto* const effect = std::ranges::find(kEffects, name, &Effect::expression);
    if (effect == std::end(kEffects)) {
        return std::nullopt;
    }
    const NftAttributes<32> data(expression[NFTA_EXPR_DATA]);
    if (effect->writes != 0 && data[effect->writes] == nullptr) {
        return std::nullopt;
    }
    if (name == "target" && std::ranges::contains(kHarmlessTargets, data.text(NFTA_TARGET_NAME))) {
        return std::nullopt;
    }
    return effect->what;
}

Place place_of(const nlmsghdr* reply, std::string_view table) {
    return {static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(reply))->nfgen_family, std::string(table)};
}

/// A list of all families.
Result<void> list(Netlink& netlink, std::uint16_t type, const std::function<void()>& on_restart,
                  const std::function<void(const nlmsghdr*)>& on_message) {
    return netlink.request(
        type, RequestKind::dump, "foreign tables",
        [](nlmsghdr* message) {
            static_cast<nfgenmsg*>(mnl_nlmsg_get_payload(message))->nfgen_family = NFPROTO_UNSPEC;
        },
        on_message, on_restart);
}

Result<Found> look(Netlink& netlink) {
    Found found;
    TRY(list(
        netlink, NFT_MSG_GETRULE, [&] { found.tables.clear(); },
        [&](const nlmsghdr* reply) {
            const NftAttributes<NFTA_RULE_MAX + 1> rule(reply);
            const Place place = place_of(reply, rule.text(NFTA_RULE_TABLE));
            if (is_ours(place)) {
                return; // its rules are compared one by one
            }
            for_each_nested(rule[NFTA_RULE_EXPRESSIONS], [&](const nlattr* element) {
                if (const auto effect = effect_of(element)) {
                    found.tables[place].emplace(*effect);
                }
            });
        }));
    TRY(list(
        netlink, NFT_MSG_GETFLOWTABLE, [&] { found.flowtables.clear(); },
        [&](const nlmsghdr* reply) {
            const NftAttributes<NFTA_FLOWTABLE_MAX + 1> flowtable(reply);
            found.flowtables.push_back({place_of(reply, flowtable.text(NFTA_FLOWTABLE_TABLE)),
                                        std::string(flowtable.text(NFTA_FLOWTABLE_NAME))});
        }));
    return found;
}

Result<void> unless_gone(Result<void> done) {
    return !done && done.error().number() == ENOENT ? Result<void>{} : done;
}

/// A message that names a table, and what else it is about.
Result<void> remove(Netlink& netlink, std::uint16_t type, const Place& place, std::string about,
                    const std::function<void(nlmsghdr*)>& write_rest) {
    NetlinkBatch batch;
    batch.add(type, 0, std::move(about), [&](nlmsghdr* message) {
        static_cast<nfgenmsg*>(mnl_nlmsg_get_payload(message))->nfgen_family = place.family;
        static_assert(static_cast<int>(NFTA_TABLE_NAME) == static_cast<int>(NFTA_FLOWTABLE_TABLE));
        mnl_attr_put_strz(message, NFTA_TABLE_NAME, place.table.c_str());
        write_rest(message);
    });
    return unless_gone(netlink.commit(std::move(batch)));
}

} // namespace

Result<std::unique_ptr<NftBypasses>> NftBypasses::create() {
    Netlink netlink = TRY(Netlink::open());
    return std::unique_ptr<NftBypasses>(new NftBypasses(std::move(netlink)));
}

Result<ports::Comparisons> NftBypasses::compare() {
    const Found found = TRY(look(m_netlink));
    ports::Comparisons rows;
    for (const auto& [place, effects] : found.tables) {
        rows.push_back({item_of(place), ports::kNothing, text::join({effects.begin(), effects.end()}, ", ")});
    }
    if (found.tables.empty()) {
        rows.push_back({"NAT, notrack, queue and the like in foreign tables", ports::kNothing, ports::kNothing});
    }
    for (const Flowtable& flowtable : found.flowtables) {
        rows.push_back({item_of(flowtable), ports::kNothing, "there"});
    }
    if (found.flowtables.empty()) {
        rows.push_back({"flowtables", ports::kNothing, ports::kNothing});
    }
    return rows;
}

Result<void> NftBypasses::remove() {
    Found found = TRY(look(m_netlink));
    Result<void> done;
    const auto note = [&done](Result<void> removed) { done = done ? std::move(removed) : std::move(done); };
    for (const Flowtable& flowtable : found.flowtables) {
        if (is_ours(flowtable.place)) {
            note(drivers::remove(
                m_netlink, NFT_MSG_DELFLOWTABLE, flowtable.place, item_of(flowtable),
                [&](nlmsghdr* message) { mnl_attr_put_strz(message, NFTA_FLOWTABLE_NAME, flowtable.name.c_str()); }));
        } else {
            found.tables.try_emplace(flowtable.place);
        }
    }
    for (const auto& [place, effects] : found.tables) {
        note(drivers::remove(m_netlink, NFT_MSG_DELTABLE, place, item_of(place), [](nlmsghdr*) {}));
    }
    return done;
}

} // namespace sekisho::drivers

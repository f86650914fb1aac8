// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/nft_table.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

namespace sekisho::drivers {

namespace {

// One owner per libnftnl type. Allocation fails only when memory is at its end, where nothing but ending helps.
template <typename Object, Object* (*kMake)(), void (*kFree)(const Object*)>
struct Owned {
    struct Deleter {
        void operator()(Object* object) const noexcept { kFree(object); }
    };

    std::unique_ptr<Object, Deleter> object{kMake()};

    Object* get() const noexcept { return object.get(); }
};

using OwnedChain = Owned<nftnl_chain, nftnl_chain_alloc, nftnl_chain_free>;
using OwnedObject = Owned<nftnl_obj, nftnl_obj_alloc, nftnl_obj_free>;
using OwnedSet = Owned<nftnl_set, nftnl_set_alloc, nftnl_set_free>;

const std::string kTableName(ruleset::kTable);

/// A dump in which an absent table is an empty one.
Result<void> dump(Netlink& netlink, std::uint16_t type, const std::string& place,
                  const std::function<void(nlmsghdr*)>& write_payload,
                  const std::function<void(const nlmsghdr*)>& on_message, const std::function<void()>& on_restart) {
    auto listed = netlink.request(type, RequestKind::dump, place, write_payload, on_message, on_restart);
    if (!listed && listed.error().number() == ENOENT) {
        on_restart();
        return {};
    }
    return listed;
}

struct ListedChain {
    std::string name;
    bool is_base = false;
};

Result<std::vector<ListedChain>> list_chains(Netlink& netlink) {
    std::vector<ListedChain> chains;
    // the kernel ignores a table's name in this dump
    TRY(dump(
        netlink, NFT_MSG_GETCHAIN, "chains", [](nlmsghdr*) {},
        [&](const nlmsghdr* reply) {
            const OwnedChain chain;
            if (nftnl_chain_nlmsg_parse(reply, chain.get()) == 0 &&
                nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_FAMILY) == NFPROTO_INET &&
                kTableName == nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_TABLE)) {
                chains.push_back({.name = nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_NAME),
                                  .is_base = nftnl_chain_is_set(chain.get(), NFTNL_CHAIN_HOOKNUM)});
            }
        },
        [&] { chains.clear(); }));
    return chains;
}

Result<void> list_sets(Netlink& netlink, ruleset::TableObjects& objects) {
    return dump(
        netlink, NFT_MSG_GETSET, "sets",
        [](nlmsghdr* message) {
            const OwnedSet wanted;
            nftnl_set_set_str(wanted.get(), NFTNL_SET_TABLE, kTableName.c_str());
            nftnl_set_nlmsg_build_payload(message, wanted.get());
        },
        [&](const nlmsghdr* reply) {
            const OwnedSet set;
            if (nftnl_set_nlmsg_parse(reply, set.get()) != 0) {
                return;
            }
            const std::uint32_t flags = nftnl_set_get_u32(set.get(), NFTNL_SET_FLAGS);
            if ((flags & NFT_SET_ANONYMOUS) == 0) {
                ((flags & NFT_SET_MAP) != 0 ? objects.maps : objects.sets)
                    .emplace_back(nftnl_set_get_str(set.get(), NFTNL_SET_NAME));
            }
        },
        [&] {
            objects.sets.clear();
            objects.maps.clear();
        });
}

template <typename Names>
std::vector<std::string> names_of(const Names& items, std::string Names::value_type::* name) {
    std::vector<std::string> names;
    std::ranges::transform(items, std::back_inserter(names), name);
    return names;
}

} // namespace

Result<ruleset::TableObjects> list_table(Netlink& netlink) {
    ruleset::TableObjects objects;
    objects.chains = names_of(TRY(list_chains(netlink)), &ListedChain::name);
    objects.counters = names_of(TRY(list_counters(netlink)), &ports::CounterReading::id);
    TRY(list_sets(netlink, objects));
    return objects;
}

Result<std::vector<std::string>> devices_of_chain(Netlink& netlink, const std::string& name) {
    std::vector<std::string> devices;
    auto found = netlink.request(
        NFT_MSG_GETCHAIN, RequestKind::look_up, text::concat("chain ", name),
        [&](nlmsghdr* message) {
            const OwnedChain wanted;
            nftnl_chain_set_str(wanted.get(), NFTNL_CHAIN_TABLE, kTableName.c_str());
            nftnl_chain_set_str(wanted.get(), NFTNL_CHAIN_NAME, name.c_str());
            nftnl_chain_nlmsg_build_payload(message, wanted.get());
        },
        [&](const nlmsghdr* reply) {
            const OwnedChain chain;
            if (nftnl_chain_nlmsg_parse(reply, chain.get()) != 0) {
                return;
            }
            // one device has an attribute of its own
            if (nftnl_chain_is_set(chain.get(), NFTNL_CHAIN_DEVICES)) {
                const auto* const* each =
                    static_cast<const char* const*>(nftnl_chain_get(chain.get(), NFTNL_CHAIN_DEVICES));
                for (; each != nullptr && *each != nullptr; ++each) {
                    devices.emplace_back(*each);
                }
            } else if (nftnl_chain_is_set(chain.get(), NFTNL_CHAIN_DEV)) {
                devices.emplace_back(nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_DEV));
            }
        },
        [&] { devices.clear(); });
    if (!found && found.error().number() != ENOENT) {
        return std::unexpected(std::move(found).error());
    }
    std::ranges::sort(devices);
    devices.erase(std::ranges::unique(devices).begin(), devices.end());
    return devices;
}

Result<bool> has_base_chain(Netlink& netlink) {
    return std::ranges::any_of(TRY(list_chains(netlink)), &ListedChain::is_base);
}

Result<std::vector<ports::CounterReading>> list_counters(Netlink& netlink) {
    std::vector<ports::CounterReading> counters;
    TRY(dump(
        netlink, NFT_MSG_GETOBJ, "counters",
        [](nlmsghdr* message) {
            const OwnedObject wanted;
            nftnl_obj_set_str(wanted.get(), NFTNL_OBJ_TABLE, kTableName.c_str());
            nftnl_obj_set_u32(wanted.get(), NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
            nftnl_obj_nlmsg_build_payload(message, wanted.get());
        },
        [&](const nlmsghdr* reply) {
            const OwnedObject counter;
            if (nftnl_obj_nlmsg_parse(reply, counter.get()) == 0 &&
                nftnl_obj_get_u32(counter.get(), NFTNL_OBJ_TYPE) == NFT_OBJECT_COUNTER &&
                kTableName == nftnl_obj_get_str(counter.get(), NFTNL_OBJ_TABLE)) {
                counters.push_back({.id = nftnl_obj_get_str(counter.get(), NFTNL_OBJ_NAME),
                                    .packets = nftnl_obj_get_u64(counter.get(), NFTNL_OBJ_CTR_PKTS),
                                    .bytes = nftnl_obj_get_u64(counter.get(), NFTNL_OBJ_CTR_BYTES)});
            }
        },
        [&] { counters.clear(); }));
    return counters;
}

Result<Removal> remove_set(Netlink& netlink, const std::string& name) {
    NetlinkBatch batch;
    batch.add(NFT_MSG_DELSET, 0, name, [&](nlmsghdr* message) {
        const OwnedSet set;
        nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, kTableName.c_str());
        nftnl_set_set_str(set.get(), NFTNL_SET_NAME, name.c_str());
        nftnl_set_nlmsg_build_payload(message, set.get());
    });
    auto removed = netlink.commit(std::move(batch));
    if (removed || removed.error().number() == ENOENT) {
        return Removal::removed;
    }
    if (removed.error().number() == EBUSY) {
        return Removal::in_use;
    }
    return std::unexpected(std::move(removed).error().in("delete set"));
}

} // namespace sekisho::drivers

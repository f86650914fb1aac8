// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/nft_record.hpp"

#include "drivers/netfilter/nft_attributes.hpp"
#include "policy/base/sha256.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <span>
#include <string_view>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

namespace sekisho::drivers {

namespace {

constexpr std::uint8_t kCommentType = 0; ///< of nft's user data of a rule (libnftnl/udata.h)

/// NFTA_SET_COUNT, of kernels that are newer than the header: how many elements a set has.
constexpr std::size_t kSetCount = 20;

std::span<const std::uint8_t> payload_of(const nlattr* attribute) {
    if (attribute == nullptr) {
        return {};
    }
    return {static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute)};
}

/// With its length in front, so that what follows can't be taken for a part of it.
void add(Sha256& hash, std::span<const std::uint8_t> bytes) {
    hash.update(text::concat(text::to_text(bytes.size()), ":"));
    hash.update(bytes);
}

void add(Sha256& hash, std::string_view text) {
    add(hash, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

/// Whether the kernel's description of the expression holds what packets change.
bool counts_packets(std::string_view expression) {
    return expression == "counter" || expression == "quota" || expression == "last";
}

Digest digest_of_expressions(const nlattr* list) {
    Sha256 hash;
    for_each_nested(list, [&hash](const nlattr* element) {
        const NftAttributes<NFTA_EXPR_MAX + 1> expression(element);
        const std::string_view name = expression.text(NFTA_EXPR_NAME);
        add(hash, name);
        if (!counts_packets(name)) {
            add(hash, payload_of(expression[NFTA_EXPR_DATA]));
        }
    });
    return hash.finish();
}

/// The comment among a rule's user data: type, length and value after each other.
std::string comment_in(std::span<const std::uint8_t> data) {
    while (data.size() >= 2 && data.size() >= 2u + data[1]) {
        const auto value = data.subspan(2, data[1]);
        if (data[0] == kCommentType) {
            std::string comment(value.begin(), value.end());
            return comment.substr(0, comment.find('\0'));
        }
        data = data.subspan(2 + value.size());
    }
    return {};
}

std::string devices_of(const NftAttributes<NFTA_HOOK_MAX + 1>& hook) {
    std::vector<std::string> devices;
    for_each_nested(hook[NFTA_HOOK_DEVS],
                    [&](const nlattr* device) { devices.emplace_back(mnl_attr_get_str(device)); });
    if (devices.empty() && hook[NFTA_HOOK_DEV] != nullptr) {
        devices.emplace_back(hook.text(NFTA_HOOK_DEV));
    }
    std::ranges::sort(devices);
    return devices.empty() ? std::string() : text::concat(" of ", text::join(devices, " "));
}

/// Devices of a chain of family inet are no part of it: that is the early drop's, which follows them as they come and
/// go.
std::string head_of(const NftAttributes<NFTA_CHAIN_MAX + 1>& chain, std::uint8_t family) {
    if (chain[NFTA_CHAIN_HOOK] == nullptr) {
        return {};
    }
    const NftAttributes<NFTA_HOOK_MAX + 1> hook(chain[NFTA_CHAIN_HOOK]);
    return text::concat(chain.text(NFTA_CHAIN_TYPE), " at hook ",
                        text::to_text(std::uint64_t{hook.number(NFTA_HOOK_HOOKNUM)}),
                        family == NFPROTO_NETDEV ? devices_of(hook) : std::string(), ", priority ",
                        text::to_text_signed(static_cast<std::int32_t>(hook.number(NFTA_HOOK_PRIORITY))), ", policy ",
                        chain.number(NFTA_CHAIN_POLICY) == NF_ACCEPT ? "accept" : "drop", ", ");
}

/// Reads one table of one family.
class Reader {
public:
    Reader(Netlink& netlink, std::uint8_t family, std::string_view table)
        : m_netlink(netlink), m_family(family), m_table(table) {}

    Result<void> read_table(TableRecord& record) {
        return dump(
            NFT_MSG_GETTABLE, NFTA_TABLE_UNSPEC, [&] { record.is_there = false; },
            [&](const nlmsghdr* reply) {
                const NftAttributes<NFTA_TABLE_MAX + 1> table(reply);
                if (is_of_family(reply) && table.text(NFTA_TABLE_NAME) == m_table) {
                    record.is_there = true;
                    record.is_dormant = (table.number(NFTA_TABLE_FLAGS) & NFT_TABLE_F_DORMANT) != 0;
                }
            });
    }

    Result<void> read_chains(TableRecord& record) {
        TRY(dump(
            NFT_MSG_GETCHAIN, NFTA_CHAIN_TABLE, [&] { record.chains.clear(); },
            [&](const nlmsghdr* reply) {
                const NftAttributes<NFTA_CHAIN_MAX + 1> chain(reply);
                if (is_of_family(reply) && chain.text(NFTA_CHAIN_TABLE) == m_table) {
                    record.chains.push_back({std::string(chain.text(NFTA_CHAIN_NAME)), head_of(chain, m_family), {}});
                }
            }));
        std::ranges::sort(record.chains, {}, &RecordedChain::name);
        return {};
    }

    Result<void> read_rules(TableRecord& record) {
        const auto clear = [&] {
            for (RecordedChain& chain : record.chains) {
                chain.rules.clear();
            }
        };
        return dump(NFT_MSG_GETRULE, NFTA_RULE_TABLE, clear, [&](const nlmsghdr* reply) {
            const NftAttributes<NFTA_RULE_MAX + 1> rule(reply);
            const auto chain = std::ranges::find(record.chains, rule.text(NFTA_RULE_CHAIN), &RecordedChain::name);
            if (is_of_family(reply) && rule.text(NFTA_RULE_TABLE) == m_table && chain != record.chains.end()) {
                chain->rules.push_back({comment_in(payload_of(rule[NFTA_RULE_USERDATA])),
                                        digest_of_expressions(rule[NFTA_RULE_EXPRESSIONS])});
            }
        });
    }

    Result<void> read_sets(TableRecord& record, SetElements elements) {
        struct Found {
            std::string name;
            bool is_stable = false; ///< elements stay as they are put there
            Sha256 hash;
        };

        std::vector<Found> found;
        TRY(dump(
            NFT_MSG_GETSET, NFTA_SET_TABLE, [&] { found.clear(); },
            [&](const nlmsghdr* reply) {
                const NftAttributes<kSetCount + 1> set(reply);
                const std::uint32_t flags = set.number(NFTA_SET_FLAGS);
                if (!is_of_family(reply) || set.text(NFTA_SET_TABLE) != m_table || (flags & NFT_SET_ANONYMOUS) != 0) {
                    return;
                }
                Found& each = found.emplace_back();
                each.name = set.text(NFTA_SET_NAME);
                each.is_stable = (flags & (NFT_SET_TIMEOUT | NFT_SET_EVAL)) == 0;
                for (const int number : {NFTA_SET_FLAGS, NFTA_SET_KEY_TYPE, NFTA_SET_KEY_LEN, NFTA_SET_DATA_TYPE}) {
                    add(each.hash, text::to_text(std::uint64_t{set.number(static_cast<std::size_t>(number))}));
                }
                add(each.hash, payload_of(set[NFTA_SET_TIMEOUT]));
                if (each.is_stable) {
                    add(each.hash, payload_of(set[kSetCount]));
                }
            }));
        record.sets.clear();
        for (Found& each : found) {
            if (elements == SetElements::recorded && each.is_stable) {
                TRY(add_elements(each.name, each.hash));
            }
            record.sets.push_back({std::move(each.name), each.hash.finish()});
        }
        std::ranges::sort(record.sets, {}, &RecordedSet::name);
        return {};
    }

private:
    [[nodiscard]] bool is_of_family(const nlmsghdr* reply) const {
        return static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(reply))->nfgen_family == m_family;
    }

    /// `table_attribute` is where the kind of message names the table; a table that is not there is an empty one.
    Result<void> dump(std::uint16_t type, std::uint16_t table_attribute, const std::function<void()>& on_restart,
                      const std::function<void(const nlmsghdr*)>& on_message, std::string_view set = {}) {
        auto listed = m_netlink.request(
            type, RequestKind::dump, text::concat("table ", m_table),
            [&](nlmsghdr* message) {
                static_cast<nfgenmsg*>(mnl_nlmsg_get_payload(message))->nfgen_family = m_family;
                if (table_attribute != 0) {
                    mnl_attr_put_strz(message, table_attribute, m_table.c_str());
                }
                if (!set.empty()) {
                    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, std::string(set).c_str());
                }
            },
            on_message, on_restart);
        if (!listed && listed.error().number() == ENOENT) {
            on_restart();
            return {};
        }
        return listed;
    }

    /// In whatever order the kernel has them.
    Result<void> add_elements(const std::string& set, Sha256& hash) {
        std::vector<Digest> found;
        TRY(dump(
            NFT_MSG_GETSETELEM, NFTA_SET_ELEM_LIST_TABLE, [&] { found.clear(); },
            [&](const nlmsghdr* reply) {
                const NftAttributes<NFTA_SET_ELEM_LIST_MAX + 1> list(reply);
                for_each_nested(list[NFTA_SET_ELEM_LIST_ELEMENTS], [&found](const nlattr* each) {
                    const NftAttributes<NFTA_SET_ELEM_MAX + 1> element(each);
                    Sha256 one;
                    for (const int part : {NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_DATA, NFTA_SET_ELEM_FLAGS}) {
                        add(one, payload_of(element[static_cast<std::size_t>(part)]));
                    }
                    found.push_back(one.finish());
                });
            },
            set));
        std::ranges::sort(found);
        for (const Digest& each : found) {
            add(hash, each);
        }
        return {};
    }

    Netlink& m_netlink;
    std::uint8_t m_family;
    std::string m_table;
};

std::string count_text(std::size_t count, std::string_view what) {
    return text::concat(text::to_text(count), " ", what, count == 1 ? "" : "s");
}

std::string chain_text(const RecordedChain& chain) {
    return chain.head + count_text(chain.rules.size(), "rule");
}

/// Which rule is the first that is not as it was.
std::string difference(const RecordedChain& expected, const RecordedChain& found) {
    const auto [was, is] = std::ranges::mismatch(expected.rules, found.rules);
    if (was == expected.rules.end() && is == found.rules.end()) {
        return {};
    }
    const bool is_less = found.rules.size() < expected.rules.size();
    const bool is_more = found.rules.size() > expected.rules.size();
    const std::string& comment = is_more ? is->comment : was->comment;
    return text::concat(is_less   ? "; missing is rule "
                        : is_more ? "; foreign is rule "
                                  : "; another one is rule ",
                        text::to_text(static_cast<std::size_t>(was - expected.rules.begin()) + 1),
                        comment.empty() ? std::string() : text::concat(" (", comment, ")"));
}

template <typename Items>
auto find(const Items& items, const std::string& name) -> const typename Items::value_type* {
    const auto found = std::ranges::find(items, name, &Items::value_type::name);
    return found == items.end() ? nullptr : &*found;
}

std::string state_of(const TableRecord& table) {
    return !table.is_there ? ports::kNothing : table.is_dormant ? "dormant: its rules are not looked at" : "active";
}

} // namespace

Result<TableRecord> record_table(Netlink& netlink, std::uint8_t family, std::string_view table, SetElements elements) {
    TableRecord record;
    record.name = text::concat(family == NFPROTO_NETDEV ? "netdev " : "inet ", table);
    Reader reader(netlink, family, table);
    TRY(reader.read_table(record));
    TRY(reader.read_chains(record));
    TRY(reader.read_rules(record));
    TRY(reader.read_sets(record, elements));
    return record;
}

Result<std::optional<TableRecord>> record_after(const std::function<Result<void>()>& transaction, Netlink& netlink,
                                                std::uint8_t family, std::string_view table, SetElements elements) {
    const std::uint32_t before = TRY(netlink.generation());
    TRY(transaction());
    const std::uint32_t next = before + 1 == 0 ? 1 : before + 1; // the kernel passes over 0
    auto record = record_table(netlink, family, table, elements);
    const auto after = netlink.generation();
    // a transaction that had nothing to change makes no generation
    if (!record || !after || (*after != next && *after != before)) {
        return std::nullopt;
    }
    return *std::move(record);
}

const RecordedSet* TableRecord::find_set(const std::string& set) const noexcept {
    return find(sets, set);
}

std::string item_of_set(std::string_view table_with_family, std::string_view set) {
    return text::concat("table ", table_with_family, ", set ", set);
}

ports::Comparisons compare(const std::optional<TableRecord>& record, const TableRecord& found) {
    ports::Comparisons rows;
    if (!record) {
        rows.push_back(
            {text::concat("table ", found.name), "as it was put there", "changed by others while it was put there"});
        return rows;
    }
    const TableRecord& expected = *record;
    rows.push_back({text::concat("table ", expected.name), state_of(expected), state_of(found)});
    if (!found.is_there) {
        return rows;
    }
    const auto item = [&](const std::string& chain) {
        return text::concat("table ", expected.name, ", chain ", chain);
    };
    for (const RecordedChain& chain : expected.chains) {
        const RecordedChain* now = find(found.chains, chain.name);
        rows.push_back({item(chain.name), chain_text(chain),
                        now != nullptr ? chain_text(*now) + difference(chain, *now) : ports::kNothing});
    }
    for (const RecordedChain& chain : found.chains) {
        if (find(expected.chains, chain.name) == nullptr) {
            rows.push_back({item(chain.name), ports::kNothing, chain_text(chain)});
        }
    }
    for (const RecordedSet& set : expected.sets) {
        const RecordedSet* now = found.find_set(set.name);
        if (now == nullptr || *now != set) {
            rows.push_back({item_of_set(expected.name, set.name), "as it was put there",
                            now != nullptr ? "changed" : ports::kNothing});
        }
    }
    for (const RecordedSet& set : found.sets) {
        if (expected.find_set(set.name) == nullptr) {
            rows.push_back({item_of_set(expected.name, set.name), ports::kNothing, "foreign"});
        }
    }
    return rows;
}

} // namespace sekisho::drivers

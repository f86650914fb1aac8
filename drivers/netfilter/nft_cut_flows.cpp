// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/nft_cut_flows.hpp"

#include "policy/base/text.hpp"
#include "policy/model/model.hpp"
#include "policy/ruleset/renderer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

namespace sekisho::drivers {

namespace {

/// Of one transaction.
constexpr std::size_t kFlowsPerBatch = 500;
/// nft fills every part of a key up to a register's end.
constexpr std::size_t kRegister = 4;

void append(std::vector<std::uint8_t>& key, std::span<const std::uint8_t> part) {
    key.insert(key.end(), part.begin(), part.end());
    key.resize((key.size() + kRegister - 1) / kRegister * kRegister);
}

void append_port(std::vector<std::uint8_t>& key, std::uint16_t port) {
    append(key, std::array{static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port)});
}

/// From the far end to the one that opened the connection.
std::vector<std::uint8_t> key_of(const ruleset::Flow& flow, bool with_ports) {
    std::vector<std::uint8_t> key;
    append(key, std::array{flow.protocol});
    append(key, flow.reached.bytes());
    if (with_ports) {
        append_port(key, flow.reached_port);
    }
    append(key, flow.source.bytes());
    if (with_ports) {
        append_port(key, flow.source_port);
    }
    return key;
}

void write_element(nlmsghdr* message, std::string_view set, const std::vector<std::uint8_t>& key) {
    static_cast<nfgenmsg*>(mnl_nlmsg_get_payload(message))->nfgen_family = NFPROTO_INET;
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, std::string(ruleset::kTable).c_str());
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, std::string(set).c_str());
    nlattr* const list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
    nlattr* const element = mnl_attr_nest_start(message, 1);
    nlattr* const value = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
    mnl_attr_put(message, NFTA_DATA_VALUE, key.size(), key.data());
    mnl_attr_nest_end(message, value);
    mnl_attr_nest_end(message, element);
    mnl_attr_nest_end(message, list);
}

} // namespace

Result<std::unique_ptr<NftCutFlows>> NftCutFlows::create() {
    Netlink netlink = TRY(Netlink::open());
    return std::unique_ptr<NftCutFlows>(new NftCutFlows(std::move(netlink)));
}

Result<void> NftCutFlows::change(std::span<const ruleset::Flow> flows, std::uint16_t type, std::uint16_t flags) {
    while (!flows.empty()) {
        const auto part = flows.first(std::min(flows.size(), kFlowsPerBatch));
        flows = flows.subspan(part.size());
        NetlinkBatch batch;
        for (const ruleset::Flow& flow : part) {
            const bool with_ports = model::has_ports(static_cast<model::Protocol>(flow.protocol));
            batch.add(type, flags, text::concat("connection of ", flow.source.text()), [&](nlmsghdr* message) {
                write_element(message, ruleset::cut_set(flow.source.family(), with_ports), key_of(flow, with_ports));
            });
        }
        TRY(m_netlink.commit(std::move(batch)));
    }
    return {};
}

Result<void> NftCutFlows::refuse(std::span<const ruleset::Flow> flows) {
    return change(flows, NFT_MSG_NEWSETELEM, NLM_F_CREATE); // without NLM_F_EXCL: what is there already is no error
}

Result<void> NftCutFlows::allow(std::span<const ruleset::Flow> flows) {
    auto done = change(flows, NFT_MSG_DESTROYSETELEM, 0);
    return !done && done.error().number() == ENOENT ? Result<void>{} : done; // no set, as while everything is closed
}

} // namespace sekisho::drivers

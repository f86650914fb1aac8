// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's verdict on one frame at a time: frames go out of the far ends of the router's cables, and nftables'
// trace tells which rules they met. A frame is known by its source address, which holds its number.
#pragma once

#include "policy/base/address.hpp"
#include "policy/judge/flow_table.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace sekisho::test {

/// What the trace said of a frame.
struct KernelVerdict {
    std::string rule;       ///< id of the rule that decided; empty where none did: the stack, or a hook's policy
    std::string verdict;    ///< "accepted", "denied", "rejected"; empty where no rule decided
    bool by_policy = false; ///< a hook's policy dropped it
    std::optional<judge::Tuple> left; ///< as it left the router
};

struct Cable {
    std::string name;           ///< the router's device
    std::string namespace_path; ///< where the far end is
    std::string far_name;
    MacAddress mac; ///< of the router's device
};

class KernelCourt {
public:
    /// `rules` has "CHAIN HANDLE COMMENT" per line. Ends the program where something is refused: there is no test then.
    KernelCourt(const std::string& router_namespace, const std::vector<Cable>& cables, const std::string& rules);

    /// Sends a frame whose source address is overwritten; its number, or nothing and the reason where it can't be sent.
    std::optional<std::uint64_t> send(std::size_t cable, std::vector<std::uint8_t>& frame, std::string& reason);

    /// Waits until all that was sent is judged. Verdicts by number; what is not there met no rule.
    std::unordered_map<std::uint64_t, KernelVerdict> collect();

    void forget_connections();

private:
    struct Place {
        std::string chain;
        std::string comment;
    };

    void read_trace(const std::uint8_t* data, std::size_t size);
    void send_sentinel();

    int m_netlink = -1;
    std::vector<int> m_far_ends;
    std::vector<int> m_far_indexes;
    std::map<std::uint64_t, Place> m_places; ///< by handle
    std::unordered_map<std::uint64_t, KernelVerdict> m_verdicts;
    std::uint64_t m_next = 1;
    std::uint32_t m_trace = 0;
    std::uint64_t m_current = 0;
    std::uint64_t m_sentinel = 0;
    bool m_sentinel_seen = false;
    MacAddress m_first_mac;
};

} // namespace sekisho::test

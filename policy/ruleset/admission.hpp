// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a connection that lives would be admitted again. Rules judge a connection once, by its first packet; when the
// rules have changed, this says of the connections that are there which of them the new ones refuse.
#pragma once

#include "policy/ruleset/ruleset.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sekisho::ruleset {

/// Who sends from a guarded port.
struct Sender {
    std::string device;     ///< that its packets come in by: the bridge
    std::uint32_t role = 0; ///< that it is admitted as now (mark.hpp)
    friend bool operator==(const Sender&, const Sender&) = default;
};

/// A tracked connection, as far as its admission depends on it. Ports are 0 for protocols without them.
struct Flow {
    std::uint32_t mark = 0; ///< connection mark (mark.hpp): the zone that it came from and the rule that admitted it
    std::uint8_t protocol = 0;
    IpAddress source;
    std::uint16_t source_port = 0;
    IpAddress destination; ///< as the sender addressed it
    std::uint16_t destination_port = 0;
    std::uint8_t icmp_type = 0; ///< ICMP and ICMPv6 only
    bool translated = false;    ///< its destination was translated
    IpAddress reached;          ///< destination after translation
    std::uint16_t reached_port = 0;
    std::string own_device; ///< the router's device with the address `reached` (or that broadcast address); else empty
    std::string egress_device = {}; ///< whose network has `reached`; empty: none, so the default route leads there, on
                                    ///< the WAN
    std::optional<Sender> sender = {};
};

/// What the ruleset would say to the first packet of this connection now.
struct Admission {
    bool admitted = false;
    const Rule* rule = nullptr; ///< that decides; null where none does: then it is refused
};

/// Asks the rules of the hook that the connection passes (input or forward) in their order. What a tracked connection
/// does not tell (its sender, where nobody knows; the hop limit of its first packet) is taken as it was where the very
/// rule that admitted it asks for it, and as not given otherwise.
[[nodiscard]] Admission admission_of(const Ruleset& ruleset, const Flow& flow, Time now);

} // namespace sekisho::ruleset

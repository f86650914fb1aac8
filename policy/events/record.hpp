// SPDX-License-Identifier: GPL-2.0-or-later
// Turns one of the kernel's log records into an event of the access log.
#pragma once

#include "policy/base/address.hpp"
#include "policy/base/country.hpp"
#include "policy/base/time.hpp"
#include "policy/events/event.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sekisho::events {

/// One direction of a tracked connection: what its packets bear. Ports are 0 for protocols without them, the ICMP
/// fields for all but ICMP and ICMPv6.
struct ConnectionTuple {
    IpAddress source;
    IpAddress destination;
    std::uint8_t protocol = 0;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint16_t icmp_id = 0;
    std::uint8_t icmp_type = 0;
    std::uint8_t icmp_code = 0;
    friend bool operator==(const ConnectionTuple&, const ConnectionTuple&) = default;
};

/// What the kernel says of a packet that a rule logged.
struct LogRecord {
    std::string prefix; ///< denials: the rule's id, with ruleset::kOverflowMark behind it where the record came past a
                        ///< full limit table
    std::uint16_t group = 0;       ///< NFLOG group: ruleset::kLogGroupDenied or kLogGroupAccepted
    std::string ingress_interface; ///< name; empty where there is none (the router's own packets)
    std::string egress_interface;  ///< likewise (packets to the router)
    std::optional<MacAddress> source_mac;
    std::span<const std::uint8_t> packet;    ///< from the IP header on, perhaps cut short; not owned
    std::optional<ConnectionTuple> original; ///< as the first packet's sender addressed it
    std::optional<ConnectionTuple> reply;    ///< as answers come back: translation shows in it
    std::uint32_t mark = 0;                  ///< connection mark (policy/ruleset/mark.hpp)
};

/// What the log says of a rule.
struct RuleReference {
    std::string id;
    std::string reason;   ///< reason code: "accepted", "not-allowed" …
    std::size_t line = 0; ///< in the configuration; 0 where the compiler added the rule by itself
};

/// What the policy in force knows. Pointers and views stay valid while the policy does.
class RecordContext {
public:
    virtual ~RecordContext() = default;
    [[nodiscard]] virtual const RuleReference* find_rule(std::string_view id) const = 0;
    /// By the rule number in a connection mark.
    [[nodiscard]] virtual const RuleReference* find_rule_by_number(std::uint32_t number) const = 0;
    /// Name of the zone of an interface; empty where it has none.
    [[nodiscard]] virtual std::string_view zone_of(std::string_view interface) const = 0;
    /// Country of an address; nothing where it has none.
    [[nodiscard]] virtual std::optional<CountryCode> country_of(const IpAddress& address) const = 0;
};

/// Whether a denial came past a full limit table: sources can't be told apart any more.
[[nodiscard]] bool came_past_full_table(const LogRecord& record) noexcept;

/// A connection-denied or connection-accepted event. Addresses and ports are as the sender addressed them, before
/// translation; source.nat and destination.nat are there where the connection is translated, address and port together.
/// A rule that the policy in force doesn't have (an apply came between) leaves its id, where the record bears it, and
/// no reason. Time, sequence, boot and clock are the caller's to add: the product's belief of the time is not the
/// kernel's.
[[nodiscard]] Event make_connection_event(const LogRecord& record, const RecordContext& context);

/// The ends of a connection: family, protocol, addresses and ports as the sender addressed them, and what translation
/// made of them.
void set_connection(Event& event, const ConnectionTuple& original, const ConnectionTuple& reply);

} // namespace sekisho::events

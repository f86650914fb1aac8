// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/record.hpp"

#include "policy/base/text.hpp"
#include "policy/packet/packet.hpp"
#include "policy/ruleset/mark.hpp"
#include "policy/ruleset/renderer.hpp"

#include <tuple>
#include <utility>

namespace sekisho::events {

namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kSctp = 132;

[[nodiscard]] bool is_icmp(std::uint8_t protocol) noexcept {
    return protocol == kIcmp || protocol == kIcmpv6;
}

[[nodiscard]] bool has_ports(std::uint8_t protocol) noexcept {
    return protocol == kTcp || protocol == kUdp || protocol == kSctp;
}

[[nodiscard]] std::string transport_name(std::uint8_t protocol) {
    switch (protocol) {
    case kIcmp:
        return "icmp";
    case kTcp:
        return "tcp";
    case kUdp:
        return "udp";
    case kIcmpv6:
        return "ipv6-icmp";
    default:
        return text::to_text(protocol);
    }
}

/// In the order of the bits, the lowest first: an answer to a connection request is "SA".
[[nodiscard]] std::string flags_text(std::uint8_t flags) {
    static constexpr std::string_view kLetters = "FSRPAUEC";
    std::string result;
    for (std::size_t bit = 0; bit < kLetters.size(); ++bit) {
        if ((flags >> bit & 1) != 0) {
            result += kLetters[bit];
        }
    }
    return result;
}

[[nodiscard]] std::string_view rule_id_of(const LogRecord& record) noexcept {
    std::string_view id = record.prefix;
    if (came_past_full_table(record)) {
        id.remove_suffix(1);
    }
    return id;
}

void set_rule(Event& event, const LogRecord& record, const RecordContext& context, bool denied) {
    const std::string_view id = rule_id_of(record);
    const RuleReference* rule =
        denied ? context.find_rule(id) : context.find_rule_by_number(ruleset::rule_of_mark(record.mark));
    if (rule == nullptr) {
        if (denied && !id.empty()) {
            event.set(Field::rule_id, std::string(id));
        }
        return;
    }
    event.set(Field::rule_id, rule->id);
    event.set(Field::event_reason, rule->reason);
    if (rule->line > 0) {
        event.set_number(Field::rule_line, static_cast<std::int64_t>(rule->line));
    }
}

void set_interfaces(Event& event, const LogRecord& record, const RecordContext& context) {
    for (const auto& [interface, interface_field, zone_field] :
         {std::tuple{std::string_view(record.ingress_interface), Field::interface_ingress, Field::zone_ingress},
          std::tuple{std::string_view(record.egress_interface), Field::interface_egress, Field::zone_egress}}) {
        if (interface.empty()) {
            continue;
        }
        event.set(interface_field, std::string(interface));
        if (const std::string_view zone = context.zone_of(interface); !zone.empty()) {
            event.set(zone_field, std::string(zone));
        }
    }
    if (record.source_mac) {
        event.set(Field::source_mac, record.source_mac->text());
    }
}

[[nodiscard]] ConnectionTuple tuple_of(const packet::Headers& headers) noexcept {
    ConnectionTuple tuple;
    tuple.source = headers.source;
    tuple.destination = headers.destination;
    tuple.protocol = headers.protocol;
    tuple.source_port = headers.source_port;
    tuple.destination_port = headers.destination_port;
    tuple.icmp_type = headers.icmp_type;
    tuple.icmp_code = headers.icmp_code;
    return tuple;
}

/// Whether the packet goes the way of the connection's first one, perhaps translated already. An answer, or an ICMP
/// error about the connection, bears the connection's tuples too, and was sent by somebody else.
[[nodiscard]] bool goes_the_original_way(const packet::Headers& headers, const ConnectionTuple& original,
                                         const std::optional<ConnectionTuple>& reply) noexcept {
    const bool from = headers.source == original.source || (reply && headers.source == reply->destination);
    const bool to = headers.destination == original.destination || (reply && headers.destination == reply->source);
    return from && to && headers.protocol == original.protocol;
}

void set_addressed(Event& event, const ConnectionTuple& tuple, bool transport_known) {
    event.set(Field::network_type, std::string(name_of(tuple.source.family())));
    event.set(Field::transport, transport_name(tuple.protocol));
    event.set(Field::source_ip, tuple.source.text());
    event.set(Field::destination_ip, tuple.destination.text());
    if (!transport_known) {
        return;
    }
    if (has_ports(tuple.protocol)) {
        event.set_number(Field::source_port, tuple.source_port);
        event.set_number(Field::destination_port, tuple.destination_port);
    } else if (is_icmp(tuple.protocol)) {
        event.set_number(Field::icmp_type, tuple.icmp_type);
        event.set_number(Field::icmp_code, tuple.icmp_code);
    }
}

/// Answers come from where the connection was translated to, and go to where it was translated from.
void set_translated(Event& event, const ConnectionTuple& original, const ConnectionTuple& reply) {
    const bool ports = has_ports(original.protocol);
    if (reply.destination != original.source || (ports && reply.destination_port != original.source_port)) {
        event.set(Field::source_nat_ip, reply.destination.text());
        if (ports) {
            event.set_number(Field::source_nat_port, reply.destination_port);
        }
    }
    if (reply.source != original.destination || (ports && reply.source_port != original.destination_port)) {
        event.set(Field::destination_nat_ip, reply.source.text());
        if (ports) {
            event.set_number(Field::destination_nat_port, reply.source_port);
        }
    }
}

void set_endpoints(Event& event, const LogRecord& record) {
    const std::optional<packet::Headers> headers = packet::read_headers(record.packet);
    if (record.original && (!headers || goes_the_original_way(*headers, *record.original, record.reply))) {
        if (record.reply) {
            set_connection(event, *record.original, *record.reply);
        } else {
            set_addressed(event, *record.original, true);
        }
    } else if (headers) {
        set_addressed(event, tuple_of(*headers), headers->transport_complete);
    } else {
        event.set(Field::message, "the packet's header could not be read");
    }
    if (headers && headers->protocol == kTcp && headers->transport_complete) {
        event.set(Field::tcp_flags, flags_text(headers->tcp_flags));
    }
}

void set_countries(Event& event, const RecordContext& context) {
    for (const auto& [address_field, country_field] : {std::pair{Field::source_ip, Field::source_country},
                                                       std::pair{Field::destination_ip, Field::destination_country}}) {
        const auto address = IpAddress::parse(event.text(address_field));
        if (const auto country = address ? context.country_of(*address) : std::nullopt) {
            event.set(country_field, country->text());
        }
    }
}

} // namespace

bool came_past_full_table(const LogRecord& record) noexcept {
    return record.prefix.ends_with(ruleset::kOverflowMark);
}

void set_connection(Event& event, const ConnectionTuple& original, const ConnectionTuple& reply) {
    set_addressed(event, original, true);
    set_translated(event, original, reply);
}

Event make_connection_event(const LogRecord& record, const RecordContext& context) {
    const bool denied = record.group != ruleset::kLogGroupAccepted;
    Event event;
    event.set(Field::event_kind, "event");
    event.set(Field::event_category, "network");
    event.set(Field::event_action, denied ? "connection-denied" : "connection-accepted");
    event.set(Field::event_outcome, denied ? "failure" : "success");
    set_rule(event, record, context, denied);
    set_interfaces(event, record, context);
    set_endpoints(event, record);
    set_countries(event, context);
    return event;
}

} // namespace sekisho::events

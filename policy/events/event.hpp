// SPDX-License-Identifier: GPL-2.0-or-later
// What the access log records. An event is a set of fields; which fields exist, their names in the Elastic Common
// Schema, their kinds and their meaning stand in one table (field_table), from which every encoder, the reader and the
// reference page come.
#pragma once

#include "policy/base/time.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::events {

/// In the order of the table, which is the order in every encoding. Fields of one ECS object stand together: JSON opens
/// each object once.
enum class Field : std::uint8_t {
    timestamp,            ///< @timestamp, RFC 3339 UTC
    event_kind,           ///< event.kind: "event" or "alert"
    event_category,       ///< event.category: "network", "configuration", "authentication", "host"
    event_action,         ///< event.action: "connection-denied", "connection-accepted", "apply", "login", "log-read",
                          ///< "log-suppressed", "log-lost" …
    event_outcome,        ///< event.outcome: "success" or "failure"
    event_reason,         ///< event.reason: reason code (invalid, spoofed, not-allowed …) or cause of a failure
    event_sequence,       ///< event.sequence: counts from 1 since the boot
    boot_id,              ///< host.boot.id
    rule_id,              ///< rule.id
    zone_ingress,         ///< observer.ingress.zone
    interface_ingress,    ///< observer.ingress.interface.name
    zone_egress,          ///< observer.egress.zone
    interface_egress,     ///< observer.egress.interface.name
    transport,            ///< network.transport: "tcp", "udp", "icmp", "ipv6-icmp", or the protocol number
    network_type,         ///< network.type: "ipv4" or "ipv6"
    source_ip,            ///< source.ip: as the sender wrote it
    source_port,          ///< source.port
    source_mac,           ///< source.mac
    source_country,       ///< source.geo.country_iso_code: by the country database, "JP"
    source_nat_ip,        ///< source.nat.ip: after translation
    source_nat_port,      ///< source.nat.port
    destination_ip,       ///< destination.ip: as the sender addressed it
    destination_port,     ///< destination.port
    destination_country,  ///< destination.geo.country_iso_code
    destination_nat_ip,   ///< destination.nat.ip: after translation
    destination_nat_port, ///< destination.nat.port
    user_name,            ///< user.name: account
    event_count,          ///< sekisho.count: how many (suppressed, lost) this event stands for
    clock_synchronised,   ///< sekisho.clock.synchronised
    rule_line,            ///< sekisho.rule.line: line in the configuration
    icmp_type,            ///< sekisho.icmp.type
    icmp_code,            ///< sekisho.icmp.code
    tcp_flags,            ///< sekisho.tcp.flags: "S", "SA", "FPU" …
    session_origin,       ///< sekisho.session.origin: "console", "local", "ssh 10.0.1.5"
    session_key,          ///< sekisho.session.key: fingerprint of the SSH key that was used
    config_digest,        ///< sekisho.config.digest: SHA-256 of the configuration
    config_previous,      ///< sekisho.config.previous: digest of the one before
    config_diff,          ///< sekisho.config.diff: changed lines, "+ …" and "- …", shortened with a count when long
    lifecycle_status,     ///< sekisho.lifecycle.status: "supported", "security-only", "ended", "unknown"
    lifecycle_days_left,  ///< sekisho.lifecycle.days_left: whole days until security support ends
    access_device,        ///< sekisho.access.device: name of the device in the configuration
    access_method,        ///< sekisho.access.method: "dot1x", "mab" …
    access_role,          ///< sekisho.access.role: what the device was admitted as
    enforcement_item,     ///< sekisho.enforcement.item: what of the kernel was not as the policy wants it
    enforcement_expected, ///< sekisho.enforcement.expected: how the policy wants it
    enforcement_found,    ///< sekisho.enforcement.found: how the kernel had it
    log_server,           ///< sekisho.log_server: name of a syslog server in the configuration
    message,              ///< message: a sentence for a person
};
inline constexpr std::size_t kFieldCount = static_cast<std::size_t>(Field::message) + 1;

enum class FieldKind : std::uint8_t { text, number, boolean };

/// Where a field goes in a syslog message (RFC 5424).
enum class SyslogPlace : std::uint8_t {
    parameter, ///< of the product's own element, under the field's name
    timestamp, ///< TIMESTAMP; a parameter where the value is none
    msgid,     ///< MSGID; a parameter where the value is none
    quality,   ///< isSynced of the element timeQuality
    text,      ///< MSG
};

struct FieldRow {
    Field field;
    std::string_view path; ///< ECS name with dots; column in CSV
    FieldKind kind;
    std::string_view help;
    SyslogPlace syslog = SyslogPlace::parameter;
};

/// One row per field, index = Field.
[[nodiscard]] std::span<const FieldRow, kFieldCount> field_table() noexcept;
[[nodiscard]] std::optional<Field> find_field(std::string_view path) noexcept;

using Value = std::variant<std::string, std::int64_t, bool>;

/// Holds at most one value per field. Setting a field again replaces it. A value must be of the field's kind.
class Event {
public:
    void set(Field field, std::string value);
    void set_number(Field field, std::int64_t value);
    void set_boolean(Field field, bool value);

    [[nodiscard]] const Value* find(Field field) const noexcept;
    /// The text of a text field; empty where it is absent or of another kind.
    [[nodiscard]] std::string_view text(Field field) const noexcept;
    /// The number of a number field; 0 where it is absent or of another kind.
    [[nodiscard]] std::int64_t number(Field field) const noexcept;
    /// Any field as people read it; empty where it is absent.
    [[nodiscard]] std::string shown(Field field) const;

    [[nodiscard]] bool has(Field field) const noexcept { return find(field) != nullptr; }

    [[nodiscard]] std::size_t size() const noexcept { return m_values.size(); }

private:
    struct Entry {
        Field field;
        Value value;
    };

    void put(Field field, Value value);

    std::vector<Entry> m_values; ///< sorted by field
};

/// One line of JSON Lines with ECS names as nested objects, newline included. Valid JSON and one line whatever bytes
/// the fields hold.
[[nodiscard]] std::string to_json_line(const Event& event);

} // namespace sekisho::events

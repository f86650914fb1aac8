// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/event.hpp"

#include "policy/base/json.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace sekisho::events {

namespace {

constexpr std::array<FieldRow, kFieldCount> kFields{{
    {Field::timestamp, "@timestamp", FieldKind::text, "when it happened, RFC 3339 in UTC", SyslogPlace::timestamp},
    {Field::event_kind, "event.kind", FieldKind::text, "event, or alert where somebody should look"},
    {Field::event_category, "event.category", FieldKind::text, "network, configuration, authentication or host"},
    {Field::event_action, "event.action", FieldKind::text, "what happened: connection-denied, apply, login …",
     SyslogPlace::msgid},
    {Field::event_outcome, "event.outcome", FieldKind::text, "success or failure"},
    {Field::event_reason, "event.reason", FieldKind::text, "reason code of a verdict, or cause of a failure"},
    {Field::event_sequence, "event.sequence", FieldKind::number, "counts from 1 since the boot; a gap is a loss"},
    {Field::boot_id, "host.boot.id", FieldKind::text, "the kernel's random id of this boot"},
    {Field::rule_id, "rule.id", FieldKind::text, "rule that decided, named by its configuration path"},
    {Field::zone_ingress, "observer.ingress.zone", FieldKind::text, "zone that the packet came from"},
    {Field::interface_ingress, "observer.ingress.interface.name", FieldKind::text, "interface that it came in through"},
    {Field::zone_egress, "observer.egress.zone", FieldKind::text, "zone that the packet went to"},
    {Field::interface_egress, "observer.egress.interface.name", FieldKind::text, "interface that it left through"},
    {Field::transport, "network.transport", FieldKind::text, "tcp, udp, icmp, ipv6-icmp or the protocol number"},
    {Field::network_type, "network.type", FieldKind::text, "ipv4 or ipv6"},
    {Field::source_ip, "source.ip", FieldKind::text, "address of the sender, before translation"},
    {Field::source_port, "source.port", FieldKind::number, "port of the sender, before translation"},
    {Field::source_mac, "source.mac", FieldKind::text, "link-layer address that the packet came from"},
    {Field::source_country, "source.geo.country_iso_code", FieldKind::text,
     "country of the sender's address by the country database"},
    {Field::source_nat_ip, "source.nat.ip", FieldKind::text, "address of the sender after translation"},
    {Field::source_nat_port, "source.nat.port", FieldKind::number, "port of the sender after translation"},
    {Field::destination_ip, "destination.ip", FieldKind::text, "address that the sender wrote to"},
    {Field::destination_port, "destination.port", FieldKind::number, "port that the sender wrote to"},
    {Field::destination_country, "destination.geo.country_iso_code", FieldKind::text,
     "country of the address that the sender wrote to"},
    {Field::destination_nat_ip, "destination.nat.ip", FieldKind::text, "address that received it after translation"},
    {Field::destination_nat_port, "destination.nat.port", FieldKind::number, "port that received it after translation"},
    {Field::user_name, "user.name", FieldKind::text, "account that acted"},
    {Field::event_count, "sekisho.count", FieldKind::number, "how many occurrences this line stands for"},
    {Field::clock_synchronised, "sekisho.clock.synchronised", FieldKind::boolean, "whether the time can be relied on",
     SyslogPlace::quality},
    {Field::rule_line, "sekisho.rule.line", FieldKind::number, "line of the configuration that the rule comes from"},
    {Field::icmp_type, "sekisho.icmp.type", FieldKind::number, "ICMP or ICMPv6 type"},
    {Field::icmp_code, "sekisho.icmp.code", FieldKind::number, "ICMP or ICMPv6 code"},
    {Field::tcp_flags, "sekisho.tcp.flags", FieldKind::text, "TCP flags as letters: S, SA, FPU …"},
    {Field::session_origin, "sekisho.session.origin", FieldKind::text, "console, local, or ssh with an address"},
    {Field::session_key, "sekisho.session.key", FieldKind::text, "fingerprint of the SSH key that was used"},
    {Field::config_digest, "sekisho.config.digest", FieldKind::text, "SHA-256 of the configuration"},
    {Field::config_previous, "sekisho.config.previous", FieldKind::text, "SHA-256 of the configuration before"},
    {Field::config_diff, "sekisho.config.diff", FieldKind::text, "changed lines, + and -"},
    {Field::lifecycle_status, "sekisho.lifecycle.status", FieldKind::text,
     "supported, security-only, ended or unknown"},
    {Field::lifecycle_days_left, "sekisho.lifecycle.days_left", FieldKind::number,
     "whole days until security support ends"},
    {Field::access_device, "sekisho.access.device", FieldKind::text, "name of the device in the configuration"},
    {Field::access_method, "sekisho.access.method", FieldKind::text, "how the device came onto the port: dot1x, mab …"},
    {Field::access_role, "sekisho.access.role", FieldKind::text, "role that the device has on the port"},
    {Field::enforcement_item, "sekisho.enforcement.item", FieldKind::text,
     "what of the kernel was not as the policy in force wants it"},
    {Field::enforcement_expected, "sekisho.enforcement.expected", FieldKind::text, "how the policy wants it"},
    {Field::enforcement_found, "sekisho.enforcement.found", FieldKind::text, "how the kernel had it"},
    {Field::log_server, "sekisho.log_server", FieldKind::text, "name of a syslog server in the configuration"},
    {Field::message, "message", FieldKind::text, "a sentence for a person", SyslogPlace::text},
}};

/// "observer.ingress" of "observer.ingress.zone"; empty at the top level.
[[nodiscard]] constexpr std::string_view object_of(std::string_view path) noexcept {
    const std::size_t dot = path.rfind('.');
    return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

[[nodiscard]] constexpr bool is_within(std::string_view path, std::string_view object) noexcept {
    return object.empty() || (path.starts_with(object) && path.size() > object.size() && path[object.size()] == '.');
}

/// Every row stands at its field's number, and an object that a row closed is never opened again: JSON may not have a
/// name twice.
[[nodiscard]] constexpr bool is_well_ordered() noexcept {
    for (std::size_t row = 0; row < kFields.size(); ++row) {
        if (kFields[row].field != static_cast<Field>(row)) {
            return false;
        }
        for (std::string_view object = object_of(kFields[row].path); !object.empty(); object = object_of(object)) {
            bool left = false;
            for (std::size_t later = row + 1; later < kFields.size(); ++later) {
                const bool inside = is_within(kFields[later].path, object);
                if (inside && left) {
                    return false;
                }
                left = left || !inside;
            }
        }
    }
    return true;
}

static_assert(is_well_ordered());

/// Every name can be a PARAM-NAME (RFC 5424 6.3.3: at most 32 printable characters) and a column of CSV as it is.
[[nodiscard]] constexpr bool are_plain_names() noexcept {
    return std::ranges::all_of(kFields, [](const FieldRow& row) {
        return !row.path.empty() && row.path.size() <= 32 && std::ranges::all_of(row.path, [](char c) {
            return (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '@';
        });
    });
}

static_assert(are_plain_names());

// read by assertions only
[[nodiscard, maybe_unused]] const FieldRow& row_of(Field field) noexcept {
    return kFields[static_cast<std::size_t>(field)];
}

void write_value(JsonWriter& json, const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) {
        json.string(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
        json.number(*number);
    } else {
        json.boolean(*std::get_if<bool>(&value));
    }
}

} // namespace

std::span<const FieldRow, kFieldCount> field_table() noexcept {
    return kFields;
}

std::optional<Field> find_field(std::string_view path) noexcept {
    const auto* const row =
        std::find_if(kFields.begin(), kFields.end(), [path](const FieldRow& each) { return each.path == path; });
    return row == kFields.end() ? std::nullopt : std::optional(row->field);
}

void Event::put(Field field, Value value) {
    const auto place = std::lower_bound(m_values.begin(), m_values.end(), field,
                                        [](const Entry& entry, Field wanted) { return entry.field < wanted; });
    if (place != m_values.end() && place->field == field) {
        place->value = std::move(value);
    } else {
        m_values.insert(place, {field, std::move(value)});
    }
}

void Event::set(Field field, std::string value) {
    assert(row_of(field).kind == FieldKind::text);
    put(field, std::move(value));
}

void Event::set_number(Field field, std::int64_t value) {
    assert(row_of(field).kind == FieldKind::number);
    put(field, value);
}

void Event::set_boolean(Field field, bool value) {
    assert(row_of(field).kind == FieldKind::boolean);
    put(field, value);
}

const Value* Event::find(Field field) const noexcept {
    const auto place = std::lower_bound(m_values.begin(), m_values.end(), field,
                                        [](const Entry& entry, Field wanted) { return entry.field < wanted; });
    return place != m_values.end() && place->field == field ? &place->value : nullptr;
}

std::string_view Event::text(Field field) const noexcept {
    const auto* value = std::get_if<std::string>(find(field));
    return value != nullptr ? std::string_view(*value) : std::string_view();
}

std::int64_t Event::number(Field field) const noexcept {
    const auto* value = std::get_if<std::int64_t>(find(field));
    return value != nullptr ? *value : 0;
}

std::string Event::shown(Field field) const {
    const Value* value = find(field);
    if (value == nullptr) {
        return {};
    }
    if (const auto* number = std::get_if<std::int64_t>(value)) {
        return text::to_text_signed(*number);
    }
    if (const auto* boolean = std::get_if<bool>(value)) {
        return *boolean ? "true" : "false";
    }
    return *std::get_if<std::string>(value);
}

std::string to_json_line(const Event& event) {
    JsonWriter json;
    json.begin_object();
    std::string_view open; // the path of the object that is being written
    for (const FieldRow& row : kFields) {
        const Value* value = event.find(row.field);
        if (value == nullptr) {
            continue;
        }
        while (!is_within(row.path, open)) {
            json.end_object();
            open = object_of(open);
        }
        std::string_view rest = row.path.substr(open.empty() ? 0 : open.size() + 1);
        for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
            json.key(rest.substr(0, dot)).begin_object();
            rest.remove_prefix(dot + 1);
        }
        open = object_of(row.path);
        write_value(json.key(rest), *value);
    }
    for (; !open.empty(); open = object_of(open)) {
        json.end_object();
    }
    json.end_object();
    return json.take() + "\n";
}

} // namespace sekisho::events

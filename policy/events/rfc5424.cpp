// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/rfc5424.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <array>

namespace sekisho::events {

namespace {

// ---- PRI -----------------------------------------------------------------------------------------------------------

// Severities of RFC 5424, table 2.
constexpr unsigned kWarning = 4;
constexpr unsigned kNotice = 5;
constexpr unsigned kInformational = 6;

/// A facility per category, so that a server can sort the kinds of records by it: security messages, log audit, system
/// daemons, and a local one for connections, of which there are many. A refused connection is everyday life on the
/// internet, a refused login or configuration is not.
struct PriorityRow {
    std::string_view category;
    unsigned facility;
    unsigned success; ///< severities
    unsigned failure;
};

constexpr std::array<PriorityRow, 5> kPriorities{{
    {"network", 16, kInformational, kNotice},
    {"authentication", 10, kNotice, kWarning},
    {"configuration", 13, kNotice, kWarning},
    {"host", 3, kInformational, kWarning},
    {"", 16, kInformational, kNotice}, // any other
}};

[[nodiscard]] unsigned priority_of(const Event& event) noexcept {
    const auto* const row = std::find_if(kPriorities.begin(), kPriorities.end() - 1, [&](const PriorityRow& each) {
        return each.category == event.text(Field::event_category);
    });
    unsigned severity = event.text(Field::event_outcome) == "failure" ? row->failure : row->success;
    if (event.text(Field::event_kind) == "alert") {
        severity = std::min(severity, kWarning);
    }
    return row->facility * 8 + severity;
}

// ---- header --------------------------------------------------------------------------------------------------------

constexpr std::string_view kNil = "-";

/// PRINTUSASCII, at least one and at most `most`.
[[nodiscard]] bool is_printable(std::string_view text, std::size_t most) noexcept {
    return !text.empty() && text.size() <= most &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

/// RFC 5424 6.2.3: RFC 3339 with upper-case T and Z, at most six digits of a second, and no leap second.
[[nodiscard]] bool is_timestamp(std::string_view text) noexcept {
    constexpr std::string_view kPattern = "dddd-dd-ddTdd:dd:dd";
    const auto matches = [](std::string_view part, std::string_view pattern) {
        return part.size() == pattern.size() &&
               std::equal(part.begin(), part.end(), pattern.begin(),
                          [](char c, char p) { return p == 'd' ? c >= '0' && c <= '9' : c == p; });
    };
    if (!matches(text.substr(0, kPattern.size()), kPattern) || text.substr(17, 2) == "60" || !parse_rfc3339(text)) {
        return false;
    }
    std::string_view rest = text.substr(kPattern.size());
    if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
        if (digits == 0 || digits > 6) {
            return false;
        }
        rest.remove_prefix(digits);
    }
    return rest == "Z" || matches(rest, "+dd:dd") || matches(rest, "-dd:dd");
}

/// Whether a field of the header can hold the event's value as it is.
[[nodiscard]] bool fits_header(SyslogPlace place, std::string_view value) noexcept {
    constexpr std::size_t kMostMsgid = 32;
    return place == SyslogPlace::timestamp ? is_timestamp(value) : is_printable(value, kMostMsgid) && value != kNil;
}

[[nodiscard]] std::string_view header_value(const Event& event, Field field, SyslogPlace place) noexcept {
    const std::string_view value = event.text(field);
    return fits_header(place, value) ? value : kNil;
}

// ---- values --------------------------------------------------------------------------------------------------------

/// A value on its way into the message.
struct SyslogValue {
    std::string_view name;   ///< field's path
    std::string_view source; ///< as the event has it
    bool is_parameter;
    std::string encoded;
    bool is_cut;
};

/// As PARAM-VALUE (RFC 5424 6.3.3) or MSG, as much as `most` bytes hold: whole characters and whole escapes.
void encode(SyslogValue& value, std::size_t most) {
    value.encoded.clear();
    value.is_cut = false;
    std::string_view rest = value.source;
    while (!rest.empty()) {
        const std::size_t length = text::first_character(rest).length;
        const std::string_view character = rest.substr(0, length);
        rest.remove_prefix(length);
        const std::size_t before = value.encoded.size();
        const bool is_plain = length == 1 && character.front() >= ' ' && character.front() < 0x7f;
        for (const char c : is_plain ? std::string(character) : text::escape_for_terminal(character)) {
            if (value.is_parameter && (c == '"' || c == '\\' || c == ']')) {
                value.encoded += '\\';
            }
            value.encoded += c;
        }
        if (value.encoded.size() > most) {
            value.encoded.resize(before);
            value.is_cut = true;
            return;
        }
    }
}

/// Shortens the longest values until all together have at most `most` bytes.
void shorten(std::vector<SyslogValue>& values, std::size_t most) {
    std::vector<std::size_t> lengths;
    lengths.reserve(values.size());
    for (const SyslogValue& value : values) {
        lengths.push_back(value.encoded.size());
    }
    std::sort(lengths.begin(), lengths.end());
    std::size_t left = most;
    std::size_t bound = most; // what each value may take
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        bound = left / (lengths.size() - i);
        if (lengths[i] > bound) {
            break;
        }
        left -= lengths[i];
    }
    for (SyslogValue& value : values) {
        if (value.encoded.size() > bound) {
            encode(value, bound);
        }
    }
}

// ---- text ----------------------------------------------------------------------------------------------------------

[[nodiscard]] std::string endpoint(const Event& event, Field address, Field port) {
    std::string text = event.shown(address);
    if (event.has(port)) {
        text += text::concat(" port ", event.shown(port));
    }
    return text;
}

/// "denied tcp 203.0.113.9 port 4022 to 198.51.100.2 port 22: no-service"
[[nodiscard]] std::string connection_text(const Event& event) {
    const std::string_view action = event.text(Field::event_action);
    const bool denied = action == "connection-denied";
    if (!denied && action != "connection-accepted") {
        return {};
    }
    std::string text = denied ? "denied" : "accepted";
    for (const std::string& part :
         {event.shown(Field::transport), endpoint(event, Field::source_ip, Field::source_port), std::string("to"),
          endpoint(event, Field::destination_ip, Field::destination_port)}) {
        if (!part.empty()) {
            text += text::concat(" ", part);
        }
    }
    if (event.has(Field::event_reason)) {
        text += text::concat(": ", event.shown(Field::event_reason));
    }
    return text;
}

// ---- structured data -----------------------------------------------------------------------------------------------

[[nodiscard]] std::string time_quality(const Event& event) {
    const Value* synchronised = event.find(Field::clock_synchronised);
    const bool* state = synchronised != nullptr ? std::get_if<bool>(synchronised) : nullptr;
    // tzKnown: the product's times are UTC
    return text::concat("[timeQuality tzKnown=\"1\" isSynced=\"", state != nullptr && *state ? "1" : "0", "\"]");
}

[[nodiscard]] std::string origin(const SyslogContext& context) {
    constexpr std::size_t kMostSoftware = 48; // characters (RFC 5424 7.2)
    constexpr std::size_t kMostVersion = 32;
    std::string element = "[origin";
    SyslogValue software{"software", context.software, true, {}, false};
    SyslogValue version{"swVersion", context.version, true, {}, false};
    encode(software, kMostSoftware);
    encode(version, kMostVersion);
    for (const SyslogValue& value : {software, version}) {
        if (!value.encoded.empty()) {
            element += text::concat(" ", value.name, "=\"", value.encoded, "\"");
        }
    }
    return element + "]";
}

/// RFC 5424 7.3.1: from 1 to 2,147,483,647, then anew.
[[nodiscard]] std::string meta(const Event& event) {
    constexpr std::int64_t kMost = 2'147'483'647;
    const std::int64_t sequence = event.number(Field::event_sequence);
    return sequence < 1 ? std::string()
                        : text::concat("[meta sequenceId=\"", text::to_text_signed((sequence - 1) % kMost + 1), "\"]");
}

/// The values of the event's own element in the table's order; the text of the message, if any, is the last.
[[nodiscard]] std::vector<SyslogValue> values_of(const Event& event, std::vector<std::string>& owned) {
    std::vector<SyslogValue> values;
    owned.reserve(kFieldCount + 1); // views of them stay valid
    const auto add = [&](const FieldRow& row, std::string source, bool is_parameter) {
        owned.push_back(std::move(source));
        values.push_back({row.path, owned.back(), is_parameter, {}, false});
        encode(values.back(), kMostSyslogMessage);
    };
    for (const FieldRow& row : field_table()) {
        if (row.syslog == SyslogPlace::quality || row.syslog == SyslogPlace::text || !event.has(row.field)) {
            continue;
        }
        if (row.syslog == SyslogPlace::parameter || !fits_header(row.syslog, event.text(row.field))) {
            add(row, event.shown(row.field), true);
        }
    }
    std::string sentence = event.has(Field::message) ? event.shown(Field::message) : connection_text(event);
    if (!sentence.empty()) {
        add(field_table()[static_cast<std::size_t>(Field::message)], std::move(sentence), false);
    }
    return values;
}

constexpr std::string_view kTruncated = "truncated"; // no field's name: those of the product's own have a dot
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

[[nodiscard]] std::string assemble(const std::string& head, const std::vector<SyslogValue>& values) {
    std::string message = text::concat(head, "[", kEventElement);
    std::string cut;
    std::string_view sentence;
    for (const SyslogValue& value : values) {
        if (value.is_parameter) {
            message += text::concat(" ", value.name, "=\"", value.encoded, "\"");
        } else {
            sentence = value.encoded;
        }
        if (value.is_cut) {
            cut += text::concat(cut.empty() ? "" : " ", value.name);
        }
    }
    if (!cut.empty()) {
        message += text::concat(" ", kTruncated, "=\"", cut, "\"");
    }
    message += ']';
    if (!sentence.empty()) {
        message += text::concat(" ", kByteOrderMark, sentence);
    }
    return message;
}

} // namespace

std::string to_rfc5424(const Event& event, const SyslogContext& context, std::size_t most) {
    constexpr std::size_t kMostHostName = 255;
    std::vector<std::string> owned;
    std::vector<SyslogValue> values = values_of(event, owned);
    const std::string head = text::concat(
        "<", text::to_text(priority_of(event)), ">1 ", header_value(event, Field::timestamp, SyslogPlace::timestamp),
        " ", is_printable(context.host_name, kMostHostName) ? std::string_view(context.host_name) : kNil, " sekisho - ",
        header_value(event, Field::event_action, SyslogPlace::msgid), " ", time_quality(event), origin(context),
        meta(event));
    std::string message = assemble(head, values);
    const bool is_cut = std::ranges::any_of(values, &SyslogValue::is_cut);
    if (message.size() > most || is_cut) {
        // Room for everything but the values, and for the names of all of them as cut.
        std::size_t fixed = head.size() + kEventElement.size() + kTruncated.size() + 16;
        for (const SyslogValue& value : values) {
            fixed += 2 * value.name.size() + 5;
        }
        shorten(values, most - std::min(most, fixed));
        message = assemble(head, values);
    }
    return message;
}

} // namespace sekisho::events

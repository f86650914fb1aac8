// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/administration.hpp"

#include "firmware/services/log_report.hpp"
#include "policy/base/json.hpp"
#include "policy/base/table.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace sekisho::services {

namespace {

using events::Event;
using events::Field;
using ports::ControlRequest;
using ports::ControlResponse;

constexpr std::size_t kDefaultLogEvents = 50;
constexpr std::size_t kMostLogEvents = 100'000;
constexpr std::uint64_t kMostConfirmMinutes = 1'440; ///< a day

/// How sessions end, as the client says (firmware/cli/session.cpp).
struct SessionEnd {
    std::string_view reason;
    std::string_view message;
};

constexpr std::array kSessionEnds{
    SessionEnd{"quit", "session ended"},
    SessionEnd{"idle", "session ended after 30 minutes without input"},
    SessionEnd{"closed", "session ended: its connection was closed"},
    SessionEnd{"done", "session ended: its command was done"},
    SessionEnd{"refused", "session ended: what it asked for is no command of the router"},
};
constexpr std::string_view kRefused = "this account may not administer the router; the attempt is in the access log";

ControlResponse failure(std::string errors) {
    if (!errors.ends_with('\n')) {
        errors += '\n';
    }
    return {.exit_status = 1, .output = {}, .errors = std::move(errors)};
}

ControlResponse failure(const Error& error) {
    return failure(error.message());
}

template <typename Report>
ControlResponse shown(const Report& report, const Invocation& invocation) {
    return {.exit_status = 0, .output = invocation.has("--json") ? report.json() : report.text(), .errors = {}};
}

std::string yes_no(bool value) {
    return value ? "true" : "false";
}

} // namespace

Administration::Administration(Ports ports, PolicyService& policy, EventLog& log, Timekeeper& timekeeper)
    : m_ports(ports), m_policy(policy), m_log(log), m_timekeeper(timekeeper) {}

void Administration::record_access(std::string_view action, const ControlRequest& request, bool success,
                                   std::string reason, std::string message) {
    Event event;
    event.set(Field::event_kind, success ? "event" : "alert");
    event.set(Field::event_category, "authentication");
    event.set(Field::event_action, std::string(action));
    event.set(Field::event_outcome, success ? "success" : "failure");
    if (!reason.empty()) {
        event.set(Field::event_reason, std::move(reason));
    }
    event.set(Field::user_name, request.peer.account);
    event.set(Field::session_origin, request.origin);
    event.set(Field::message, std::move(message));
    m_log.record(std::move(event), Durability::immediate);
}

void Administration::record_refusal(const ControlRequest& request) {
    // what somebody without rights sends is told, but does not fill the log
    constexpr std::size_t kMostWords = 256;
    const std::string words = text::join(request.words, " ");
    record_access("login", request, false, "not-authorised",
                  text::concat("refused: ", words.size() > kMostWords ? words.substr(0, kMostWords) + "…" : words));
}

std::optional<ControlRequest> Administration::identified(const ControlRequest& request) {
    ControlRequest known = request;
    if (request.peer.user_id == 0) {
        return known;
    }
    // The name is the account's, whatever the machine's list of users calls the id.
    if (auto account = m_directory.account ? m_directory.account(request.peer.user_id) : std::nullopt) {
        known.peer.account = *std::move(account);
        return known;
    }
    if (auto name = m_directory.recorded_name ? m_directory.recorded_name(request.peer.user_id) : std::nullopt) {
        known.peer.account = *std::move(name);
    }
    record_refusal(known);
    return std::nullopt;
}

ControlResponse Administration::handle(const ControlRequest& from_anybody) {
    const auto identity = identified(from_anybody);
    if (!identity) {
        return failure(std::string(kRefused));
    }
    const ControlRequest& request = *identity;
    const auto invocation = parse_command(request.words);
    if (!invocation) {
        return {.exit_status = 2, .output = {}, .errors = invocation.error().message() + "\n"};
    }
    if (invocation->command->visibility == Visibility::internal && request.peer.user_id != 0) {
        record_refusal(request);
        return failure("this command is for the router's own programs; the attempt is in the access log");
    }
    if (invocation->command->place != CommandPlace::daemon) {
        return {.exit_status = 2,
                .output = {},
                .errors = text::concat("'", invocation->command->words, "' does not run in the daemon\n")};
    }
    return run(*invocation, request);
}

ControlResponse Administration::run(const Invocation& invocation, const ControlRequest& request) {
    switch (invocation.command->id) {
    case CommandId::apply:
        return apply(invocation, request);
    case CommandId::confirm:
        return confirm(request);
    case CommandId::lease_event:
        return lease_event(invocation);
    case CommandId::session:
        return session(invocation, request);
    case CommandId::show_configuration:
        return show_configuration();
    case CommandId::show_interfaces:
        return show_interfaces(invocation);
    case CommandId::show_log:
        return show_log(invocation, request);
    case CommandId::show_rules:
        return show_rules(invocation);
    case CommandId::show_system:
        return show_system(invocation);
    case CommandId::access_password:
    case CommandId::access_secret:
    case CommandId::store_access_secret:
    case CommandId::show_access_eap_server:
    case CommandId::authenticate:
    case CommandId::capture_grounds:
    case CommandId::check:
    case CommandId::console:
    case CommandId::geo_import:
    case CommandId::geo_rollback:
    case CommandId::geo_upload:
    case CommandId::help:
    case CommandId::log_export:
    case CommandId::log_page:
    case CommandId::login:
    case CommandId::quit:
    case CommandId::render:
    case CommandId::replay:
    case CommandId::show_accounts:
    case CommandId::show_components:
    case CommandId::show_enforcement:
    case CommandId::show_geo:
    case CommandId::show_geo_lookup:
    case CommandId::show_lifecycle:
    case CommandId::clear_access_session:
    case CommandId::access_import:
    case CommandId::access_learn:
    case CommandId::show_access_history:
    case CommandId::show_access_learned:
    case CommandId::show_access_ports:
    case CommandId::show_access_sessions:
    case CommandId::show_log_servers:
    case CommandId::show_version:
    case CommandId::show_why:
    case CommandId::test_capture:
    case CommandId::test_packet:
        break;
    }
    const auto handler = m_handlers.find(invocation.command->id);
    if (handler == m_handlers.end()) {
        return failure(text::concat("'", invocation.command->words, "' is not served by this daemon"));
    }
    return handler->second(invocation, request);
}

void Administration::serve(CommandId command, Handler handler) {
    m_handlers[command] = std::move(handler);
}

ControlResponse Administration::apply(const Invocation& invocation, const ControlRequest& request) {
    ApplyMode mode;
    if (const auto minutes = invocation.value_of("--confirm")) {
        const auto number = text::parse_unsigned(*minutes);
        if (!number || *number == 0 || *number > kMostConfirmMinutes) {
            return {.exit_status = 2, .output = {}, .errors = "argument: --confirm takes minutes from 1 to 1440\n"};
        }
        mode.confirm_minutes = static_cast<unsigned>(*number);
    }
    auto outcome = m_policy.apply(request.payload, {request.peer.account, request.origin}, mode);
    if (!outcome) {
        return failure(std::move(outcome).error());
    }
    return {.exit_status = 0, .output = std::move(outcome->report), .errors = std::move(outcome->warnings)};
}

ControlResponse Administration::confirm(const ControlRequest& request) {
    auto confirmed = m_policy.confirm({request.peer.account, request.origin});
    if (!confirmed) {
        return failure(std::move(confirmed).error());
    }
    return {.exit_status = 0, .output = *std::move(confirmed), .errors = {}};
}

ControlResponse Administration::lease_event(const Invocation& invocation) {
    if (auto taken = m_policy.lease_event(invocation.operands); !taken) {
        return failure(taken.error());
    }
    return {};
}

ControlResponse Administration::session(const Invocation& invocation, const ControlRequest& request) {
    const auto& words = invocation.operands;
    if (words.size() == 2 && words[0] == "end") {
        const auto end = std::ranges::find(kSessionEnds, std::string_view(words[1]), &SessionEnd::reason);
        if (end != kSessionEnds.end()) {
            record_access("logout", request, true, words[1], std::string(end->message));
            return {};
        }
    }
    if (words != std::vector<std::string>{"begin"}) {
        return {.exit_status = 2, .output = {}, .errors = "session: begin, or end with its reason\n"};
    }
    record_access("login", request, true, {}, "session began");
    if (m_on_session) {
        m_on_session(request.peer.account);
    }
    ControlResponse response;
    for (const auto& part : m_greeting) {
        response.output += part();
    }
    return response;
}

ControlResponse Administration::show_configuration() {
    if (!m_policy.configuration()) {
        return failure(m_policy.why());
    }
    return {.exit_status = 0, .output = m_policy.configuration()->text, .errors = {}};
}

ControlResponse Administration::show_interfaces(const Invocation& invocation) {
    const auto links = m_ports.network.links();
    if (!links) {
        return failure(links.error());
    }
    Table table;
    table.name = "interfaces";
    table.columns = {{"name", "Interface", Column::Kind::text},
                     {"zone", "Zone", Column::Kind::text},
                     {"state", "State", Column::Kind::text},
                     {"bridge", "Bridge", Column::Kind::text},
                     {"mac", "MAC address", Column::Kind::text},
                     {"addresses", "Addresses", Column::Kind::text},
                     {"received_bytes", "Received", Column::Kind::number},
                     {"sent_bytes", "Sent", Column::Kind::number}};
    std::map<std::string, std::string> zones;
    for (const ruleset::ZoneEntry& zone : m_policy.ruleset().zones) {
        for (const std::string& interface : zone.interfaces) {
            zones[interface] = zone.name;
        }
    }
    for (const ports::LinkStatus& link : *links) {
        std::vector<std::string> addresses;
        std::ranges::transform(link.addresses, std::back_inserter(addresses), &InterfaceAddress::text);
        const auto zone = zones.find(link.bridge.empty() ? link.name : link.bridge);
        table.rows.push_back({link.name, zone == zones.end() ? "" : zone->second,
                              !link.up       ? "down"
                              : link.carrier ? "up"
                                             : "no link",
                              link.bridge, link.mac ? link.mac->text() : "", text::join(addresses, " "),
                              text::to_text(link.received_bytes), text::to_text(link.sent_bytes)});
    }
    table.status = text::concat(text::to_text(table.rows.size()), " interfaces");
    return shown(table, invocation);
}

ControlResponse Administration::show_log(const Invocation& invocation, const ControlRequest& request) {
    std::size_t most = kDefaultLogEvents;
    if (const auto last = invocation.value_of("--last")) {
        const auto number = text::parse_unsigned(*last);
        if (!number || *number == 0 || *number > kMostLogEvents) {
            return {.exit_status = 2, .output = {}, .errors = "argument: --last takes a number from 1 to 100000\n"};
        }
        most = static_cast<std::size_t>(*number);
    }
    auto reading = m_log.read(most);
    if (!reading) {
        record_access("log-read", request, false, "unreadable", reading.error().message());
        return failure(reading.error());
    }
    record_access("log-read", request, true, {}, text::concat(text::to_text(reading->lines.size()), " events read"));

    const bool by_source = invocation.has("--by-source");
    if (invocation.has("--json") && !by_source) {
        std::string output;
        for (const std::string& line : reading->lines) {
            output += line;
            output += '\n';
        }
        return {.exit_status = 0, .output = std::move(output), .errors = {}};
    }
    std::vector<Event> events;
    std::size_t unreadable = 0;
    for (const std::string& line : reading->lines) {
        if (auto event = m_ports.reader.read(line)) {
            events.push_back(std::move(*event));
        } else {
            ++unreadable;
        }
    }
    const int offset = m_policy.configuration() ? m_policy.configuration()->model.system.utc_offset_minutes : 0;
    Table table = by_source ? log_by_source(events) : log_table(events, offset);
    table.status = text::concat(text::to_text(events.size()), " events read");
    if (unreadable > 0) {
        table.status += text::concat(", ", text::to_text(unreadable), " lines are no events");
    }
    if (reading->gap > 0) {
        table.status +=
            text::concat("; gap: rotation removed ", text::to_text(reading->gap), " events before anyone read them");
    }
    return shown(table, invocation);
}

ControlResponse Administration::show_rules(const Invocation& invocation) {
    const auto readings = m_ports.filter.counters();
    if (!readings) {
        return failure(readings.error());
    }
    std::map<std::string_view, const ports::CounterReading*> counters;
    for (const ports::CounterReading& reading : *readings) {
        counters[reading.id] = &reading;
    }
    Table table;
    table.name = "rules";
    table.columns = {{"id", "Rule", Column::Kind::text},
                     {"hook", "Hook", Column::Kind::text},
                     {"reason", "Reason", Column::Kind::text},
                     {"packets", "Packets", Column::Kind::number},
                     {"bytes", "Bytes", Column::Kind::number},
                     {"line", "Line", Column::Kind::number},
                     {"configuration", "Configuration", Column::Kind::text}};
    std::vector<std::string_view> lines;
    if (m_policy.configuration()) {
        lines = text::split(m_policy.configuration()->text, '\n');
    }
    std::string_view former;
    for (const ruleset::Rule& rule : m_policy.ruleset().rules) {
        if (rule.id == former) {
            continue; // several rules of one id share its counter
        }
        former = rule.id;
        const auto counter = counters.find(rule.id);
        std::string statement;
        if (rule.place.line > 0 && rule.place.line <= lines.size()) {
            statement = lines[rule.place.line - 1];
            statement.erase(0, statement.find_first_not_of(" \t"));
        }
        table.rows.push_back({rule.id, std::string(name_of(rule.hook)), std::string(name_of(rule.reason)),
                              counter == counters.end() ? "" : text::to_text(counter->second->packets),
                              counter == counters.end() ? "" : text::to_text(counter->second->bytes),
                              rule.place.line > 0 ? text::to_text(rule.place.line) : "", statement});
    }
    table.status = text::concat(text::to_text(table.rows.size()), " rules, policy ",
                                m_policy.configuration() ? m_policy.configuration()->digest.substr(0, 12) : "none",
                                " (", name_of(m_policy.source()), ")");
    return shown(table, invocation);
}

ControlResponse Administration::show_system(const Invocation& invocation) {
    const ClockReading clock = m_timekeeper.reading();
    const int offset = m_policy.configuration() ? m_policy.configuration()->model.system.utc_offset_minutes : 0;
    Facts facts;
    const auto add = [&](std::string key, std::string title, Column::Kind kind, std::string value) {
        facts.facts.push_back({{std::move(key), std::move(title), kind}, std::move(value)});
    };
    add("host_name", "Host name", Column::Kind::text,
        m_policy.configuration() ? m_policy.configuration()->model.system.host_name : "");
    add("time", "Time", Column::Kind::text, rfc3339_offset(clock.now, offset));
    add("clock_synchronised", "Clock synchronised", Column::Kind::boolean, yes_no(clock.synchronised));
    add("clock_behind_record", "Clock behind recorded time", Column::Kind::boolean,
        yes_no(m_timekeeper.clock_is_behind()));
    add("boot_id", "Boot", Column::Kind::text, m_ports.system.boot_id());
    add("uptime_seconds", "Seconds since boot", Column::Kind::number,
        text::to_text(static_cast<std::uint64_t>(m_ports.clock.monotonic_microseconds() / 1'000'000)));
    add("policy_source", "Policy in force", Column::Kind::text, std::string(name_of(m_policy.source())));
    add("policy_digest", "Policy digest", Column::Kind::text,
        m_policy.configuration() ? m_policy.configuration()->digest : "");
    const auto confirm_until = m_policy.confirm_until();
    add("policy_confirm_until", "To be confirmed until", Column::Kind::text,
        confirm_until ? rfc3339_utc(*confirm_until) : "");
    add("policy_note", "Note", Column::Kind::text, m_policy.why());
    add("wan_held", "WAN held down", Column::Kind::boolean, yes_no(m_policy.is_wan_held()));
    add("enforcing_after_milliseconds", "Enforcing after (ms)", Column::Kind::number,
        m_policy.enforcing_since() ? text::to_text(static_cast<std::uint64_t>(*m_policy.enforcing_since() / 1000))
                                   : "");
    const auto memory = m_ports.system.memory();
    add("memory_total_bytes", "Memory", Column::Kind::number, memory ? text::to_text(memory->total_bytes) : "");
    add("memory_available_bytes", "Memory available", Column::Kind::number,
        memory ? text::to_text(memory->available_bytes) : "");
    add("daemon_resident_bytes", "Memory of the daemon", Column::Kind::number,
        memory ? text::to_text(memory->daemon_resident_bytes) : "");
    add("daemon_peak_bytes", "Memory of the daemon at most", Column::Kind::number,
        memory ? text::to_text(memory->daemon_peak_bytes) : "");
    const auto space = m_ports.system.data_space();
    add("data_total_bytes", "Data partition", Column::Kind::number, space ? text::to_text(space->total_bytes) : "");
    add("data_free_bytes", "Data partition free", Column::Kind::number, space ? text::to_text(space->free_bytes) : "");
    add("log_events_lost", "Events not written", Column::Kind::number, text::to_text(m_log.lost()));
    for (const auto& part : m_system_parts) {
        part(facts);
    }
    facts.status = m_policy.configuration() ? "enforcing" : "closed: no configuration is in force";
    if (m_policy.confirm_until()) {
        facts.status += "; not committed: what was in force before comes back unless 'confirm' follows";
    }
    if (m_policy.is_wan_held()) {
        facts.status += "; the WAN stays down until the first password is set";
    }
    return shown(facts, invocation);
}

} // namespace sekisho::services

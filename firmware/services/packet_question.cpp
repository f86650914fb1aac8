// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/packet_question.hpp"

#include "firmware/services/address_facts.hpp"
#include "policy/base/table.hpp"
#include "policy/base/text.hpp"
#include "policy/judge/judge.hpp"
#include "policy/judge/probe.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <optional>
#include <vector>

namespace sekisho::services {

using ports::ControlResponse;

namespace {

constexpr int kDenied = 3;
constexpr std::uint16_t kUsualSourcePort = 49'152; ///< the first that nobody assigns (RFC 6335)

struct Question {
    judge::Probe probe;
    std::optional<Time> at;
    std::optional<std::string> role;
};

Error refused(std::string_view option, std::string_view why) {
    return Error(Domain::argument, std::string(option), std::string(why));
}

Result<std::uint16_t> port_of(const Invocation& invocation, std::string_view option, std::uint16_t otherwise) {
    const auto word = invocation.value_of(option);
    const auto number = word ? text::parse_unsigned(*word) : std::optional<std::uint64_t>(otherwise);
    if (!number || *number > std::numeric_limits<std::uint16_t>::max()) {
        return std::unexpected(refused(option, "takes a number from 0 to 65535"));
    }
    return static_cast<std::uint16_t>(*number);
}

Result<model::Protocol> protocol_of(std::string_view word, Family family) {
    using enum model::Protocol;
    for (const model::Protocol protocol : {tcp, udp, icmp, icmpv6, gre, esp, ah, sctp}) {
        if (name_of(protocol) == word) {
            const bool is_icmp = protocol == icmp || protocol == icmpv6;
            return is_icmp ? (family == Family::ipv4 ? icmp : icmpv6) : protocol; // each family has its own
        }
    }
    return std::unexpected(refused("protocol", "takes tcp, udp, icmp, gre, esp, ah or sctp"));
}

Result<Question> question_of(const Invocation& invocation) {
    Question question;
    judge::Probe& probe = question.probe;
    probe.source = TRY(IpAddress::parse(*invocation.value_of("from")));
    probe.destination = TRY(IpAddress::parse(*invocation.value_of("to")));
    if (probe.source.family() != probe.destination.family()) {
        return std::unexpected(refused("to", "is of another family than the source"));
    }
    const auto protocol = TRY(protocol_of(invocation.value_of("protocol").value_or("tcp"), probe.source.family()));
    probe.protocol = static_cast<std::uint8_t>(protocol);
    if (has_ports(protocol) && !invocation.value_of("port")) {
        return std::unexpected(refused("port", "is needed with this protocol"));
    }
    probe.destination_port = TRY(port_of(invocation, "port", 0));
    probe.source_port = TRY(port_of(invocation, "source-port", kUsualSourcePort));
    if (const auto time = invocation.value_of("at")) {
        question.at = TRY(parse_rfc3339(*time));
    }
    if (const auto role = invocation.value_of("role")) {
        question.role = std::string(*role);
    }
    return question;
}

/// Addresses that are not in the configuration: leases, link-local ones.
void add_addresses(judge::Environment& environment, const std::vector<ports::LinkStatus>& links) {
    for (const ports::LinkStatus& link : links) {
        const judge::DeviceIndex index = environment.find_device(link.name);
        if (index == judge::kNoDevice) {
            continue;
        }
        auto& addresses = environment.devices[index].addresses;
        std::ranges::copy_if(link.addresses, std::back_inserter(addresses), [&](const InterfaceAddress& address) {
            return !std::ranges::contains(addresses, address);
        });
    }
}

/// Where a packet of this source comes in: by the device whose network has it, else by the WAN.
judge::DeviceIndex ingress_of(const judge::Environment& environment, const IpAddress& source) {
    judge::DeviceIndex wan = judge::kNoDevice;
    for (std::size_t index = 0; index < environment.devices.size(); ++index) {
        const judge::Device& device = environment.devices[index];
        if (std::ranges::any_of(device.addresses,
                                [&](const InterfaceAddress& own) { return own.network().contains(source); })) {
            return static_cast<judge::DeviceIndex>(index);
        }
        if (device.is_wan && wan == judge::kNoDevice) {
            wan = static_cast<judge::DeviceIndex>(index);
        }
    }
    return wan;
}

/// The mark of its sender. Who is not said to have a role is taken as on an open port.
Result<std::uint32_t> mark_of(const std::optional<std::string>& role, const model::Model& model) {
    if (!role) {
        return ruleset::kOpenPort;
    }
    std::vector<std::string> names;
    std::ranges::transform(model.access.roles, std::back_inserter(names), &model::Role::name);
    const auto numbers = ruleset::role_numbers(names);
    const auto found = numbers.find(*role);
    if (found == numbers.end()) {
        return std::unexpected(refused("role", "is none of port-access"));
    }
    return found->second;
}

std::string line_of(const ruleset::Rule& rule) {
    return rule.place.line > 0 ? text::to_text(rule.place.line) : std::string();
}

std::string deed_of(const ruleset::Rule& rule) {
    if (const auto* to = std::get_if<ruleset::TranslateDestination>(&rule.verdict)) {
        return text::concat("the destination becomes ", to->address.text(),
                            to->port ? text::concat(" port ", text::to_text(*to->port)) : std::string());
    }
    if (std::holds_alternative<ruleset::Masquerade>(rule.verdict)) {
        return "the source becomes the router's own address";
    }
    if (std::holds_alternative<ruleset::Accept>(rule.verdict)) {
        return "accepts";
    }
    if (std::holds_alternative<ruleset::Continue>(rule.verdict)) {
        return rule.log == ruleset::LogKind::recorded ? "is in the access log" : "goes on";
    }
    return std::holds_alternative<ruleset::Reject>(rule.verdict) ? "rejects" : "drops";
}

Table steps_table(const std::vector<judge::Step>& steps) {
    using enum Column::Kind;
    Table table;
    table.name = "steps";
    table.columns = {
        {"hook", "Hook", text}, {"rule", "Rule", text}, {"line", "Line", number}, {"does", "What it does", text}};
    for (std::size_t index = 0; index < steps.size(); ++index) {
        const judge::Step& step = steps[index];
        if (step.rule != nullptr) {
            table.rows.push_back(
                {std::string(name_of(step.hook)), step.rule->id, line_of(*step.rule), deed_of(*step.rule)});
        } else if (index == 0 || steps[index - 1].hook != step.hook) {
            table.rows.push_back({std::string(name_of(step.hook)), "", "", "no rule objects"});
        }
    }
    table.status = text::concat(text::to_text(table.rows.size()), " steps");
    return table;
}

std::string verdict_text(const judge::Judgement& judgement) {
    if (judgement.verdict == judge::Verdict::stack) {
        return text::concat("not passed by the IP stack: ", name_of(judgement.cause));
    }
    return std::string(name_of(judgement.verdict));
}

std::string end_text(const IpAddress& address, std::uint16_t port) {
    return port == 0 ? address.text() : text::concat(address.text(), " port ", text::to_text(port));
}

Facts::Fact text_fact(std::string key, std::string title, std::string value) {
    return {{std::move(key), std::move(title), Column::Kind::text}, std::move(value)};
}

Facts::Fact number_fact(std::string key, std::string title, std::string value) {
    return {{std::move(key), std::move(title), Column::Kind::number}, std::move(value)};
}

std::vector<Facts::Fact> facts_of(const Question& question, const judge::Judgement& judgement,
                                  const judge::Environment& environment, const ruleset::Ruleset& rules) {
    const judge::Probe& probe = question.probe;
    const judge::Device& device = environment.devices[ingress_of(environment, probe.source)];
    const ruleset::ZoneEntry* zone = rules.find_zone(device.zone);
    const ruleset::Rule* rule = judgement.rule;
    const bool by_stack = judgement.verdict == judge::Verdict::stack;
    const bool has_ports = model::has_ports(static_cast<model::Protocol>(probe.protocol));
    const auto end = [&](const IpAddress& address, std::uint16_t port) {
        return end_text(address, has_ports ? port : std::uint16_t{0});
    };
    return {
        text_fact("verdict", "Verdict", verdict_text(judgement)),
        text_fact("rule", "Rule", rule != nullptr ? rule->id : ""),
        text_fact("reason", "Reason", by_stack ? "" : std::string(name_of(judgement.reason()))),
        number_fact("line", "Configuration line", rule != nullptr ? line_of(*rule) : ""),
        text_fact("from", "From", end(probe.source, probe.source_port)),
        text_fact("to", "To", end(probe.destination, probe.destination_port)),
        text_fact("arrives", "Arrives at", end(judgement.tuple.destination, judgement.tuple.destination_port)),
        text_fact("interface", "Comes in by", device.name),
        text_fact("zone", "From zone", zone != nullptr ? zone->name : ""),
        text_fact("leaves", "Leaves by",
                  judgement.egress != judge::kNoDevice ? environment.devices[judgement.egress].name : ""),
    };
}

} // namespace

ControlResponse PacketQuestion::answer(const Invocation& invocation) {
    const auto nonsense = [](const Error& error) {
        return ControlResponse{.exit_status = 2, .output = {}, .errors = error.message() + "\n"};
    };
    const auto question = question_of(invocation);
    if (!question) {
        return nonsense(question.error());
    }
    const auto& configuration = m_policy.configuration();
    if (!configuration) {
        return {.exit_status = 1, .output = {}, .errors = m_policy.why() + "\n"};
    }
    const model::Model& model = configuration->model;
    const ClockReading clock = m_timekeeper.reading();
    if (question->at && *question->at < clock.now) {
        return nonsense(refused("at", "is past: what has expired since is not in force any more"));
    }
    const auto mark = mark_of(question->role, model);
    const auto links = m_network.links();
    if (!mark || !links) {
        return nonsense(mark ? links.error() : mark.error());
    }
    judge::Environment environment = judge::environment_of(model, m_policy.ruleset());
    add_addresses(environment, *links);
    const judge::Probe& probe = question->probe;
    const judge::DeviceIndex ingress = ingress_of(environment, probe.source);
    if (ingress == judge::kNoDevice || environment.device_of(probe.source) != judge::kNoDevice) {
        return nonsense(refused("from", ingress == judge::kNoDevice ? "comes from nowhere: there is no WAN"
                                                                    : "is the router's own address"));
    }
    const judge::Device& device = environment.devices[ingress];
    judge::Judge judge(m_policy.ruleset(), environment);
    judge::FlowTable flows(16);
    std::vector<judge::Step> steps;
    judge.watch(&steps);
    const auto packet = judge::first_packet(probe);
    const auto judgement = judge.judge(flows, {.packet = packet,
                                               .wire_size = packet.size(),
                                               .device = ingress,
                                               .role = device.is_guarded ? *mark : 0,
                                               .when = question->at.value_or(clock.now)});
    Facts facts;
    facts.facts = facts_of(*question, judgement, environment, m_policy.ruleset());
    add_source_facts(facts, probe.source, clock);
    facts.facts.push_back(text_fact("policy", "Policy", configuration->digest));
    const bool passes = judgement.verdict == judge::Verdict::accepted;
    facts.status = passes ? "a first packet like this one passes" : "a first packet like this one does not pass";
    if (device.is_guarded && !question->role) {
        facts.status += "; its sender is taken as on an open port ('role NAME' says otherwise)";
    }
    const std::array tables{steps_table(steps)};
    return {.exit_status = passes ? 0 : kDenied,
            .output = shown_together(facts, tables, invocation.has("--json")),
            .errors = {}};
}

ControlResponse PacketQuestion::grounds() {
    const auto& configuration = m_policy.configuration();
    const auto links = m_network.links();
    if (!configuration || !links) {
        return {.exit_status = 1,
                .output = {},
                .errors = (configuration ? links.error().message() : m_policy.why()) + "\n"};
    }
    judge::Environment known = judge::environment_of(configuration->model, m_policy.ruleset());
    for (judge::Device& device : known.devices) {
        device.addresses.clear(); // those of the configuration come with it
    }
    add_addresses(known, *links);
    const ClockReading clock = m_timekeeper.reading();
    std::string lines = text::concat("policy ", configuration->digest, "\ntime ", rfc3339_utc(clock.now),
                                     clock.synchronised ? " synchronised\n" : " unsynchronised\n");
    if (const std::string database = m_countries.path(); !database.empty()) {
        lines += text::concat("database ", database, "\n");
    }
    for (const judge::Device& device : known.devices) {
        for (const InterfaceAddress& address : device.addresses) {
            lines += text::concat("address ", device.name, "=", address.text(), "\n");
        }
    }
    return {.exit_status = 0, .output = std::move(lines), .errors = {}};
}

void PacketQuestion::add_source_facts(Facts& facts, const IpAddress& source, const ClockReading& clock) {
    const model::Model& model = m_policy.configuration()->model;
    ports::GeoDatabase* database = m_countries.database();
    const auto country = database != nullptr ? database->locate(source).country : std::nullopt;
    const auto age = m_countries.age_days();
    facts.facts.push_back(
        text_fact("address_lists", "Source in address-lists", address_lists_of(model, source, clock)));
    facts.facts.push_back(text_fact("geo_lists", "Source in geo-lists", geo_lists_of(model, source, country, clock)));
    facts.facts.push_back(text_fact("country", "Country of the source", country ? country->text() : ""));
    facts.facts.push_back(number_fact("country_database_age_days", "Age of the country database in days",
                                      age ? text::to_text_signed(*age) : ""));
}

} // namespace sekisho::services

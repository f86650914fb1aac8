// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/geo_report.hpp"

#include "firmware/services/address_facts.hpp"
#include "policy/base/table.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/admission.hpp"
#include "policy/ruleset/mark.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <span>

namespace sekisho::services {

namespace {

using ports::ControlResponse;

Facts::Fact text_fact(std::string key, std::string title, std::string value) {
    return {{std::move(key), std::move(title), Column::Kind::text}, std::move(value)};
}

Facts::Fact number_fact(std::string key, std::string title, std::string value) {
    return {{std::move(key), std::move(title), Column::Kind::number}, std::move(value)};
}

Facts::Fact boolean_fact(std::string key, std::string title, bool value) {
    return {{std::move(key), std::move(title), Column::Kind::boolean}, value ? "true" : "false"};
}

std::string count_text(std::size_t count) {
    return text::to_text(static_cast<std::uint64_t>(count));
}

// ---- show geo
// ------------------------------------------------------------------------------------------------------------------------------------------

/// Where a list of countries is used, "gate, service web, block".
std::string uses_of(const model::Model& model, const std::string& list) {
    std::vector<std::string> uses;
    if (std::ranges::contains(model.gate.geo_lists, list)) {
        uses.emplace_back("gate");
    }
    if (std::ranges::contains(model.block.geo_lists, list)) {
        uses.emplace_back("block");
    }
    for (const model::Service& service : model.services) {
        if (std::ranges::contains(service.geo_lists, list)) {
            uses.push_back(text::concat("service ", service.name));
        }
    }
    for (const model::Policy& policy : model.policies) {
        if (std::ranges::contains(policy.destination_geo_lists, list)) {
            uses.push_back(text::concat("policy ", policy.name));
        }
    }
    return text::join(uses, ", ");
}

std::string countries_of(const model::GeoList& list) {
    std::vector<std::string> codes;
    std::ranges::transform(list.countries, std::back_inserter(codes), &CountryCode::text);
    return text::join(codes, " ");
}

std::string_view name_of(model::GeoList::Unknown unknown) {
    switch (unknown) {
    case model::GeoList::Unknown::deny:
        return "deny";
    case model::GeoList::Unknown::allow:
        return "allow";
    case model::GeoList::Unknown::as_unnamed:
        break;
    }
    return "as not named";
}

/// What a list stands for in one of its uses; null where it has none.
const geo::Content* content_of(const model::GeoList& list, const geo::Contents& contents) {
    for (const model::ListUse use : {model::ListUse::admits, model::ListUse::refuses}) {
        const auto found = contents.find(selection_of(list, use));
        if (found != contents.end()) {
            return &found->second;
        }
    }
    return nullptr;
}

Table lists_table(const model::Model& model, const geo::Contents& contents) {
    Table table;
    table.name = "lists";
    table.columns = {{"name", "List", Column::Kind::text},
                     {"countries", "Countries", Column::Kind::text},
                     {"unknown", "Unknown", Column::Kind::text},
                     {"except", "Except", Column::Kind::text},
                     {"used", "Used by", Column::Kind::text},
                     {"ranges_v4", "IPv4 ranges", Column::Kind::number},
                     {"ranges_v6", "IPv6 ranges", Column::Kind::number}};
    for (const model::GeoList& list : model.geo_lists) {
        std::string used = uses_of(model, list.name);
        const geo::Content* content = used.empty() ? nullptr : content_of(list, contents);
        table.rows.push_back({list.name, countries_of(list), std::string(name_of(list.unknown)),
                              text::join(list.except_lists, " "), std::move(used),
                              content != nullptr ? count_text((*content)[0].ranges->size()) : "",
                              content != nullptr ? count_text((*content)[1].ranges->size()) : ""});
    }
    table.status = text::concat(count_text(table.rows.size()), " lists of countries");
    return table;
}

/// Sets of countries that the kernel has: each was filled and verified before the rules in force began to use it.
Table sets_table(const ruleset::Ruleset& in_force) {
    Table table;
    table.name = "sets";
    table.columns = {{"name", "Set", Column::Kind::text},
                     {"family", "Family", Column::Kind::text},
                     {"elements", "Elements", Column::Kind::number}};
    std::size_t elements = 0;
    for (const ruleset::Set& set : in_force.sets) {
        if (set.ranges) {
            table.rows.push_back(
                {set.name, set.family == Family::ipv4 ? "ipv4" : "ipv6", count_text(set.ranges->size())});
            elements += set.ranges->size();
        }
    }
    table.status = text::concat(count_text(table.rows.size()), " sets of countries in the kernel, ",
                                count_text(elements), " elements");
    return table;
}

void add_database(Facts& facts, Countries& countries, unsigned warn_after_days) {
    const ports::GeoDatabase* database = countries.database();
    const ports::GeoFacts none;
    const ports::GeoFacts& said = database != nullptr ? database->facts() : none;
    const auto age = countries.age_days();
    facts.facts = {
        text_fact("database", "Database", said.type),
        text_fact("origin", "Origin", std::string(name_of(countries.origin()))),
        text_fact("built", "Built", database != nullptr ? rfc3339_utc(said.built) : ""),
        number_fact("age_days", "Age in days", age ? text::to_text_signed(*age) : ""),
        number_fact("warn_after_days", "Warned of after days", text::to_text(warn_after_days)),
        number_fact("size_bytes", "Size", database != nullptr ? text::to_text(said.bytes) : ""),
        text_fact("families", "Families",
                  database == nullptr ? ""
                  : said.has_v6       ? "ipv4 ipv6"
                                      : "ipv4"),
        text_fact("sha256", "SHA-256", countries.sha256()),
        text_fact("description", "Description", said.description),
    };
    const bool is_old = age && *age > static_cast<std::int64_t>(warn_after_days);
    facts.facts.push_back({{"is_old", "Too old", Column::Kind::boolean}, age ? (is_old ? "true" : "false") : ""});
    facts.status = database == nullptr ? "there is no country database"
                   : is_old            ? text::concat("the country database is ", text::to_text_signed(*age),
                                                      " days old: import a newer one (geo import FILE)")
                                       : "the country database is in force";
}

void add_early_drop(Facts& facts, const PolicyService& policy) {
    const bool wanted = std::ranges::contains(policy.ruleset().rules, ruleset::Hook::early, &ruleset::Rule::hook);
    const EarlyDrop& early = policy.early_drop();
    facts.facts.push_back(boolean_fact("early_drop_wanted", "Early drop wanted", wanted));
    facts.facts.push_back(
        text_fact("early_drop_devices", "Early drop on", wanted ? text::join(early.devices(), " ") : ""));
    facts.facts.push_back(text_fact("early_drop_trouble", "Early drop lacks", early.trouble()));
}

void add_last(Facts& facts, const CountryImport::Last& last) {
    facts.facts.push_back(text_fact("last_change", "Last change", last.action));
    facts.facts.push_back(text_fact("last_change_time", "Last change at", last.time));
    facts.facts.push_back(text_fact("last_change_account", "Last change by", last.account));
    facts.facts.push_back(text_fact("last_change_outcome", "Last change ended in", last.outcome));
    facts.facts.push_back(text_fact("last_change_message", "Last change said", last.message));
}

// ---- show geo lookup
// -----------------------------------------------------------------------------------------------------------------------------------

const ruleset::ZoneEntry* find_wan(const ruleset::Ruleset& in_force) {
    const auto found = std::ranges::find_if(in_force.zones, &ruleset::ZoneEntry::is_wan);
    return found == in_force.zones.end() || found->interfaces.empty() ? nullptr : &*found;
}

/// The device whose network has the address; empty where none has.
std::string device_to(const model::Model& model, const IpAddress& address) {
    for (const model::Interface& interface : model.interfaces) {
        if (std::ranges::any_of(interface.addresses,
                                [&](const InterfaceAddress& own) { return own.network().contains(address); })) {
            return interface.name;
        }
    }
    return {};
}

/// A first packet from the WAN to a service, as the service is addressed there; nothing where it is not reachable over
/// the family.
std::optional<ruleset::Flow> to_service(const model::Service& service, const ruleset::ZoneEntry& wan,
                                        const IpAddress& source) {
    const bool v4 = source.family() == Family::ipv4;
    ruleset::Flow flow;
    flow.mark = ruleset::make_mark(wan.index, 0);
    flow.protocol =
        static_cast<std::uint8_t>(service.protocol == model::Protocol::any ? model::Protocol::tcp : service.protocol);
    flow.source = source;
    flow.source_port = 49'152;
    const std::uint16_t port = service.ports.empty() ? std::uint16_t{0} : service.ports.front().first;
    const std::uint16_t inside_port = service.forward_port.value_or(port);
    if (!service.is_forwarded()) {
        flow.destination = flow.reached = v4 ? IpAddress::v4(0) : IpAddress::parse("::").value();
        flow.destination_port = flow.reached_port = port;
        flow.own_device = wan.interfaces.front();
    } else if (v4 && service.forward_v4) {
        flow.destination_port = port;
        flow.translated = true;
        flow.reached = *service.forward_v4;
        flow.reached_port = inside_port;
    } else if (!v4 && service.forward_v6) {
        flow.destination = flow.reached = *service.forward_v6;
        flow.destination_port = flow.reached_port = inside_port;
    } else {
        return std::nullopt;
    }
    return flow;
}

/// The rule that refuses the source before services are asked: a spoofed address, a block, the gate. Null: none.
const ruleset::Rule* refusal_before_services(const ruleset::Ruleset& in_force, const ruleset::ZoneEntry& wan,
                                             const IpAddress& source, Time now) {
    for (const ruleset::Rule& rule : in_force.rules) {
        const bool screens = rule.hook == ruleset::Hook::screen;
        const bool stands_before =
            rule.hook == ruleset::Hook::forward && (rule.id.starts_with("block.") || rule.id == "gate.country");
        if (!std::holds_alternative<ruleset::Drop>(rule.verdict) || !(screens || stands_before)) {
            continue;
        }
        const bool holds = std::ranges::all_of(rule.matches, [&](const ruleset::Match& match) {
            if (const auto* ingress = std::get_if<ruleset::IngressZone>(&match)) {
                return ingress->zone == wan.index;
            }
            if (const auto* family = std::get_if<ruleset::FamilyIs>(&match)) {
                return family->family == source.family();
            }
            if (const auto* in = std::get_if<ruleset::AddressIn>(&match)) {
                return in->side == ruleset::Side::source && in->prefixes.front().family() == source.family() &&
                       std::ranges::any_of(in->prefixes, [&](const IpPrefix& each) { return each.contains(source); }) !=
                           in->negated;
            }
            if (const auto* in = std::get_if<ruleset::AddressInSet>(&match)) {
                const ruleset::Set& set = in_force.sets[in->set];
                return in->side == ruleset::Side::source && set.family == source.family() &&
                       set.contains(source, now) != in->negated;
            }
            return false; // not by the source alone
        });
        if (holds) {
            return &rule;
        }
    }
    return nullptr;
}

std::vector<std::string> service_row(const model::Service& service, std::string_view verdict,
                                     const ruleset::Rule* rule) {
    std::vector<std::string> ports;
    for (const model::PortRange& range : service.ports) {
        ports.push_back(range.first == range.last
                            ? text::to_text(range.first)
                            : text::concat(text::to_text(range.first), "-", text::to_text(range.last)));
    }
    return {service.name,
            std::string(name_of(service.protocol)),
            text::join(ports, " "),
            std::string(verdict),
            rule != nullptr ? rule->id : "",
            rule != nullptr ? std::string(name_of(rule->reason)) : ""};
}

/// What the rules in force say to a new connection from the WAN to each service.
Table services_table(const PolicyService& policy, const model::Model& model, const IpAddress& source, Time now) {
    Table table;
    table.name = "services";
    table.columns = {{"name", "Service", Column::Kind::text}, {"protocol", "Protocol", Column::Kind::text},
                     {"ports", "Ports", Column::Kind::text},  {"verdict", "Verdict", Column::Kind::text},
                     {"rule", "Rule", Column::Kind::text},    {"reason", "Reason", Column::Kind::text}};
    const ruleset::ZoneEntry* wan = find_wan(policy.ruleset());
    const ruleset::Rule* before =
        wan != nullptr ? refusal_before_services(policy.ruleset(), *wan, source, now) : nullptr;
    std::size_t admitted = 0;
    for (const model::Service& service : model.services) {
        auto flow = wan != nullptr ? to_service(service, *wan, source) : std::nullopt;
        if (before != nullptr || !flow) {
            table.rows.push_back(service_row(service, before != nullptr ? "denied" : "not offered", before));
            continue;
        }
        flow->egress_device = device_to(model, flow->reached);
        const ruleset::Admission said = admission_of(policy.ruleset(), *flow, now);
        admitted += said.admitted ? 1 : 0;
        table.rows.push_back(service_row(service, said.admitted ? "admitted" : "denied", said.rule));
    }
    table.status = text::concat(count_text(admitted), " of ", count_text(table.rows.size()),
                                " services admit a connection from this address on the WAN");
    return table;
}

std::string gate_says(const PolicyService& policy, const model::Model& model, const IpAddress& source, Time now) {
    if (model.gate.geo_lists.empty()) {
        return "there is none";
    }
    const ruleset::ZoneEntry* wan = find_wan(policy.ruleset());
    const ruleset::Rule* before =
        wan != nullptr ? refusal_before_services(policy.ruleset(), *wan, source, now) : nullptr;
    return before == nullptr              ? "admits"
           : before->id == "gate.country" ? "refuses"
                                          : text::concat(before->id, " refuses before it");
}

} // namespace

ControlResponse GeoReport::show(const Invocation& invocation) {
    const auto& configuration = m_policy.configuration();
    const model::Model none;
    const model::Model& model = configuration ? configuration->model : none;
    const auto contents = m_countries.contents(model);
    Facts facts;
    add_database(facts, m_countries, model.geo.warn_after_days);
    add_early_drop(facts, m_policy);
    add_last(facts, m_import.last().value_or(CountryImport::Last{}));
    const std::array tables{lists_table(model, contents ? *contents : geo::Contents{}), sets_table(m_policy.ruleset())};
    return {.exit_status = 0, .output = shown_together(facts, tables, invocation.has("--json")), .errors = {}};
}

ControlResponse GeoReport::look_up(const Invocation& invocation) {
    const auto address = IpAddress::parse(invocation.operands.front());
    if (!address) {
        return {.exit_status = 2, .output = {}, .errors = address.error().message() + "\n"};
    }
    const auto [facts, services] = about(*address);
    return {.exit_status = 0, .output = shown_together(facts, {&services, 1}, invocation.has("--json")), .errors = {}};
}

GeoReport::LookUp GeoReport::about(const IpAddress& address) {
    ports::GeoDatabase* database = m_countries.database();
    const auto location = database != nullptr ? std::optional(database->locate(address)) : std::nullopt;
    const auto country = location ? location->country : std::nullopt;
    const auto& configuration = m_policy.configuration();
    const model::Model none;
    const model::Model& model = configuration ? configuration->model : none;
    const ClockReading clock = m_timekeeper.reading();
    Facts facts;
    facts.facts = {
        text_fact("address", "Address", address.text()),
        text_fact("country", "Country", country ? country->text() : ""),
        text_fact("country_name", "Country's name", country ? std::string(country->name()) : ""),
        text_fact("prefix", "Network in the database", location ? location->prefix.text() : ""),
        boolean_fact("special_purpose", "Of no country at all", !geo::is_global(address)),
        text_fact("geo_lists", "In geo-lists", geo_lists_of(model, address, country, clock)),
        text_fact("address_lists", "In address-lists", address_lists_of(model, address, clock)),
        text_fact("gate", "Gate", gate_says(m_policy, model, address, clock.now)),
    };
    facts.status = country                   ? described(*country)
                   : geo::is_global(address) ? "the database gives it no country"
                                             : "private, shared or otherwise special: it belongs to no country";
    return {std::move(facts), services_table(m_policy, model, address, clock.now)};
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/lifecycle_report.hpp"

#include "policy/base/json.hpp"
#include "policy/base/text.hpp"
#include "policy/lifecycle/sentences.hpp"

#include <optional>

namespace sekisho::services {

namespace {

using lifecycle::Core;
using lifecycle::Moment;
using lifecycle::RecordOrCause;
using lifecycle::Status;
using lifecycle::SupportRecord;
using lifecycle::SupportStatus;

std::string shown(Time time, ReportForm form) {
    return form.is_json ? rfc3339_utc(time) : lifecycle::shown_time(time, form.offset_minutes);
}

std::string shown(const std::optional<Moment>& moment, ReportForm form) {
    if (!moment) {
        return {};
    }
    return moment->time ? shown(*moment->time, form) : "tba";
}

bool has_record(const RecordOrCause& record) {
    return record && *record;
}

/// One with empty texts where there is none.
SupportRecord record_or_empty(const RecordOrCause& record) {
    return has_record(record) ? **record : SupportRecord{};
}

Facts::Fact text_fact(std::string key, std::string title, std::string value) {
    return {{std::move(key), std::move(title), Column::Kind::text}, std::move(value)};
}

Facts::Fact number_fact(std::string key, std::string title, const std::optional<std::int64_t>& value) {
    return {{std::move(key), std::move(title), Column::Kind::number}, value ? text::to_text_signed(*value) : ""};
}

Facts lifecycle_facts(const Status& status, const RecordOrCause& record, ReportForm form) {
    const SupportRecord found = record_or_empty(record);
    const auto of_core = [&](const std::optional<Moment>& moment) {
        return has_record(record) ? shown(moment, form) : std::string();
    };
    Facts facts;
    facts.facts = {
        text_fact("status", "Status", std::string(name_of(status.status))),
        number_fact("days_left", "Days left", status.days_left),
        text_fact("changes_at", "Status changes at", status.changes_at ? shown(*status.changes_at, form) : ""),
        text_fact("warning", "Warning", std::string(name_of(status.warning))),
        text_fact("reason", "Reason", std::string(name_of(status.reason))),
        text_fact("why", "Why", status.why.english),
        text_fact("why_ja", "理由", status.why.japanese),
        text_fact("promised_by", "Promised by", found.promised_by),
        text_fact("source", "Source", found.source),
        text_fact("holds_for_product", "Holds for product", found.product),
        text_fact("holds_for_version", "Holds for version", found.version),
        text_fact("general_availability", "Available from", of_core(found.core.general_availability)),
        text_fact("end_of_sales", "End of sales", of_core(found.core.end_of_sales)),
        text_fact("end_of_full_support", "End of full support", of_core(found.end_of_full_support)),
        text_fact("end_of_security_support", "End of security support", of_core(found.core.end_of_security_support)),
        text_fact("end_of_life", "End of life", of_core(found.core.end_of_life)),
        text_fact("last_updated", "Record written", of_core(found.core.last_updated)),
        number_fact("exit_status", "Exit status", lifecycle::exit_status_of(status.status)),
    };
    return facts;
}

void write_core(JsonWriter& writer, const Core& core) {
    const auto add = [&writer](std::string_view name, const std::optional<Moment>& moment) {
        if (moment) {
            writer.key(name).string(moment->text);
        }
    };
    writer.begin_object().key("$schema").string(core.schema);
    add("general_availability", core.general_availability);
    add("end_of_sales", core.end_of_sales);
    add("end_of_security_support", core.end_of_security_support);
    add("end_of_life", core.end_of_life);
    add("last_updated", core.last_updated);
    writer.end_object();
}

} // namespace

Facts version_facts(const Identity& identity, std::string_view kernel_release, const Status& status,
                    const RecordOrCause& record, ReportForm form) {
    const SupportRecord found = record_or_empty(record);
    // A record of something else promises nothing for this image.
    const bool holds = has_record(record) && status.reason != lifecycle::Reason::other_product &&
                       status.reason != lifecycle::Reason::other_version;
    Facts facts;
    facts.facts = {
        text_fact("product", "Product", identity.product),
        text_fact("version", "Version", identity.version),
        text_fact("board", "Board", identity.board),
        text_fact("build", "Build", identity.build),
        text_fact("image_hash", "Image hash", identity.image_hash),
        text_fact("build_time", "Built", shown(identity.build_time, form)),
        text_fact("kernel", "Kernel", std::string(kernel_release)),
        text_fact("support_status", "Support", std::string(name_of(status.status))),
        text_fact("support_until", "Promised until", holds ? shown(found.core.end_of_security_support, form) : ""),
        text_fact("promised_by", "Promised by", holds ? found.promised_by : ""),
    };
    return facts;
}

std::string lifecycle_report(const Status& status, const RecordOrCause& record, ReportForm form) {
    const Facts facts = lifecycle_facts(status, record, form);
    if (!form.is_json) {
        return facts.text();
    }
    JsonWriter writer;
    writer.begin_object();
    for (const Facts::Fact& fact : facts.facts) {
        writer.key(fact.column.key);
        if (fact.value.empty()) {
            writer.null();
        } else if (fact.column.kind == Column::Kind::number) {
            writer.number_text(fact.value);
        } else {
            writer.string(fact.value);
        }
    }
    writer.key("core");
    if (has_record(record)) {
        write_core(writer, (*record)->core);
    } else {
        writer.null();
    }
    writer.end_object();
    return writer.take() + "\n";
}

Table component_table(const std::vector<lifecycle::Component>& components) {
    Table table;
    table.name = "components";
    table.columns = {{"name", "Component", Column::Kind::text},
                     {"version", "Version", Column::Kind::text},
                     {"source", "Source", Column::Kind::text},
                     {"source_version", "Source version", Column::Kind::text},
                     {"built_using", "Contains", Column::Kind::text}};
    for (const lifecycle::Component& component : components) {
        table.rows.push_back(
            {component.name, component.version, component.source, component.source_version, component.built_using});
    }
    table.status = text::concat(text::to_text(components.size()), " components");
    return table;
}

} // namespace sekisho::services

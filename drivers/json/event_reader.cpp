// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/json/event_reader.hpp"

#include "drivers/json/document.hpp"
#include "policy/base/text.hpp"

#include <limits>

namespace sekisho::drivers {

namespace {

Error event_error(std::string_view place, std::string cause) {
    return Error(Domain::event, std::string(place), std::move(cause));
}

/// The member at "observer.ingress.zone"; null where any part of the path is absent.
yyjson_val* member_at(yyjson_val* object, std::string_view path) {
    for (const std::string_view part : text::split(path, '.')) {
        object = yyjson_obj_getn(object, part.data(), part.size()); // null for what is no object
    }
    return object;
}

Result<void> set_field(events::Event& event, const events::FieldRow& row, yyjson_val* value) {
    switch (row.kind) {
    case events::FieldKind::text:
        if (yyjson_is_str(value)) {
            event.set(row.field, std::string(yyjson_get_str(value), yyjson_get_len(value)));
            return {};
        }
        return std::unexpected(event_error(row.path, "is no text"));
    case events::FieldKind::number:
        if (yyjson_is_sint(value) ||
            (yyjson_is_uint(value) &&
             yyjson_get_uint(value) <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))) {
            event.set_number(row.field, yyjson_get_sint(value));
            return {};
        }
        return std::unexpected(event_error(row.path, "is no whole number of 64 bits"));
    case events::FieldKind::boolean:
        if (yyjson_is_bool(value)) {
            event.set_boolean(row.field, yyjson_get_bool(value));
            return {};
        }
        return std::unexpected(event_error(row.path, "is neither true nor false"));
    }
    return {};
}

} // namespace

Result<events::Event> YyjsonEventReader::read(std::string_view line) {
    const Document document = TRY(read_document(line, {kMostBytes, kMostDepth}, Domain::event, "line"));
    yyjson_val* root = yyjson_doc_get_root(document.get());
    if (!yyjson_is_obj(root)) {
        return std::unexpected(event_error("line", "is no JSON object"));
    }
    events::Event event;
    for (const events::FieldRow& row : events::field_table()) {
        if (yyjson_val* value = member_at(root, row.path)) {
            TRY(set_field(event, row, value));
        }
    }
    return event;
}

} // namespace sekisho::drivers

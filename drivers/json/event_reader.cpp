// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/json/event_reader.hpp"

#include "policy/base/text.hpp"

#include <limits>
#include <memory>

#include <yyjson.h>

namespace sekisho::drivers {

namespace {

Error event_error(std::string_view place, std::string cause) {
    return Error(Domain::event, std::string(place), std::move(cause));
}

/// Whether brackets nest deeper than `most`. yyjson parses without recursion, but nobody writes such a line honestly.
bool is_deeper_than(std::string_view json, int most) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char character = json[i];
        if (in_string) {
            if (character == '\\') {
                ++i;
            } else if (character == '"') {
                in_string = false;
            }
        } else if (character == '"') {
            in_string = true;
        } else if (character == '{' || character == '[') {
            if (++depth > most) {
                return true;
            }
        } else if (character == '}' || character == ']') {
            --depth;
        }
    }
    return false;
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
    if (line.size() > kMostBytes) {
        return std::unexpected(
            event_error("line", text::concat("is longer than ", text::to_text(kMostBytes), " bytes")));
    }
    if (is_deeper_than(line, kMostDepth)) {
        return std::unexpected(event_error("line", "is nested too deeply"));
    }
    yyjson_read_err failure{};
    // without YYJSON_READ_INSITU the text is not written to
    const std::unique_ptr<yyjson_doc, void (*)(yyjson_doc*)> document(
        yyjson_read_opts(const_cast<char*>(line.data()), line.size(), YYJSON_READ_NOFLAG, nullptr, &failure),
        yyjson_doc_free);
    if (document == nullptr) {
        return std::unexpected(
            event_error(text::concat("byte ", text::to_text(failure.pos)), failure.msg != nullptr ? failure.msg : ""));
    }
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

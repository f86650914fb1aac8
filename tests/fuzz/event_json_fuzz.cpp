// SPDX-License-Identifier: GPL-2.0-or-later
// Lines of the log, both ways: any line is refused or read to an event that writes and reads to the same; any bytes in
// a field make one valid line.
#include "drivers/json/event_reader.hpp"
#include "tests/fuzz/require.hpp"

#include <string>

using namespace sekisho;
using fuzz::require;

namespace {

bool is_same(const events::Event& left, const events::Event& right) {
    for (const events::FieldRow& row : events::field_table()) {
        const events::Value* of_left = left.find(row.field);
        const events::Value* of_right = right.find(row.field);
        if ((of_left == nullptr) != (of_right == nullptr) || (of_left != nullptr && *of_left != *of_right)) {
            return false;
        }
    }
    return true;
}

void check_reading(std::string_view line) {
    drivers::YyjsonEventReader reader;
    const auto event = reader.read(line);
    if (!event) {
        require(fuzz::is_plain(event.error().message()), "an error is safe to show");
        return;
    }
    const std::string written = events::to_json_line(*event);
    const auto again = reader.read(written);
    require(again.has_value() && is_same(*event, *again), "an event survives writing");
    require(events::to_json_line(*again) == written, "writing is stable");
}

void check_writing(std::string_view bytes) {
    events::Event event;
    std::int64_t number = 0;
    for (const events::FieldRow& row : events::field_table()) {
        switch (row.kind) {
        case events::FieldKind::text:
            event.set(row.field, std::string(bytes.substr(0, 64)));
            break;
        case events::FieldKind::number:
            event.set_number(row.field, number += bytes.empty() ? 1 : bytes[0]);
            break;
        case events::FieldKind::boolean:
            event.set_boolean(row.field, bytes.size() % 2 == 0);
            break;
        }
    }
    const std::string line = events::to_json_line(event);
    require(line.ends_with('\n') && line.find('\n') == line.size() - 1 && fuzz::is_plain(line),
            "one line, safe to show");
    drivers::YyjsonEventReader reader;
    const auto again = reader.read(line);
    require(again.has_value() && again->size() == event.size(), "every written event can be read");
    check_reading(line);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    check_reading(fuzz::text_of(data, size));
    check_writing(fuzz::text_of(data, size));
    return 0;
}

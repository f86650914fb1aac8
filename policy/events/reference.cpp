// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/reference.hpp"

#include "policy/base/text.hpp"
#include "policy/events/event.hpp"

#include <array>

namespace sekisho::events {

std::string reference_page() {
    static constexpr std::array<std::string_view, 3> kKinds{"text", "number", "boolean"};
    std::string page =
        "# Fields of the access log\n\n"
        "Made from the field table; after a change: `SEKISHO_REGENERATE=1` and run `events_reference_test`.\n\n"
        "Each line of the log is one JSON object; a dot in a name is an object within an object.\n\n"
        "| field | kind | meaning |\n|---|---|---|\n";
    for (const FieldRow& row : field_table()) {
        page +=
            text::concat("| `", row.path, "` | ", kKinds[static_cast<std::size_t>(row.kind)], " | ", row.help, " |\n");
    }
    return page;
}

} // namespace sekisho::events

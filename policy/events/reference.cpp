// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/events/reference.hpp"

#include "policy/base/text.hpp"
#include "policy/events/event.hpp"

#include <array>

namespace sekisho::events {

std::string reference_page() {
    static constexpr std::array<std::string_view, 3> kKinds{"text", "number", "boolean"};
    static constexpr std::array<std::string_view, 5> kPlaces{"parameter", "TIMESTAMP", "MSGID", "timeQuality", "MSG"};
    std::string page =
        "# Fields of the access log\n\n"
        "Made from the field table; after a change: `SEKISHO_REGENERATE=1` and run `events_reference_test`.\n\n"
        "Each line of the log is one JSON object; a dot in a name is an object within an object. In CSV each field is "
        "a "
        "column under\nits name. In a syslog message (RFC 5424) it is a parameter of the element `event@32473` under "
        "its "
        "name, or stands in the part\nof the message that is named here.\n\n"
        "| field | kind | syslog | meaning |\n|---|---|---|---|\n";
    for (const FieldRow& row : field_table()) {
        page += text::concat("| `", row.path, "` | ", kKinds[static_cast<std::size_t>(row.kind)], " | ",
                             kPlaces[static_cast<std::size_t>(row.syslog)], " | ", row.help, " |\n");
    }
    return page;
}

} // namespace sekisho::events

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "firmware/ports/event_reader.hpp"

namespace sekisho::tests {

/// Reads of a line that the log wrote its time and its message, which must have nothing to escape.
class StampReader final : public ports::EventReader {
public:
    Result<events::Event> read(std::string_view line) override {
        if (!line.starts_with('{')) {
            return std::unexpected(Error(Domain::event, "line", "is no JSON"));
        }
        events::Event event;
        for (const events::Field field : {events::Field::timestamp, events::Field::message}) {
            const std::string key =
                "\"" + std::string(events::field_table()[static_cast<std::size_t>(field)].path) + "\":\"";
            if (const std::size_t place = line.find(key); place != std::string_view::npos) {
                const std::string_view rest = line.substr(place + key.size());
                event.set(field, std::string(rest.substr(0, rest.find('"'))));
            }
        }
        return event;
    }
};

} // namespace sekisho::tests

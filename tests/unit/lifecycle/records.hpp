// SPDX-License-Identifier: GPL-2.0-or-later
// A good support record, for tests to change.
#pragma once

#include "policy/lifecycle/status.hpp"

#include <string_view>

namespace sekisho::test {

inline lifecycle::Moment moment(std::string_view text) {
    return lifecycle::Moment::parse(text).value();
}

inline Time at(std::string_view text) {
    return parse_rfc3339(text).value();
}

inline const lifecycle::Product kProduct{"Sekisho", "0.1.2"};

/// Available from April 2026, full support for five years, security fixes for seven, life for eight.
inline lifecycle::SupportRecord good_record() {
    return {.promised_by = "Example K.K.",
            .source = "https://www.example.com/lifecycle",
            .product = "Sekisho",
            .version = "0.1",
            .end_of_full_support = moment("2031-03-31T15:00:00Z"),
            .core = {.schema = std::string(lifecycle::kCoreSchemas[0]),
                     .general_availability = moment("2026-04-01T00:00:00+09:00"),
                     .end_of_sales = moment("2030-01-01T00:00:00Z"),
                     .end_of_security_support = moment("2033-03-31T15:00:00Z"),
                     .end_of_life = moment("2034-03-31T15:00:00Z"),
                     .last_updated = moment("2026-11-23T00:00:00Z")}};
}

inline lifecycle::Circumstances good_clock(Time now) {
    return {.clock = {now, true}, .clock_is_behind = false, .offset_minutes = 540};
}

} // namespace sekisho::test

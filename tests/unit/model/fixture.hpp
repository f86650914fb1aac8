// SPDX-License-Identifier: GPL-2.0-or-later
// A clinic's network that tests put their statements behind, and what checking the whole gives.
#pragma once

#include "policy/base/text.hpp"
#include "policy/config/parser.hpp"
#include "policy/model/build.hpp"
#include "tests/unit/config/text_check.hpp"

#include <string>
#include <string_view>

namespace sekisho::test {

/// One line, so that what follows begins on line 2.
inline constexpr std::string_view kNetwork =
    "interfaces { interface wan0 { address 198.51.100.2/24; address 2001:db8:100::2/64; gateway 198.51.100.1; } "
    "bridge br-clinic { port lan1; port lan2; address 10.0.1.1/24; address fd00:1::1/64; } interface lan3 { address "
    "10.0.2.1/24; } } "
    "zones { wan { interface wan0; } clinic { interface br-clinic; } guest { interface lan3; } } "
    "address-list vendor { address 203.0.113.0/28; address 2001:db8:200::/48; }\n";

/// Noon of 2026-11-23 in Tokyo, synchronised.
inline ClockReading noon() {
    return {parse_rfc3339("2026-11-23T03:00:00Z").value(), true};
}

/// Model and report of a whole configuration; the text must parse.
struct Checked {
    std::optional<model::Model> model;
    std::string report;
};

inline Checked check_whole(std::string_view text, const ClockReading& clock = noon()) {
    Diagnostics diagnostics;
    const auto tree = config::parse(text, diagnostics);
    CHECK_SAME("", diagnostics.text("c"));
    if (!tree) {
        return {};
    }
    Checked checked{model::build_model(*tree, clock, diagnostics), {}};
    checked.report = diagnostics.text("c");
    CHECK_EQUAL(!diagnostics.has_errors(), checked.model.has_value());
    return checked;
}

inline Checked check(std::string_view text) {
    return check_whole(text::concat(kNetwork, text));
}

/// The report of something that must be refused.
inline std::string refused(std::string_view text) {
    const Checked checked = check(text);
    CHECK_FALSE(checked.model.has_value());
    return checked.report;
}

/// The model of something that must pass without a word.
inline model::Model accepted(std::string_view text) {
    Checked checked = check(text);
    CHECK_SAME("", checked.report);
    return checked.model ? *std::move(checked.model) : model::Model{};
}

/// What is said of something that passes.
inline std::string warned(std::string_view text) {
    const Checked checked = check(text);
    CHECK(checked.model.has_value());
    return checked.report;
}

} // namespace sekisho::test

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/cli/device_import.hpp"

#include "policy/base/text.hpp"
#include "policy/config/device_table.hpp"
#include "policy/config/parser.hpp"
#include "policy/config/printer.hpp"
#include "policy/model/build.hpp"

#include <algorithm>
#include <utility>

namespace sekisho::cli {

namespace {

constexpr std::string_view kDeviceSection = "port-access device ";

void add(Diagnostics& into, const Diagnostic& problem) {
    if (problem.severity == Severity::error) {
        into.error(problem.place, problem.section, problem.message, problem.hint);
    } else {
        into.warning(problem.place, problem.section, problem.message, problem.hint);
    }
}

/// What the devices bring that was not there before. An entry's place is the table's where it is from the table;
/// everything else stands in the configuration.
void check_whole(const config::Tree& whole, const config::Tree& base, const ClockReading& clock, Diagnostics& of_table,
                 Diagnostics& of_base) {
    Diagnostics before;
    Diagnostics after;
    static_cast<void>(model::build_model(base, clock, before));
    static_cast<void>(model::build_model(whole, clock, after));
    for (const Diagnostic& problem : after.entries()) {
        if (!std::ranges::contains(before.entries(), problem)) {
            add(problem.section.starts_with(kDeviceSection) ? of_table : of_base, problem);
        }
    }
    for (const Diagnostic& problem : before.entries()) {
        if (problem.severity == Severity::error) {
            add(of_base, problem);
        }
    }
}

std::string counts_text(const config::DeviceCounts& counts) {
    return text::concat("devices: ", text::to_text(counts.added), " new, ", text::to_text(counts.changed), " changed, ",
                        text::to_text(counts.same), " as they were\n");
}

} // namespace

ImportOutcome import_devices(const NamedText& table, const std::optional<NamedText>& base, const ClockReading& clock) {
    Diagnostics of_table;
    Diagnostics of_base;
    std::optional<config::Tree> tree = base ? config::parse(base->text, of_base) : config::Tree{};
    std::optional<config::DeviceTable> devices = config::read_device_table(table.text, of_table);
    config::DeviceCounts counts;
    std::string output;
    if (tree && devices) {
        config::Tree whole = *tree;
        counts = merge_devices(*std::move(devices), whole, of_table);
        if (base && !of_table.has_errors()) {
            check_whole(whole, *tree, clock, of_table, of_base);
        }
        output = config::print(whole);
    }
    if (output.size() > config::kMostBytes) {
        of_table.error({}, {},
                       text::concat("with these devices the configuration has ", text::to_text(output.size()),
                                    " bytes; it may have ", text::to_text(config::kMostBytes)));
    }
    ImportOutcome outcome{.status = 0,
                          .output = std::move(output),
                          .errors =
                              text::concat(base ? of_base.text(base->name) : std::string(), of_table.text(table.name))};
    if (of_table.has_errors() || of_base.has_errors()) {
        outcome.status = 1;
        outcome.output.clear();
        return outcome;
    }
    outcome.errors += counts_text(counts);
    return outcome;
}

} // namespace sekisho::cli

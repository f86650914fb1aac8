// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/log_page.hpp"

#include "policy/base/text.hpp"

#include <array>

namespace sekisho::services {

namespace {

Result<std::optional<Time>> read_bound(std::string_view text) {
    if (text == "-") {
        return std::nullopt;
    }
    return TRY(parse_rfc3339(text));
}

} // namespace

std::string_view name_of(LogFormat format) noexcept {
    return format == LogFormat::csv ? "csv" : "jsonl";
}

Result<LogSelection> read_selection(std::string_view format, std::string_view from, std::string_view to) {
    LogSelection selection;
    if (format == name_of(LogFormat::csv)) {
        selection.format = LogFormat::csv;
    } else if (format != name_of(LogFormat::jsonl)) {
        return std::unexpected(Error(Domain::argument, "", "a log is exported as jsonl or csv"));
    }
    selection.from = TRY(read_bound(from));
    selection.to = TRY(read_bound(to));
    if (selection.from && selection.to && *selection.from >= *selection.to) {
        return std::unexpected(Error(Domain::argument, "--from", "must be before --to"));
    }
    return selection;
}

std::string to_output(const LogPage& page) {
    return text::concat(text::to_text(page.id), " ", text::to_text(page.next), " ", text::to_text(page.end), " ",
                        text::to_text(page.not_events), " ", text::to_text(page.gone), "\n", page.records);
}

Result<LogPage> read_page(std::string_view output) {
    const std::size_t line_end = output.find('\n');
    const auto parts = text::split(output.substr(0, line_end), ' ');
    std::array<std::uint64_t, 5> numbers{};
    bool good = line_end != std::string_view::npos && parts.size() == numbers.size();
    for (std::size_t i = 0; good && i < numbers.size(); ++i) {
        const auto number = text::parse_unsigned(parts[i]);
        numbers[i] = number.value_or(0);
        good = number.has_value();
    }
    if (!good) {
        return std::unexpected(Error(Domain::control, "log-page", "the daemon's answer is no piece of a log"));
    }
    return LogPage{numbers[0], numbers[1], numbers[2],
                   numbers[3], numbers[4], std::string(output.substr(line_end + 1))};
}

} // namespace sekisho::services

// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/base/diagnostic.hpp"

#include "policy/base/text.hpp"

#include <algorithm>
#include <utility>

namespace sekisho {

namespace {

[[nodiscard]] std::string counted(std::size_t number, std::string_view noun) {
    return text::concat(text::to_text(number), " ", noun, number == 1 ? "" : "s");
}

[[nodiscard]] std::string block(std::string_view file, const Diagnostic& diagnostic) {
    std::string result = text::escape_for_terminal(file);
    if (diagnostic.place.line > 0) {
        result += text::concat(":", text::to_text(diagnostic.place.line), ":", text::to_text(diagnostic.place.column));
    }
    result += diagnostic.severity == Severity::error ? ": error: " : ": warning: ";
    if (!diagnostic.section.empty()) {
        result += text::escape_for_terminal(diagnostic.section) + ": ";
    }
    result += text::escape_for_terminal(diagnostic.message) + "\n";
    if (!diagnostic.hint.empty()) {
        result += "    hint: " + text::escape_for_terminal(diagnostic.hint) + "\n";
    }
    return result;
}

} // namespace

void Diagnostics::error(Place place, std::string section, std::string message, std::string hint) {
    ++m_errors;
    add({Severity::error, place, std::move(section), std::move(message), std::move(hint)});
}

void Diagnostics::warning(Place place, std::string section, std::string message, std::string hint) {
    ++m_warnings;
    add({Severity::warning, place, std::move(section), std::move(message), std::move(hint)});
}

void Diagnostics::add(Diagnostic diagnostic) {
    if (m_entries.size() < kMost) {
        m_entries.push_back(std::move(diagnostic));
    }
}

std::string Diagnostics::text(std::string_view file) const {
    if (m_entries.empty()) {
        return {};
    }
    std::vector<const Diagnostic*> sorted;
    sorted.reserve(m_entries.size());
    for (const Diagnostic& diagnostic : m_entries) {
        sorted.push_back(&diagnostic);
    }
    std::stable_sort(sorted.begin(), sorted.end(), [](const Diagnostic* left, const Diagnostic* right) {
        return std::pair(left->place.line, left->place.column) < std::pair(right->place.line, right->place.column);
    });

    std::string result;
    for (const Diagnostic* diagnostic : sorted) {
        result += block(file, *diagnostic);
    }
    std::vector<std::string> counts;
    if (m_errors > 0) {
        counts.push_back(counted(m_errors, "error"));
    }
    if (m_warnings > 0) {
        counts.push_back(counted(m_warnings, "warning"));
    }
    result += text::join(counts, ", ");
    if (m_errors + m_warnings > m_entries.size()) {
        result += text::concat(" (the first ", text::to_text(m_entries.size()), " are shown)");
    }
    return result + "\n";
}

} // namespace sekisho
